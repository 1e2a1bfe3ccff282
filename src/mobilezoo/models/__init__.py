"""The zoo: one paper per file."""

from mobilezoo.models.inception_v1 import googlenet, inception_v1
from mobilezoo.models.inception_v3 import inception_v3
from mobilezoo.models.mnist import mnist_cnn, mnist_mlp
from mobilezoo.models.mobilenet_v1 import mobilenet
from mobilezoo.models.mobilenet_v2 import mobilenet_v2
from mobilezoo.models.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from mobilezoo.models.registry import build, list_models
from mobilezoo.models.resnet_cifar import resnet_cifar
from mobilezoo.models.resnet_v1 import resnet18, resnet34, resnet50, resnet101, resnet152, resnet200
from mobilezoo.models.resnet_v2 import (
    resnet18_v2,
    resnet34_v2,
    resnet50_v2,
    resnet101_v2,
    resnet152_v2,
    resnet200_v2,
)
from mobilezoo.models.vgg import vgg11, vgg13, vgg16, vgg19

__all__ = [
    "build",
    "googlenet",
    "inception_v1",
    "inception_v3",
    "list_models",
    "mnist_cnn",
    "mnist_mlp",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "resnet18",
    "resnet18_v2",
    "resnet34",
    "resnet34_v2",
    "resnet50",
    "resnet50_v2",
    "resnet101",
    "resnet101_v2",
    "resnet152",
    "resnet152_v2",
    "resnet200",
    "resnet200_v2",
    "resnet_cifar",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
]
