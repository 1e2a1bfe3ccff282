"""Checkpoints of torchvision and timm find the classifier whatever it gives."""

import pytest

from mobilezoo import build


@pytest.mark.parametrize("name", ["vgg11", "resnet18", "mobilenet_v2", "mobilenet_v3_small"])
def test_logits_have_the_name_in_checkpoints_that_probabilities_have(loaded, name):
    def sources(**options):
        layers, dialects = loaded(build, name, input_shape=(32, 64, 3), **options)
        held = [layer.name for layer in layers if layer.weights]
        return [[dialect.source(layer) for layer in held] for dialect in dialects]

    logits, probabilities = sources(classifier_activation=None), sources()

    assert logits == probabilities
    assert all(None not in dialect for dialect in logits)
