"""Marks layers of a neural network as trainable on the device (specification 4, iOS 13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coremltools import proto

from mobilezoo.coreml.neural_network.table import free_name
from mobilezoo.coreml.training import LOSSES, UPDATABLE_VERSION, Candidates, OnDeviceTraining
from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from coremltools.proto import Model_pb2

# What Core ML passes gradients through. Source: isLayerSupportedForBackprop in the validator of
# Core ML's specification, NeuralNetworkValidatorGraph.hpp.
_LAYERS = {"batchnorm", "convolution", "flatten", "innerProduct", "pooling"}
_ACTIVATIONS = {"ReLU", "sigmoid", "tanh"}
_ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
_CROSS_ENTROPY, _SQUARED_ERROR = LOSSES


def make_updatable(
    model: Model_pb2.Model, training: OnDeviceTraining, candidates: Candidates
) -> None:
    """Add what an `MLUpdateTask` needs: layers that learn, loss, optimizer, training inputs.

    Args:
        model: a neural network in float32 with one output, a vector; changed in place.
        training: how they learn.
        candidates: the layers that may learn, and those that are to.

    Raises:
        InvalidArgumentError: no loss fits, or a layer cannot learn.
    """
    network = getattr(model, model.WhichOneof("Type"))
    values = _output(model, network)
    softmax = next((item for item in network.layers if values in item.output), None)
    ends_in_softmax = softmax is not None and softmax.WhichOneof("layer") == "softmax"
    loss = _loss(training, ends_in_softmax)
    start = softmax.input[0] if softmax is not None and loss == _CROSS_ENTROPY else values
    chain = list(_backward(network.layers, start))
    candidates.check({layer.name for layer in chain})
    wanted = {candidates.trainable[path]: path for path in candidates.asked}
    _check_reached(chain, wanted, candidates.trainable)
    for layer in network.layers:
        if layer.name in wanted:
            _mark(layer)
    _set_loss(model, network, loss, values)
    _set_optimizer(network.updateParams.optimizer, training)
    _set_numbers(network.updateParams.epochs, training.epochs)
    network.updateParams.shuffle.defaultValue = bool(training.shuffle)
    model.isUpdatable = True
    model.specificationVersion = max(model.specificationVersion, UPDATABLE_VERSION)


def _output(model: Model_pb2.Model, network: Any) -> str:
    """Name of the output's value; a classifier's probabilities get that of their feature."""
    if model.WhichOneof("Type") != "neuralNetworkClassifier":
        return str(model.description.output[0].name)
    probabilities = str(model.description.predictedProbabilitiesName)
    for layer in network.layers:
        if network.labelProbabilityLayerName in layer.output:
            layer.output[:] = [probabilities]
    network.labelProbabilityLayerName = probabilities
    return probabilities


def _loss(training: OnDeviceTraining, ends_in_softmax: bool) -> str:
    if training.loss == _CROSS_ENTROPY and not ends_in_softmax:
        raise InvalidArgumentError(
            "categorical_cross_entropy needs a softmax at the end. Add a Softmax layer, pass "
            "labels= (logits get one), or loss='mean_squared_error'."
        )
    if training.loss is not None:
        return training.loss
    if ends_in_softmax:
        return _CROSS_ENTROPY
    raise InvalidArgumentError(
        "The model does not end in softmax, so its loss is not known. Add a Softmax layer, pass "
        "labels= (logits get one), or for regression updatable=OnDeviceTraining(layers, "
        "loss='mean_squared_error')."
    )


def _backward(layers: Sequence[Any], name: str) -> Iterator[Any]:
    """The layers that gradients reach from a value on, and the one at which they stop."""
    makers = {made: layer for layer in layers for made in layer.output}
    layer = makers.get(name)
    while layer is not None:
        yield layer
        layer = makers.get(layer.input[0]) if _passes_gradients(layer) else None


def _passes_gradients(layer: Any) -> bool:
    kind = layer.WhichOneof("layer")
    if kind == "activation":
        return layer.activation.WhichOneof("NonlinearityType") in _ACTIVATIONS
    return kind in _LAYERS


def _check_reached(
    chain: Sequence[Any], wanted: Mapping[str, str], trainable: Mapping[str, str]
) -> None:
    reached = {layer.name for layer in chain}
    missed = [path for name, path in wanted.items() if name not in reached]
    if not missed:
        return
    last = chain[-1]
    possible = [path for path, name in trainable.items() if name in reached]
    hint = f"Choose among {', '.join(map(repr, possible))}." if possible else ""
    raise InvalidArgumentError(
        f"updatable: gradients of the loss do not reach {', '.join(map(repr, missed))}: they stop "
        f"at layer '{last.name}' ({last.WhichOneof('layer')}). Core ML passes them through dense "
        "layers, convolutions, pooling, flattening, ReLU (not ReLU6), sigmoid and tanh only. "
        f"{hint}".rstrip()
    )


def _mark(layer: Any) -> None:
    layer.isUpdatable = True
    parameters = getattr(layer, layer.WhichOneof("layer"))
    parameters.weights.isUpdatable = True
    if parameters.hasBias:
        parameters.bias.isUpdatable = True


def _set_loss(model: Model_pb2.Model, network: Any, loss: str, values: str) -> None:
    """The loss, and what a training example holds: the inputs and the right answer."""
    description = model.description
    taken = {name for layer in network.layers for name in (layer.name, *layer.input, *layer.output)}
    target = free_name(values, "true", taken)
    layer = network.updateParams.lossLayers.add(name=free_name(values, "loss", taken))
    description.trainingInput.extend(description.input)
    answer = description.trainingInput.add()
    if loss == _SQUARED_ERROR:
        parameters = layer.meanSquaredErrorLossLayer
    else:
        parameters = layer.categoricalCrossEntropyLossLayer
    parameters.input, parameters.target = values, target
    if loss == _CROSS_ENTROPY and description.predictedFeatureName:
        answer.name = description.predictedFeatureName
        answer.type.stringType.SetInParent()
        return
    types = proto.FeatureTypes_pb2.ArrayFeatureType.ArrayDataType
    answer.name = target
    array = answer.type.multiArrayType
    if loss == _CROSS_ENTROPY:
        array.shape.append(1)  # the number of the right class
        array.dataType = types.Value("INT32")
    else:
        array.shape.extend(description.output[0].type.multiArrayType.shape)
        array.dataType = types.Value("DOUBLE")


def _set_optimizer(message: Any, training: OnDeviceTraining) -> None:
    adam = training.optimizer == "adam"
    optimizer = message.adamOptimizer if adam else message.sgdOptimizer
    _set_fraction(optimizer.learningRate, training.learning_rate)
    _set_numbers(optimizer.miniBatchSize, training.batch_sizes)
    for name, value in _ADAM.items() if adam else [("momentum", 0.0)]:
        _set_fraction(getattr(optimizer, name), value)


def _set_fraction(parameter: Any, value: float) -> None:
    parameter.defaultValue = value
    parameter.range.minValue, parameter.range.maxValue = 0.0, 1.0


def _set_numbers(parameter: Any, values: Sequence[int]) -> None:
    parameter.defaultValue = values[0]
    parameter.set.values.extend(sorted(set(values)))
