"""No field of a layer is silently ignored: each changes what is read, or is refused, or is listed.

Every field of the messages of all layers is set to another value, one at a time, in networks that
are valid without. A field that changes nothing would be a wrong answer, so it needs a reason.
"""

import inspect
from collections.abc import Iterator

import pytest
from coremltools.proto import NeuralNetwork_pb2

from mobilezoo.errors import MobilezooError
from mobilezoo.runtime.layers import LAYERS
from mobilezoo.runtime.network.parameters import read_keywords
from mobilezoo.runtime.network.weights import StoredWeights

MESSAGES = {
    field.name: field.message_type
    for field in NeuralNetwork_pb2.NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields
}

UNITS = ("WeightParams", "ActivationParams")  # messages that are looked at as a whole


def weights(*shape):
    count = 1
    for size in shape:
        count *= size
    return {"floatValue": [0.25] * count}


def lstm_weights():
    gates = ("inputGate", "forgetGate", "blockInput", "outputGate")
    return {
        **{f"{gate}WeightMatrix": weights(2, 3) for gate in gates},
        **{f"{gate}RecursionMatrix": weights(2, 2) for gate in gates},
        **{f"{gate}BiasVector": weights(2) for gate in gates},
        **{f"{gate}PeepholeVector": weights(2) for gate in gates if gate != "blockInput"},
    }


