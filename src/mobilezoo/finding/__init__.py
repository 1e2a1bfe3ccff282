"""Finding a model: what each network is, costs and reaches, and which one keeps to your limits."""

from mobilezoo.finding.accuracies import Accuracy, accuracies
from mobilezoo.finding.candidates import Candidate, Miss, Pick
from mobilezoo.finding.description import Description, describe
from mobilezoo.finding.picking import pick

__all__ = ["Accuracy", "Candidate", "Description", "Miss", "Pick", "accuracies", "describe", "pick"]
