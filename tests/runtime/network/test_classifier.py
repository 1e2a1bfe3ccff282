import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import load_coreml

from .conftest import builder

LOGITS = np.log(np.array([1.0, 5.0, 2.0]))


def classifier(labels, **options):
    """Probabilities are the softmax of the three inputs."""
    made = builder({"x": (3,)}, {"scores": (3,)}, mode="classifier")
    made.add_softmax("softmax", "x", "scores")
    made.set_class_labels(labels, **options)
    return made


@pytest.mark.parametrize("labels", [["cat", "dog", "fox"], [7, 3, 5]])
def test_labels_are_words_or_numbers(open_network, labels):
    program = open_network(classifier(labels))

    result = program.predict({"x": LOGITS})

    assert result["classLabel"] == labels[1]
    assert list(result["scores"]) == labels
    np.testing.assert_allclose(list(result["scores"].values()), [0.125, 0.625, 0.25], rtol=1e-6)
    assert program.labels == tuple(labels)
    assert program.op_types() == {"softmax": 1}


def test_several_examples_give_lists(open_network):
    program = open_network(classifier(["a", "b", "c"]))

    result = program.predict({"x": np.stack([LOGITS, -LOGITS])})

    assert result["classLabel"] == ["b", "a"]
    assert [sorted(row) for row in result["scores"]] == [["a", "b", "c"]] * 2


def test_without_a_name_the_last_layer_holds_the_probabilities(open_network):
    def forget(spec):
        spec.neuralNetworkClassifier.labelProbabilityLayerName = ""
        spec.neuralNetworkClassifier.layers[0].output[0] = "inside"

    program = open_network(classifier(["a", "b", "c"]), forget)

    assert program.predict({"x": LOGITS})["classLabel"] == "b"


def test_the_label_may_be_all_that_is_returned(open_network):
    def drop(spec):
        del spec.description.output[0]
        spec.description.predictedProbabilitiesName = ""

    program = open_network(classifier(["a", "b", "c"]), drop)

    assert program.predict({"x": LOGITS}) == {"classLabel": "b"}


def test_the_label_may_have_another_name(open_network):
    program = open_network(classifier(["a", "b", "c"], predicted_feature_name="animal"))

    assert program.predict({"x": LOGITS})["animal"] == "b"


def test_another_number_of_labels_is_refused(open_network):
    program = open_network(classifier(["a", "b"]))

    with pytest.raises(CoreMLFileError, match="2 labels for 3 probabilities"):
        program.predict({"x": LOGITS})


@pytest.mark.parametrize("field", ["stringClassLabels", "labelProbabilityLayerName"])
def test_a_classifier_needs_labels_and_probabilities(save_network, field):
    def clear(spec):
        spec.neuralNetworkClassifier.ClearField(field)
        del spec.neuralNetworkClassifier.layers[:]

    path = save_network(classifier(["a", "b", "c"]), clear)

    with pytest.raises(CoreMLFileError, match="without labels, probabilities or a name"):
        load_coreml(path)


def test_probabilities_that_nothing_computes_are_named(save_network):
    def misname(spec):
        spec.neuralNetworkClassifier.labelProbabilityLayerName = "nowhere"

    path = save_network(classifier(["a", "b", "c"]), misname)

    with pytest.raises(CoreMLFileError, match="nothing defines the output 'nowhere'"):
        load_coreml(path)
