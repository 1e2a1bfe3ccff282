"""How well Core ML files classify pictures of the user's own, and what each precision costs."""

from mobilezoo.evaluation.accuracy import (
    Accuracy,
    Confusion,
    FileEvaluation,
    KerasAgreement,
    Recall,
)
from mobilezoo.evaluation.evaluating import evaluate
from mobilezoo.evaluation.record import (
    Comparison,
    Evaluation,
    EvaluationInterrupted,
    LeftOut,
)

__all__ = [
    "Accuracy",
    "Comparison",
    "Confusion",
    "Evaluation",
    "EvaluationInterrupted",
    "FileEvaluation",
    "KerasAgreement",
    "LeftOut",
    "Recall",
    "evaluate",
]
