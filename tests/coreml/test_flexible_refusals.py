"""Files that take several sizes: what is refused, and why."""

import re

import keras
import numpy as np
import pytest
from keras import layers, ops

from mobilezoo import (
    BatchRange,
    BatchSizes,
    ImageSizeRange,
    ImageSizes,
    export_coreml,
    load_coreml,
    vgg11,
)
from mobilezoo.errors import InvalidArgumentError, UnsupportedLayersError

from .custom import Apply

SIZES = ImageSizes([(64, 96), (48, 32)])
RANGE = ImageSizeRange(height=(40, 97), width=(33, 128))


def test_a_size_at_which_the_model_cannot_be_computed_is_refused(segmenter, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"at \(33, 33\), Concatenate \(joined\) fails"):
        export_coreml(
            segmenter,
            tmp_path / "m.mlpackage",
            preprocessing="unit",
            flexible=ImageSizeRange((32, 64), (32, 64)),
        )

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_other_sizes_are_refused_when_the_file_runs(classifier, tmp_path, suffix):
    path = tmp_path / f"m.{suffix}"
    export_coreml(classifier, path, flexible=SIZES)
    program = load_coreml(path)

    with pytest.raises(InvalidArgumentError, match=r"\(64, 96\) or \(48, 32\)"):
        program.predict({"image": np.zeros((48, 96, 3), np.uint8)})

    export_coreml(classifier, path, flexible=RANGE, inputs="array", overwrite=True)
    program, name = load_coreml(path), load_coreml(path).inputs[0].name
    with pytest.raises(InvalidArgumentError, match="40 to 97 x 33 to 128 x 3"):
        program.predict({name: np.zeros((1, 40, 129, 3), np.float32)})


def test_a_classifier_answers_for_one_example(classifier):
    with pytest.raises(InvalidArgumentError, match="a classifier answers for one example"):
        export_coreml(classifier, inputs="array", labels=list("abc"), flexible=BatchRange(1, 4))


def test_a_size_within_a_range_at_which_rows_do_not_match_is_refused():
    x = inputs = keras.Input((34, 34, 3))
    same = layers.MaxPooling2D(4, padding="same")(x)
    valid = layers.MaxPooling2D(4)(layers.ZeroPadding2D(2)(x))  # one row more from 36 px on
    model = keras.Model(inputs, layers.Add(name="sum")([same, valid]))

    with pytest.raises(InvalidArgumentError, match=r"at \(36, 36\), Add \(sum\) fails"):
        export_coreml(model, preprocessing="unit", flexible=ImageSizeRange((34, 44), (34, 44)))


def test_without_coremltools_native_library_a_package_is_refused(classifier, monkeypatch):
    monkeypatch.setattr("coremltools.models.utils._ModelPackage", None)

    with pytest.raises(InvalidArgumentError, match=r"Write a \.mlmodel"):
        export_coreml(classifier)

    assert export_coreml(classifier, minimum_deployment_target="iOS13") is not None


def test_what_depends_on_the_size_is_listed():
    model = vgg11((64, 96, 3), classes=3, fc_units=8)

    with pytest.raises(UnsupportedLayersError, match=r"depend on the picture's size(.|\n)*flatten"):
        export_coreml(model, flexible=SIZES)


def shifted(mode):
    return lambda x: ops.pad(x, [[0, 0], [1, 2], [1, 2], [0, 0]], mode=mode)


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        (Apply(lambda x: ops.roll(x, 2, axis=1), name="it"), r"Apply \(it\): keras.ops Roll$"),
        (Apply(lambda x: ops.repeat(x, 2, axis=1), name="it"), "Repeat; take UpSampling2D$"),
        (Apply(shifted("reflect"), name="it"), "keras.ops Pad; take mode='constant'$"),
        (Apply(shifted("symmetric"), name="it"), "keras.ops Pad; take mode='constant'$"),
        (Apply(lambda x: x[:, 1:-2], name="it"), "keras.ops GetItem; take Cropping2D$"),
        (Apply(lambda x: x * x.shape[1], name="it"), r"Apply \(it\)"),
        (layers.Resizing(8, 9, name="it"), r"Resizing \(it\): .*take UpSampling2D, or let the app"),
        (layers.CenterCrop(8, 9, name="it"), r"CenterCrop \(it\): take Cropping2D, or let the app"),
        (layers.UpSampling2D(2, interpolation="bicubic", name="it"), "'nearest' or 'bilinear'$"),
    ],
)
def test_a_layer_that_fits_one_size_only_is_named_with_what_to_do(functional, layer, line):
    model = functional(layer, layers.GlobalAveragePooling2D(), shape=(64, 96, 3))

    with pytest.raises(UnsupportedLayersError) as caught:
        export_coreml(model, preprocessing="unit", flexible=SIZES)

    first, second = str(caught.value).splitlines()
    assert first.startswith("1 layer(s) of 'net' fit one size only, and flexible= leaves height")
    assert "leave flexible= out and export one size" in first
    assert re.search(line, second)
    assert export_coreml(model, preprocessing="unit") is not None