SIZES = {"inputVectorSize": 3, "outputVectorSize": 2}
LSTM = {"hasBiasVectors": True, "hasPeepholeVectors": True}
GATES = ("updateGate", "resetGate", "outputGate")
BORDERS = {"paddingAmounts": {"borderAmounts": [{}, {}]}}
VOLUME = {
    f"{kind}{axis}": 1 for kind in ("kernel", "stride") for axis in ("Depth", "Height", "Width")
}
CONVOLUTION_3D = {
    **VOLUME, **{f"dilation{axis}": 1 for axis in ("Depth", "Height", "Width")},
    "inputChannels": 4, "outputChannels": 4, "nGroups": 2, "hasBias": True,
    "weights": weights(4, 2, 1, 1, 1), "bias": weights(4),
}  # fmt: skip
CONVOLUTION = {
    "outputChannels": 4, "kernelChannels": 2, "nGroups": 2, "kernelSize": [1, 2], "hasBias": True,
    "weights": weights(4, 2, 1, 2), "bias": weights(4),
}  # fmt: skip
# layers that are not valid when empty: one or several messages for each
VALID = {
    "activation": [
        {name: {}} for name in (
            "linear", "ReLU", "leakyReLU", "thresholdedReLU", "tanh", "scaledTanh", "sigmoid",
            "sigmoidHard", "ELU", "softsign", "softplus",
        )
    ] + [{"PReLU": {"alpha": weights(2)}},
         {"parametricSoftplus": {"alpha": weights(2), "beta": weights(2)}}],
    "batchedMatmul": [
        {"weightMatrixFirstDimension": 2, "weightMatrixSecondDimension": 3, "hasBias": True,
         "weights": weights(2, 3), "bias": weights(3)},
    ],
    "batchnorm": [
        {"channels": 2, "gamma": weights(2), "beta": weights(2), "mean": weights(2),
         "variance": weights(2)},
    ],
    "biDirectionalLSTM": [
        {**SIZES, "activationsForwardLSTM": [{"tanh": {}}] * 3,
         "activationsBackwardLSTM": [{"tanh": {}}] * 3, "params": LSTM,
         "weightParams": [lstm_weights(), lstm_weights()]},
    ],
    "bias": [{"shape": [2], "bias": weights(2)}],
    "convolution": [
        {**CONVOLUTION, "valid": BORDERS},
        {**CONVOLUTION, "same": {}},
        {**CONVOLUTION, "isDeconvolution": True, "kernelChannels": 4, "valid": BORDERS},
    ],
    "convolution3d": [
        CONVOLUTION_3D,
        {**CONVOLUTION_3D, "isDeconvolution": True, "outputShape": [1, 2, 3]},
    ],
    "crop": [{"cropAmounts": BORDERS["paddingAmounts"]}],
    "embedding": [
        {"inputDim": 5, "outputChannels": 2, "hasBias": True, "weights": weights(2, 5),
         "bias": weights(2)},
    ],
    "embeddingND": [
        {"vocabSize": 5, "embeddingSize": 2, "hasBias": True, "weights": weights(2, 5),
         "bias": weights(2)},
    ],
    "gru": [
        {**SIZES, "activations": [{"sigmoid": {}}, {"tanh": {}}], "hasBiasVectors": True,
         **{f"{gate}WeightMatrix": weights(2, 3) for gate in GATES},
         **{f"{gate}RecursionMatrix": weights(2, 2) for gate in GATES},
         **{f"{gate}BiasVector": weights(2) for gate in GATES}},
    ],
    "innerProduct": [
        {"inputChannels": 3, "outputChannels": 2, "hasBias": True, "weights": weights(2, 3),
         "bias": weights(2)},
    ],
    "layerNormalization": [
        {"normalizedShape": [2, 3], "gamma": weights(2, 3), "beta": weights(2, 3)},
    ],
    "loadConstant": [{"shape": [2, 1, 3], "data": weights(2, 1, 3)}],
    "loadConstantND": [{"shape": [2, 3], "data": weights(2, 3)}],
    "padding": [
        {kind: {}, **BORDERS} for kind in ("constant", "reflection", "replication")
    ],
    "pooling": [
        {"valid": BORDERS}, {"same": {}}, {"includeLastPixel": {"paddingAmounts": [0, 0]}},
    ],
    "pooling3d": [VOLUME],
    "scale": [
        {"shapeScale": [2], "scale": weights(2), "hasBias": True, "shapeBias": [3],
         "bias": weights(3)},
    ],
    "simpleRecurrent": [
        {**SIZES, "activation": {"tanh": {}}, "hasBiasVector": True, "weightMatrix": weights(2, 3),
         "recursionMatrix": weights(2, 2), "biasVector": weights(2)},
    ],
    "uniDirectionalLSTM": [
        {**SIZES, "activations": [{"tanh": {}}] * 3, "params": LSTM, "weightParams": lstm_weights()}
    ],
}  # fmt: skip
# what the format says has no effect, or none on the numbers
WITHOUT_EFFECT = {
    "batchedMatmul.int8DynamicQuantize": "how a device multiplies; the input is not rounded here",
    "innerProduct.int8DynamicQuantize": "how a device multiplies; the input is not rounded here",
    "batchedMatmul.transposeA": "of two inputs only",
    "batchedMatmul.transposeB": "of two inputs only",
}


def paths(kind):
    """All fields of a layer, those of the messages in it as `outer.inner`."""
    return list(_paths(MESSAGES[kind], kind))


def _paths(descriptor, prefix) -> Iterator[str]:
    for field in descriptor.fields:
        path = f"{prefix}.{field.name}"
        inner = field.message_type
        if inner is None or inner.name in UNITS or not inner.fields:
            yield path
        else:
            yield from _paths(inner, path)


def read(kind, message):
    """What is read of a layer, made comparable; the layer's function takes all of it."""
    try:
        keywords = read_keywords(kind, message, 1, "")
    except MobilezooError:
        return "refused"
    assert keywords.keys() <= inspect.signature(LAYERS[kind]).parameters.keys()
    return {key: plain(value) for key, value in keywords.items()}


