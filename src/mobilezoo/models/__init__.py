"""The zoo: one paper per file."""

from mobilezoo.models.mnist import mnist_cnn, mnist_mlp
from mobilezoo.models.mobilenet_v1 import mobilenet
from mobilezoo.models.registry import build, list_models

__all__ = ["build", "list_models", "mnist_cnn", "mnist_mlp", "mobilenet"]