def test_layers_that_fit_no_size_are_told_from_those_that_fit_one(functional):
    model = functional(
        Apply(lambda x: ops.sort(x, axis=1), name="sorted"),
        layers.Resizing(8, 9, name="small"),
        layers.GlobalAveragePooling2D(),
        shape=(64, 96, 3),
    )

    with pytest.raises(UnsupportedLayersError) as caught:
        export_coreml(model, preprocessing="unit", flexible=SIZES)

    never, sort, sized, resizing = str(caught.value).splitlines()
    assert never == "1 layer(s) of 'net' cannot be represented:"
    assert "Apply (sorted): keras.ops Sort" in sort
    assert sized.startswith("1 layer(s) of 'net' fit one size only")
    assert "Resizing (small)" in resizing


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flexible": (64, 96)}, "must be one of BatchRange, BatchSizes"),
        ({"flexible": BatchRange(1, 8)}, "takes pictures one by one"),
        (
            {"flexible": BatchRange(1, 8), "minimum_deployment_target": "iOS13"},
            "no axis for the examples",
        ),
        (
            {"flexible": SIZES, "minimum_deployment_target": "macOS10.13.2"},
            "needs macOS10.14; minimum_deployment_target='macOS10.13.2' is older",
        ),
        (
            {
                "flexible": SIZES,
                "minimum_deployment_target": "iOS13",
                "precision": "float32",
                "updatable": ["predictions"],
            },
            "updatable= needs an input of one shape",
        ),
    ],
)
def test_what_cannot_be_flexible_says_so(classifier, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        export_coreml(classifier, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchRange(0, 4), r"has \(0, 4\)"),
        (lambda: BatchRange(4, 2), r"has \(4, 2\); pass \(lowest, highest\)"),
        (lambda: BatchSizes([3]), "takes 2 to 128 sizes.*given were 1 size"),
        (lambda: BatchSizes(3), "given were 3"),
        (lambda: BatchSizes([4, np.int64(4)]), "lists 4 more than once"),
        (lambda: BatchRange(1, 2**70), "to 2147483647 are required"),
        (lambda: BatchSizes([1, 2.5]), "whole numbers"),
        (lambda: ImageSizes([(64, 96), [64, 96]]), r"lists \(64, 96\) more than once"),
        (lambda: ImageSizes([(64, 64 + i) for i in range(129)]), "given were 129 sizes"),
        (lambda: ImageSizes([64, 96]), r"pairs \(height, width\)"),
        (lambda: ImageSizes([(64, 96), (0, 5)]), "whole numbers from 1 to"),
        (lambda: ImageSizeRange(64, (32, 64)), r"height=\(lowest, highest\)"),
        (lambda: ImageSizeRange((32, 64), (64, 32)), "ImageSizeRange width"),
        (lambda: ImageSizeRange((64, 64), (48, 48)), r"one size, 64 x 48.*height=\(lowest"),
        (lambda: ImageSizeRange("ab", "cd"), r"height=\(lowest, highest\); given was 'ab'"),
        (lambda: ImageSizeRange((True, 64), (32, 64)), "whole numbers from 1"),
        (lambda: ImageSizeRange((32, None), (32, 64)), "whole numbers from 1"),
        (lambda: ImageSizes("ab"), "given were 'ab'"),
        (lambda: ImageSizes([("1", "2"), (3, 4)]), "whole numbers from 1"),
        (lambda: ImageSizes({(1, 2), (3, 4)}), "takes 2 to 128 sizes"),
        (lambda: BatchSizes([-1, 2]), "whole numbers from 1"),
        (lambda: BatchSizes([True, 2]), "whole numbers from 1"),
        (lambda: BatchRange("1", "2"), "whole numbers from 1"),
    ],
)
def test_sizes_that_make_no_sense_are_refused_at_once(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_sizes_may_be_numpy_s():
    pairs, numbers = np.array([[64, 96], [48, 32]]), np.int64(1)

    assert ImageSizes(pairs) == ImageSizes([np.array([64, 96]), (48, np.int32(32))]) == SIZES
    assert str(BatchRange(numbers, 4)) == "BatchRange(lower=1, upper=4)"
    assert str(BatchSizes(range(1, 3))) == "BatchSizes(sizes=(1, 2))"
    assert str(ImageSizeRange(pairs[1][::-1], (numbers, 2))) == (
        "ImageSizeRange(height=(32, 48), width=(1, 2))"
    )