def plain(value):
    if isinstance(value, StoredWeights):
        return value.shape, value.axis, value.message.SerializeToString()
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def others(message, names):
    """Copies of a message in which one field has another value, wherever it occurs."""
    name, *rest = names
    field = message.DESCRIPTOR.fields_by_name[name]
    if rest and field.is_repeated:
        for i in range(len(getattr(message, name))):
            for inner in others(getattr(message, name)[i], rest):
                changed = copied(message)
                getattr(changed, name)[i].CopyFrom(inner)
                yield changed
    elif rest:
        if field.containing_oneof and not message.HasField(name):
            return  # another valid message of the layer has it
        for inner in others(getattr(message, name), rest):
            changed = copied(message)
            getattr(changed, name).CopyFrom(inner)
            yield changed
    else:
        changed = copied(message)
        change(changed, field)
        yield changed


def copied(message):
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def change(message, field):
    value = getattr(message, field.name)
    if field.message_type is not None:
        value = value[0] if field.is_repeated else value
        value.SetInParent()
        if field.message_type.name == "WeightParams":
            value.floatValue.append(9.0)
        if field.message_type.name == "ActivationParams":
            value.ReLU.SetInParent()
    elif field.is_repeated:
        value.extend([1, 1] if field.type != field.TYPE_UINT64 or not value else [7])
    elif field.type == field.TYPE_BOOL:
        setattr(message, field.name, not value)
    elif field.enum_type is not None:
        setattr(message, field.name, 1)
    else:
        setattr(message, field.name, value + 1)


@pytest.mark.parametrize("path", [path for kind in sorted(LAYERS) for path in paths(kind)])
def test_every_field_is_read_or_refused(path):
    kind, *names = path.split(".")
    found = []
    for fields in VALID.get(kind, [{}]):
        message = getattr(NeuralNetwork_pb2, MESSAGES[kind].name)(**fields)
        before = read(kind, message)
        assert before != "refused"

        made = [read(kind, changed) != before for changed in others(message, names)]
        found += [all(made)] if made else []

    assert found, "no valid message has this field"
    assert any(found) == (path not in WITHOUT_EFFECT)


# fields outside the layers' own messages, and why those that are not read do not matter
AROUND = {
    "NeuralNetwork": {
        "layers": "read", "preprocessing": "read", "arrayInputShapeMapping": "read",
        "imageInputShapeMapping": "read", "updateParams": "of training on a device",
    },
    "NeuralNetworkLayer": {
        "name": "read", "input": "read", "output": "read",
        "inputTensor": "what a converter knew of the shapes, which are computed here",
        "outputTensor": "as inputTensor", "isUpdatable": "of training on a device",
    },
    "NeuralNetworkPreprocessing": {"featureName": "read", "scaler": "read", "meanImage": "read"},
    "NeuralNetworkImageScaler": dict.fromkeys(
        ("channelScale", "redBias", "greenBias", "blueBias", "grayBias"), "read"
    ),
    "NeuralNetworkMeanImage": {"meanImage": "read"},
    "WeightParams": {
        "floatValue": "read", "float16Value": "read", "rawValue": "read", "int8RawValue": "read",
        "quantization": "read", "isUpdatable": "of training on a device",
    },
    "QuantizationParams": dict.fromkeys(
        ("numberOfBits", "linearQuantization", "lookupTableQuantization"), "read"
    ),
    "LinearQuantizationParams": {"scale": "read", "bias": "read"},
    "LookUpTableQuantizationParams": {"floatValue": "read"},
}  # fmt: skip


@pytest.mark.parametrize("name", AROUND)
def test_fields_around_the_layers_are_known(name):
    fields = getattr(NeuralNetwork_pb2, name).DESCRIPTOR.fields

    plain = {field.name for field in fields} - (
        MESSAGES.keys() if name == "NeuralNetworkLayer" else set()
    )

    assert plain == AROUND[name].keys()


@pytest.mark.parametrize("name", ["NeuralNetworkClassifier", "NeuralNetworkRegressor"])
def test_classifiers_and_regressors_are_networks_with_labels(name):
    fields = {field.name for field in getattr(NeuralNetwork_pb2, name).DESCRIPTOR.fields}

    labels = {"stringClassLabels", "int64ClassLabels", "labelProbabilityLayerName"}
    assert fields - labels == AROUND["NeuralNetwork"].keys()
