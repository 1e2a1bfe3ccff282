import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime import Feature, load_coreml

from .conftest import builder

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
IMAGE = np.arange(3 * 4 * 3, dtype=np.uint8).reshape(3, 4, 3)  # h, w, RGB


def doubled(inputs, outputs=None, **options):
    """One layer: y = 2 x."""
    made = builder(inputs, outputs or {"y": None}, **options)
    made.add_elementwise("double", list(inputs), "y", "MULTIPLY", 2.0)
    return made


def of_image(is_bgr=False, **preprocessing):
    made = doubled({"x": (3, 3, 4)})
    made.set_pre_processing_parameters(["x"], is_bgr=is_bgr, **preprocessing)
    return made


def test_features_say_what_goes_in_and_out(open_network):
    program = open_network(doubled({"x": (2, 3, 4)}, {"y": (2, 3, 4)}))

    (x,), (y,) = program.inputs, program.outputs
    assert x == Feature("x", "array", (2, 3, 4), "float64", leading_batch=False)
    assert (y.name, y.shape, y.dtype) == ("y", (2, 3, 4), "float64")
    assert program.metadata.minimum_os == "iOS11"
    assert program.op_types() == {"multiply": 1}
    assert repr(program) == "<CoreMLProgram model.mlmodel: x -> y>"


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (1, 3, 4), (1,)])
def test_arrays_of_rank_1_and_3_are_mapped_to_rank_5(open_network, shape):
    program = open_network(doubled({"x": shape}, {"y": shape}))
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)

    y = program.predict({"x": x})["y"]
    several = program.predict({"x": np.stack([x, x + 1, x + 2])})["y"]

    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, 2 * x)
    np.testing.assert_array_equal(several, np.stack([2 * x, 2 * x + 2, 2 * x + 4]))


def test_values_inside_are_pictures(open_network):
    program = open_network(doubled({"x": (5,)}, {"y": (5,)}))

    ((name, value),) = program.layers({"x": np.arange(5.0)})

    assert (name, value.shape) == ("y", (1, 5, 1, 1))


def test_arrays_can_be_passed_through_exactly(open_network):
    program = open_network(doubled({"x": (2, 3)}, disable_rank5_shape_mapping=True))

    np.testing.assert_array_equal(program.predict({"x": X[:, :, 0]})["y"], 2 * X[:, :, 0])
    assert dict(program.layers({"x": X[:, :, 0]}))["y"].shape == (2, 3)
    assert program.metadata.minimum_os == "iOS13"


def test_a_leading_1_of_an_exact_array_counts_examples(open_network):
    program = open_network(doubled({"x": (1, 3, 4)}, disable_rank5_shape_mapping=True))

    np.testing.assert_array_equal(program.predict({"x": X[:1]})["y"], 2 * X[:1])
    np.testing.assert_array_equal(program.predict({"x": X})["y"], 2 * X)


@pytest.mark.parametrize(
    ("shape", "natural"), [((5,), (5,)), ((2, 3, 4), (2, 3, 4)), ((2, 1, 1), (2,))]
)
def test_an_output_without_a_declared_shape_has_its_own(open_network, shape, natural):
    program = open_network(doubled({"x": shape}))

    assert program.predict({"x": np.ones(shape)})["y"].shape == natural


def test_an_output_of_another_shape_than_declared_is_named(open_network):
    program = open_network(doubled({"x": (2, 3, 4)}, {"y": (3, 2, 4)}))

    with pytest.raises(CoreMLFileError, match=r"'y' is declared as \(3, 2, 4\), the network"):
        program.predict({"x": X})


@pytest.mark.parametrize("is_bgr", [False, True])
def test_pixels_are_scaled_and_moved_by_color(open_network, is_bgr):
    program = open_network(
        of_image(is_bgr, red_bias=100.0, green_bias=200.0, blue_bias=300.0, image_scale=0.5)
    )

    y = program.predict({"x": IMAGE})["y"]

    rgb = 2 * (IMAGE * 0.5 + [100.0, 200.0, 300.0])
    order = [2, 1, 0] if is_bgr else [0, 1, 2]
    np.testing.assert_allclose(y, rgb[..., order].transpose(2, 0, 1))


def test_gray_pixels_have_a_bias_of_their_own(open_network):
    made = doubled({"x": (1, 3, 4)})
    made.set_pre_processing_parameters(["x"], gray_bias=-1.0, red_bias=9.0, image_scale=2.0)
    program = open_network(made)

    y = program.predict({"x": IMAGE[..., 0]})["y"]

    np.testing.assert_allclose(y, 2 * (IMAGE[..., 0] * 2.0 - 1.0)[None])


