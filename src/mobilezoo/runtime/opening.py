"""Opens whatever a Core ML file holds."""

from __future__ import annotations

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime.ml_program import open_ml_program
from mobilezoo.runtime.network.opening import NETWORKS, open_network
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.package import ModelFile, open_package
from mobilezoo.runtime.pipeline.opening import PIPELINES, open_pipeline, parts_of
from mobilezoo.runtime.simple.opening import MODELS, open_simple

_KNOWN = ("mlProgram", *NETWORKS, *PIPELINES, *MODELS)
# why a kind of model is not run, where there is more to say than that it is not
_REASONS = {
    "visionFeaturePrint": "its network is Apple's and part of the system, not of the file",
    "audioFeaturePrint": "its network is Apple's and part of the system, not of the file",
    "soundAnalysisPreprocessing": "it is part of Apple's system, not of the file",
    "wordEmbedding": "its words are Apple's and part of the system, not of the file",
    "customModel": "it is Swift code of the app, not of the file",
    "linkedModel": "it is another file, in the app",
    "serializedModel": "it is in a form that only Apple's systems read",
}


def open_model(file: ModelFile, function_name: str | None = None) -> Opened:
    """Check a model of any kind and make it ready to run.

    Raises:
        CoreMLFileError: it is damaged, or holds no model.
        UnsupportedOpError: it is, or has, what the runtime does not know; all is listed.
    """
    if file.kind is None:
        raise CoreMLFileError(
            f"{file.path}: holds no model; one of {', '.join(_KNOWN)} is required."
        )
    unknown = _unknown(file.model)
    if unknown:
        raise UnsupportedOpError(f"{file.path}: not supported: {'; '.join(unknown)}.")
    if file.kind == "mlProgram":
        opened = open_ml_program(open_package(file, function_name))
    elif file.kind in PIPELINES:
        opened = open_pipeline(file, open_model)
    else:
        opened = open_simple(file) if file.kind in MODELS else open_network(file)
    _check_classifier(opened)
    return opened


def _check_classifier(opened: Opened) -> None:
    """Whether labels and probabilities leave as what they are, and nothing else does."""
    classifier = opened.block.classifier
    label, probabilities = (
        ("", "") if classifier is None else (classifier.label_output, classifier.probability_output)
    )
    for feature in opened.outputs:
        is_label, is_probability = feature.name == label, feature.name == probabilities
        wrong = is_label and feature.kind not in ("string", "int64")
        if wrong or is_probability != (feature.kind == "dictionary"):
            what = {label: "the label", probabilities: "probabilities"}.get(feature.name, "numbers")
            raise CoreMLFileError(
                f"{opened.path}: output {feature.name!r} is declared as {feature.kind}, and holds "
                f"{what}."
            )


def _unknown(model: object, place: str = "") -> list[str]:
    """The kinds of model that are not known, with their places in pipelines."""
    kind = model.WhichOneof("Type")  # type: ignore[attr-defined]
    if kind in PIPELINES:
        parts = parts_of(model)
        return [
            found
            for i, part in enumerate(parts, 1)
            for found in _unknown(part, f"{place}part {i} of {len(parts)}, ")
        ]
    if kind in _KNOWN or kind is None:
        return []
    return [f"{place}{kind}" + (f": {_REASONS[kind]}" if kind in _REASONS else "")]
