"""Networks that coremltools converts from PyTorch, against PyTorch."""

import warnings

import pytest

from mobilezoo.runtime import load_coreml

from ..agreement import assert_computes
from ..conftest import ct

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402


class Mobile(nn.Module):
    """Depthwise and pointwise convolutions, squeeze and excitation, a linear classifier."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, (3, 5), 1, (1, 2), groups=8)
        self.squeeze = nn.Conv2d(8, 4, 1)
        self.excite = nn.Conv2d(4, 8, 1)
        self.project = nn.Conv2d(8, 12, 1)
        self.classify = nn.Linear(12, 5)

    def forward(self, x):
        x = functional.hardswish(self.norm(self.stem(x)))
        x = functional.relu6(self.depthwise(x))
        gate = functional.adaptive_avg_pool2d(x, 1)
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(gate))))
        x = functional.silu(self.project(x * gate))
        scores = self.classify(torch.flatten(x.amax((2, 3)), 1))
        return torch.softmax(10.0 * scores, 1)  # else it hardly moves


class Residual(nn.Module):
    """Padded pooling, a shortcut, two heads."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, 1, 1)
        self.second = nn.Conv2d(6, 6, 3, 1, 2, dilation=2)
        self.prelu = nn.PReLU(6)

    def forward(self, x):
        x = functional.max_pool2d(self.prelu(self.first(x)), 3, 2, 1)
        x = x + functional.leaky_relu(self.second(x), 0.2)
        parts = torch.cat(
            [functional.avg_pool2d(x, 2, 2, ceil_mode=True)[:, :4], x[:, 1:, ::2, ::2]], 1
        )
        return parts, torch.tanh(functional.pad(x, (1, 2, 0, 1)))


class Decoder(nn.Module):
    """Transposed convolution, enlarging, group and instance and layer norm."""

    def __init__(self):
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(3, 6, 3, 2, 1, 1)
        self.group = nn.GroupNorm(2, 6)
        self.instance = nn.InstanceNorm2d(6)
        self.layer = nn.LayerNorm(6)

    def forward(self, x):
        x = self.instance(self.group(self.enlarge(x)))
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        x = functional.pixel_shuffle(torch.cat([x, -x], 1), 2)
        tokens = torch.transpose(torch.flatten(x[..., :4, :6], 2), 1, 2)[:, :, :1]
        tokens = self.layer(torch.sin(tokens * torch.arange(1.0, 7.0)))
        return functional.gelu(tokens), x


class Reading(nn.Module):
    """Rows of a picture as sequences, one way and both ways, with their last states."""

    def __init__(self):
        super().__init__()
        self.both = nn.LSTM(18, 4, bidirectional=True, batch_first=True)
        self.forth = nn.LSTM(18, 5, batch_first=True)
        self.simple = nn.RNN(8, 3, batch_first=True)

    def forward(self, x):
        y, (hidden, cell) = self.both(x[:, 0])
        return self.simple(y)[0], hidden.sum(0), cell[1], self.forth(x[:, 1])[0]


class Stack(nn.Module):
    """The channels of a picture as a volume, there and back."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv3d(1, 4, (2, 3, 3), (1, 2, 2), (0, 1, 1))
        self.apart = nn.Conv3d(4, 6, (1, 2, 2), groups=2, bias=False, dilation=(1, 2, 1))
        self.back = nn.ConvTranspose3d(6, 3, (1, 2, 3), 2)

    def forward(self, x):
        x = functional.max_pool3d(torch.tanh(self.stem(x.unsqueeze(1))), (1, 2, 2), (1, 1, 2))
        x = functional.avg_pool3d(self.apart(x), (1, 2, 2), 1)
        return self.back(x), x.mean((2, 3, 4))


class Choosing(nn.Module):
    """Rows chosen, overwritten and repeated."""

    def forward(self, x):
        shifted = x * 2
        shifted[:, :, 1:3] = x[:, :, 0:2]
        chosen = x.index_select(2, torch.tensor([0, 5, 2, 1]))
        return shifted, torch.where(chosen > 0, chosen, -chosen), x.repeat(1, 2, 1, 1)


def converted(network, x, path):
    """Conversion as users do it, and what PyTorch computes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch.jit and of coremltools, both deprecated parts
        model = ct.convert(
            torch.jit.trace(network, x[:1]),
            inputs=[ct.TensorType(name="picture", shape=tuple(x[:1].shape))],
            convert_to="neuralnetwork",
            minimum_deployment_target=ct.target.iOS14,
        )
        model.save(str(path))
    made = network(x)
    return [y.detach().numpy() for y in (made if isinstance(made, tuple) else (made,))]


@pytest.mark.parametrize("family", [Mobile, Residual, Decoder, Reading, Stack, Choosing])
def test_converted_networks_compute_what_torch_computes(tmp_path, family):
    torch.manual_seed(1)
    network = family().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # fresh statistics would change nothing
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    x = torch.randn(3, 3, 21, 18)
    with torch.no_grad():
        references = converted(network, x, tmp_path / "torch.mlmodel")
    program = load_coreml(tmp_path / "torch.mlmodel")

    assert_computes(program, {"picture": x.numpy()}, references)