def test_a_mean_image_is_subtracted_after_the_scaler_before_it(open_network, save_network):
    mean = np.arange(36.0, dtype=np.float32).reshape(3, 3, 4)

    def add_mean(spec):
        item = spec.neuralNetwork.preprocessing.add()
        item.featureName = "x"
        item.meanImage.meanImage.extend(mean.ravel())

    program = open_network(of_image(image_scale=2.0), add_mean)

    y = program.predict({"x": IMAGE})["y"]
    several = program.predict({"x": np.stack([IMAGE, IMAGE])})["y"]

    np.testing.assert_allclose(y, 2 * (IMAGE.transpose(2, 0, 1) * 2.0 - mean))
    np.testing.assert_allclose(several, np.stack([y, y]))


def test_preprocessing_belongs_to_the_input_that_it_names(open_network):
    made = doubled({"a": (3, 3, 4), "b": (3, 3, 4)})
    made.set_pre_processing_parameters(["a", "b"], image_scale={"a": 1.0, "b": 0.25})
    program = open_network(made)

    y = program.predict({"a": IMAGE, "b": IMAGE})["y"]

    np.testing.assert_allclose(y, IMAGE.transpose(2, 0, 1) ** 2.0 * 0.25)


def test_preprocessing_without_a_name_belongs_to_the_only_picture(open_network, save_network):
    def forget(spec):
        for item in spec.neuralNetwork.preprocessing:
            item.featureName = ""

    program = open_network(of_image(image_scale=0.5), forget)

    y = program.predict({"x": IMAGE})["y"]

    np.testing.assert_allclose(y, IMAGE.transpose(2, 0, 1))
    two = doubled({"a": (3, 3, 4), "b": (3, 3, 4)})
    two.set_pre_processing_parameters(["a", "b"])
    with pytest.raises(CoreMLFileError, match=r"preprocessing of ''; the inputs are \['a', 'b'\]"):
        load_coreml(save_network(two, forget))


def rename(spec):
    spec.neuralNetwork.preprocessing[0].featureName = "z"


def shorten(spec):
    item = spec.neuralNetwork.preprocessing[0]
    item.meanImage.meanImage.append(1.0)


def empty(spec):
    spec.neuralNetwork.preprocessing[0].ClearField("scaler")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (rename, r"preprocessing of 'z'; the inputs are \['x'\]"),
        (shorten, r"a mean image of 1 numbers, not of \[3, 3, 4\]"),
        (empty, "preprocessing of 'x', of no kind"),
    ],
)
def test_preprocessing_that_does_not_fit_is_named(save_network, change, complaint):
    path = save_network(of_image(), change)

    with pytest.raises(CoreMLFileError, match=complaint):
        load_coreml(path)


def test_arrays_are_not_preprocessed(save_network):
    def add(spec):
        item = spec.neuralNetwork.preprocessing.add()
        item.featureName = "x"
        item.scaler.channelScale = 2.0

    path = save_network(doubled({"x": (3,)}), add)

    with pytest.raises(CoreMLFileError, match="'x', scaler: an image is required"):
        load_coreml(path)


def test_whole_numbers_are_computed_as_floating_ones(open_network):
    def to_int(spec):
        feature = spec.description.input[0].type.multiArrayType
        feature.dataType = feature.ArrayDataType.Value("INT32")

    program = open_network(doubled({"x": (3,)}), to_int)

    np.testing.assert_array_equal(program.predict({"x": np.array([1, 2, 3])})["y"], [2.0, 4.0, 6.0])
    with pytest.raises(InvalidArgumentError, match="int32 is required"):
        program.predict({"x": np.array([1.5, 2.0, 3.0])})


@pytest.mark.parametrize("shape", [(), (2, 3), (1, 2, 3, 4), (0,)])
def test_an_input_that_cannot_be_mapped_is_named(save_network, shape):
    def declare(spec):
        del spec.description.input[0].type.multiArrayType.shape[:]
        spec.description.input[0].type.multiArrayType.shape.extend(shape)

    path = save_network(doubled({"x": (3,)}), declare)

    with pytest.raises(CoreMLFileError, match="input 'x' is declared as"):
        load_coreml(path)


def test_a_regressor_gives_a_number(open_network):
    def declare(spec):
        spec.description.output[0].type.doubleType.MergeFromString(b"")
        spec.description.predictedFeatureName = "y"

    program = open_network(doubled({"x": (1,)}, mode="regressor"), declare)

    assert program.predict({"x": np.array([1.5])}) == {"y": 3.0}
    assert program.predict({"x": np.array([[1.5], [2.0]])}) == {"y": [3.0, 4.0]}
    assert program.predict([{"x": [1.5]}, {"x": [2.0]}]) == [{"y": 3.0}, {"y": 4.0}]


def test_a_neural_network_may_lie_in_a_package(tmp_path, save_network):
    from coremltools.models import MLModel

    from ..conftest import leave_folders_to_python

    made = doubled({"x": (3,)})
    with leave_folders_to_python():
        MLModel(made.spec, skip_model_load=True).save(str(tmp_path / "new.mlpackage"))

    program = load_coreml(tmp_path / "new.mlpackage")

    np.testing.assert_array_equal(program.predict({"x": np.ones(3)})["y"], [2.0, 2.0, 2.0])
