import keras
import numpy as np
import pytest

from mobilezoo import export_coreml, randomize_weights, verify
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models import resnet_v1, resnet_v2
from tests.models.same_answers import assert_same_answers

V1 = {depth: getattr(resnet_v1, f"resnet{depth}") for depth in (18, 34, 50, 101, 152, 200)}
V2 = {depth: getattr(resnet_v2, f"resnet{depth}_v2") for depth in (18, 34, 50, 101, 152, 200)}

# depth -> parameters in keras.applications, version 1 and 2
KERAS = {
    50: (25_636_712, 25_613_800),
    101: (44_707_176, 44_675_560),
    152: (60_419_944, 60_380_648),
}
# depth -> trainable parameters and billions of mult-adds in torchvision
TORCHVISION = {
    18: (11_689_512, 1.814),
    34: (21_797_672, 3.664),
    50: (25_557_032, 4.089),
    101: (44_549_160, 7.801),
    152: (60_192_808, 11.514),
}
# depth -> billions of mult-adds in Table 1 of arXiv:1512.03385, which counts 34 layers as 3.6
TABLE_1 = {18: 1.8, 34: 3.6, 50: 3.8, 101: 7.6, 152: 11.3}


def abstract(builder, *args, **options):
    with without_weights():
        return builder(*args, **options)


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


@pytest.mark.parametrize("depth", KERAS)
def test_parameters_are_those_of_keras_applications(depth):
    assert (abstract(V1[depth]).count_params(), abstract(V2[depth]).count_params()) == KERAS[depth]


@pytest.mark.parametrize("depth", TORCHVISION)
def test_in_the_convention_of_torch_counts_are_those_of_torchvision(depth):
    model = abstract(V1[depth], convention="torch")

    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert (trainable, round(count(model).mult_adds / 1e9, 3)) == TORCHVISION[depth]


@pytest.mark.parametrize("depth", TABLE_1)
def test_mult_adds_are_those_of_the_papers_table(depth):
    counts = count(abstract(V1[depth]))

    # the paper cuts digits off: 3.66 and 3.86 are 3.6 and 3.8
    assert counts.mult_adds / 1e9 == pytest.approx(TABLE_1[depth], abs=0.07)


@pytest.mark.parametrize("builders", [V1, V2])
def test_200_layers_are_152_and_16_more_blocks_in_the_second_stage(builders):
    def blocks(model):
        return {layer.name for layer in model.layers if layer.name.endswith("_add")}

    more = blocks(abstract(builders[200])) - blocks(abstract(builders[152]))

    assert more == {f"stage3_block{number}_add" for number in range(9, 25)}


@pytest.mark.parametrize("depth", KERAS)
@pytest.mark.parametrize("version", ["", "V2"])
def test_layers_with_weights_stand_as_in_keras_applications(depth, version):
    theirs = abstract(getattr(keras.applications, f"ResNet{depth}{version}"), weights=None)

    ours = abstract((V2 if version else V1)[depth])

    def shapes(model):
        return [
            (type(layer).__name__, [tuple(weight.shape) for weight in layer.weights])
            for layer in model.layers
            if layer.weights
        ]

    assert shapes(ours) == shapes(theirs)


@pytest.mark.parametrize(
    ("version", "shape", "include_top", "ending"),
    [
        ("", (64, 96, 3), True, ".weights.h5"),
        ("", (47, 33, 3), False, ".h5"),
        ("V2", (64, 96, 3), True, ".h5"),
        ("V2", (47, 33, 3), False, ".weights.h5"),
    ],
)
def test_weights_of_keras_applications_load_and_compute_the_same(
    weight_file, version, shape, include_top, ending
):
    theirs = getattr(keras.applications, f"ResNet50{version}")(
        input_shape=shape, weights=None, classes=7, include_top=include_top
    )
    randomize_weights(theirs)

    builder = (V2 if version else V1)[50]
    ours = builder(shape, classes=7, include_top=include_top, weights=weight_file(theirs, ending))

    assert_same_answers(ours, theirs)


def test_where_the_stride_sits():
    def strided(builder, **options):
        model = abstract(builder, **options)
        return [layer.name for layer in convolutions(model) if layer.strides == (2, 2)]

    assert strided(V1[50], stride_in="1x1") == strided(V1[50])
    assert strided(V1[50])[:3] == [
        "stem_conv",
        "stage3_block1_conv1",
        "stage3_block1_shortcut_conv",
    ]
    assert "stage3_block1_conv2" in strided(V1[50], stride_in="3x3")
    assert strided(V1[50], convention="torch") == strided(V1[50], stride_in="3x3")
    assert strided(V1[50], convention="torch", stride_in="1x1") == strided(V1[50])
    assert "stage3_block1_conv1" in strided(V1[18])
    assert strided(V2[50]) == [
        "stem_conv", "stage2_block3_conv2", "stage3_block4_conv2", "stage4_block6_conv2",
    ]  # fmt: skip


@pytest.mark.parametrize("convention", ["keras", "torch"])
def test_a_strided_convolution_pads_the_same_on_both_sides(convention):
    model = abstract(V1[18], convention=convention)

    assert model.get_layer("stage3_block1_pad1").padding == ((1, 1), (1, 1))
    assert model.get_layer("stage3_block1_conv1").padding == "valid"


def test_which_convolutions_carry_biases():
    assert all(layer.use_bias for layer in convolutions(abstract(V1[50])))
    assert not any(layer.use_bias for layer in convolutions(abstract(V1[18])))
    assert not any(layer.use_bias for layer in convolutions(abstract(V1[50], convention="torch")))
    with_bias = {
        layer.name.rpartition("_")[2] if "conv" in layer.name[-5:] else layer.name
        for layer in convolutions(abstract(V2[50]))
        if layer.use_bias
    }
    assert with_bias == {"conv", "conv3"}


@pytest.mark.parametrize(
    ("builder", "options", "preprocessing", "epsilon"),
    [
        (V1[50], {}, "caffe", 1.001e-5),
        (V1[18], {}, "torch", 1e-5),
        (V1[18], {"convention": "keras"}, "caffe", 1.001e-5),
        (V1[50], {"convention": "torch"}, "torch", 1e-5),
        (V2[18], {}, "tf", 1.001e-5),
    ],
)
def test_preprocessing_and_epsilon_go_with_the_convention(builder, options, preprocessing, epsilon):
    model = abstract(builder, **options)

    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert preprocessing_of(model).name == preprocessing
    assert {norm.epsilon for norm in norms} == {epsilon}


def test_published_weights_of_18_and_34_layers_are_those_of_torchvision(monkeypatch):
    files = []
    monkeypatch.setattr("mobilezoo.models._build.fetch", lambda record: record.url)
    monkeypatch.setattr(
        "mobilezoo.models._build._load", lambda _name, _own, file, *_: files.append(file)
    )

    models = [abstract(V1[depth], weights="imagenet") for depth in (18, 34)]

    assert ["resnet18" in files[0], "resnet34" in files[1]] == [True, True]
    assert [preprocessing_of(model).name for model in models] == ["torch", "torch"]
    assert not any(layer.use_bias for model in models for layer in convolutions(model))


@pytest.mark.parametrize(
    ("builder", "name", "sizes"),
    [
        (V1[18], "stage{}_block*_out", {2: (16, 24, 64), 3: (8, 12, 128), 5: (2, 3, 512)}),
        (V1[50], "stage{}_block*_out", {2: (16, 24, 256), 4: (4, 6, 1024), 5: (2, 3, 2048)}),
        (V2[50], "stage{}_block*_add", {2: (8, 12, 256), 4: (2, 3, 1024), 5: (2, 3, 2048)}),
    ],
)
def test_a_stage_ends_at_its_resolution(builder, name, sizes):
    model = abstract(builder, (64, 96, 3))

    last = {layer.name.replace(layer.name.split("_")[1], "block*"): layer for layer in model.layers
            if layer.name.startswith("stage")}  # fmt: skip
    assert {n: tuple(last[name.format(n)].output.shape[1:]) for n in sizes} == sizes


@pytest.mark.parametrize(
    ("pooling", "shape"), [(None, (None, 2, 3, 512)), ("avg", (None, 512)), ("max", (None, 512))]
)
def test_without_a_top_it_gives_features(pooling, shape):
    for builder in (V1[18], V2[34]):
        model = abstract(builder, (64, 96, 3), include_top=False, pooling=pooling)

        assert model.output_shape == shape


def test_without_a_top_the_sides_may_stay_free():
    for builder in (V1[50], V2[50]):
        assert abstract(builder, include_top=False).output_shape == (None, None, None, 2048)


def test_it_builds_on_a_tensor_and_takes_dropout_and_a_name():
    inputs = keras.Input((64, 96, 3))

    model = abstract(
        V1[18], input_tensor=keras.layers.Rescaling(2.0)(inputs), dropout=0.3, name="mine"
    )

    assert (model.name, model.input_shape) == ("mine", (None, 64, 96, 3))
    assert model.get_layer("dropout").rate == 0.3
    assert model.layers[-1].name == "probabilities"
    assert abstract(V2[18]).name == "resnet18_v2"


@pytest.mark.parametrize("builder", [V1[18], V2[18]])
def test_it_exports(builder, tmp_path):
    model = randomize_weights(builder((64, 33, 3), classes=7))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    # rounding grows with depth; float16 would differ by about 1e-3
    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-5


@pytest.mark.parametrize(
    ("builder", "options", "match"),
    [
        (V1[18], {"input_shape": (16, 16, 3)}, r"input_shape=\(16, 16, 3\) is below 32 px"),
        (V2[18], {"input_shape": (16, 16, 3)}, r"input_shape=\(16, 16, 3\) is below 32 px"),
        (V1[18], {"stride_in": "1x1"}, "stride_in='1x1' is for bottlenecks, from resnet50 on"),
        (V1[50], {"stride_in": "5x5"}, "stride_in='5x5': choose None, '1x1', '3x3'"),
        (V1[50], {"stride_in": "3x3", "weights": "imagenet"}, "stride_in='3x3' contradicts"),
        (V1[50], {"convention": "caffe"}, "convention='caffe': choose"),
        (
            V1[18],
            {"convention": "keras", "weights": "imagenet"},
            "no published file for resnet18 with conv",
        ),
        (V1[200], {"weights": "imagenet"}, "no published weights for resnet200"),
        (V2[200], {"weights": "imagenet"}, "no published weights for resnet200_v2"),
        (V2[18], {"weights": "no/such.h5"}, "is not a file"),
        (V2[18], {"dropout": 1}, "dropout=1 must be"),
    ],
)
def test_a_bad_argument_says_what_to_do(builder, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        abstract(builder, **options)


def test_help_shows_the_arguments_of_the_family():
    assert "stride_in" in V1[50].__doc__
    assert "stride_in" not in V2[50].__doc__
