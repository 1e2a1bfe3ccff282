"""ML programs that coremltools converts from PyTorch, against PyTorch, at each op set."""

import warnings

import pytest

from mobilezoo.runtime import load_coreml

from .agreement import assert_computes
from .conftest import ct, leave_folders_to_python

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

TARGETS = {
    "iOS15": ct.target.iOS15, "iOS16": ct.target.iOS16, "iOS17": ct.target.iOS17,
    "iOS18": ct.target.iOS18, "iOS26": ct.target.iOS26,
}  # fmt: skip


class Residual(nn.Module):
    """A small ResNet: padded pooling, two blocks, a linear classifier."""

    shape = (3, 21, 18)

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 5, 2, 2, bias=False), nn.BatchNorm2d(8))
        self.first = nn.Sequential(
            nn.Conv2d(8, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1)
        )
        self.second = nn.Sequential(
            nn.Conv2d(8, 12, 3, 2, 1, groups=4), nn.BatchNorm2d(12), nn.Hardswish()
        )
        self.shortcut = nn.Conv2d(8, 12, 1, 2)
        self.classify = nn.Linear(12, 5)

    def forward(self, x):
        x = functional.max_pool2d(torch.relu(self.stem(x)), 3, 2, 1)
        x = torch.relu(x + self.first(x))
        x = functional.gelu(self.second(x) + self.shortcut(x))
        return functional.log_softmax(self.classify(x.mean((2, 3))), 1)


class Segmenting(nn.Module):
    """A U-Net: down, up by transposed convolution and by interpolation, shortcuts."""

    shape = (3, 20, 24)

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(3, 6, 3, 1, 1), nn.Conv2d(6, 8, 3, 2, 1)])
        self.bottom = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.InstanceNorm2d(16, affine=True))
        self.enlarge = nn.ConvTranspose2d(16, 8, 2, 2)
        self.norm = nn.GroupNorm(2, 16)
        self.join = nn.Conv2d(16, 4, 3, 1, 1)
        self.shuffle = nn.Conv2d(4, 8, 1)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        first = functional.leaky_relu(self.down[0](x), 0.1)
        second = functional.elu(self.down[1](first))
        x = self.norm(torch.cat([self.enlarge(self.bottom(second)), second], 1))
        x = functional.pixel_shuffle(self.shuffle(self.join(x)), 2)
        x = torch.cat([x, first], 1)
        large = functional.interpolate(x, scale_factor=1.5, mode="bilinear", align_corners=False)
        even = functional.interpolate(x, size=(30, 36), mode="bilinear", align_corners=True)
        near = functional.interpolate(x, scale_factor=1.5, mode="nearest")
        return torch.sigmoid(self.out(large + even * near))


class Attending(nn.Module):
    """A vision transformer: patches, a class token, attention of two kinds."""

    shape = (3, 12, 16)

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.places = nn.Parameter(torch.randn(1, 13, 8))
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.project = nn.Linear(8, 24)
        self.mlp = nn.Sequential(nn.Linear(8, 20), nn.GELU(), nn.Linear(20, 8))
        self.head = nn.Linear(8, 7)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand_as(x[:, :1]), x], 1) + self.places
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        q, k, v = self.project(x).reshape(-1, 13, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = functional.scaled_dot_product_attention(q, k, v)
        x = x + y.transpose(1, 2).reshape(-1, 13, 8)
        return self.head((x + self.mlp(x))[:, 0])


class Detecting(nn.Module):
    """A detection head: the best cells of a heat map, their boxes, sampled features."""

    shape = (3, 16, 20)

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(3, 6, 3, 2, 1)
        self.heat = nn.Conv2d(6, 4, 1)
        self.sides = nn.Conv2d(6, 4, 1)

    def forward(self, x):
        x = torch.tanh(self.features(x))
        heat = torch.sigmoid(self.heat(x))
        peaks = heat * (functional.max_pool2d(heat, 3, 1, 1) == heat).float()
        scores, cells = torch.topk(peaks.flatten(1), 6)
        cells = cells % 80
        sides = self.sides(x).flatten(2).gather(2, cells.unsqueeze(1).expand(-1, 4, -1))
        rows = torch.div(cells, 10, rounding_mode="floor").float()
        centres = torch.stack([(cells % 10).float(), rows], 2)
        grid = (centres / torch.tensor([9.0, 7.0]) * 2 - 1).unsqueeze(1)
        sampled = functional.grid_sample(x, grid + 0.05, align_corners=True)
        order = torch.argsort(sides[:, 0], dim=1, descending=True)
        ordered = torch.gather(scores, 1, order)
        kinds = functional.one_hot(cells % 3, 3).float()
        return scores, sides, centres, sampled, ordered, kinds


class Recurring(nn.Module):
    """Rows of a picture as a sequence, both ways."""

    shape = (1, 9, 5)

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 4, bidirectional=True, batch_first=True)
        self.rnn = nn.RNN(8, 3, batch_first=True)

    def forward(self, x):
        y, (hidden, _) = self.lstm(x[:, 0])
        return self.rnn(y)[0], hidden.sum(0)


class Filming(nn.Module):
    """Volumes: convolution in groups and apart, both poolings, the way back."""

    shape = (2, 8, 9, 10)

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv3d(2, 4, (2, 3, 3), (1, 2, 1), (0, 1, 2))
        self.apart = nn.Conv3d(4, 6, 2, dilation=(1, 2, 2), groups=2, bias=False)
        self.back = nn.ConvTranspose3d(6, 3, (1, 2, 3), 2, (0, 0, 1))

    def forward(self, x):
        x = functional.max_pool3d(torch.tanh(self.stem(x)), (2, 2, 1), (1, 1, 2), (1, 0, 0))
        x = functional.avg_pool3d(torch.relu(self.apart(x)), (1, 1, 2), 1, (0, 0, 1))
        return self.back(x)


NETWORKS = [Residual, Segmenting, Attending, Detecting, Recurring, Filming]


def made(family):
    torch.manual_seed(1)
    network = family().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # fresh statistics would change nothing
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    return network


def converted(network, x, path, target, **options):
    """Conversion as users do it, and what PyTorch computes."""
    with warnings.catch_warnings(), leave_folders_to_python(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch.jit and of coremltools, both deprecated parts
        if isinstance(network, Attending):  # nn.MultiheadAttention converts in this way only
            graph = torch.export.export(network, (x[:1],)).run_decompositions({})
        else:
            graph = torch.jit.trace(network, x[:1])
            options["inputs"] = [ct.TensorType(name="x", shape=tuple(x[:1].shape))]
        model = ct.convert(graph, minimum_deployment_target=target, skip_model_load=True, **options)
        model.save(str(path))
        y = network(x)
    return [part.numpy() for part in (y if isinstance(y, tuple) else (y,))]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("family", NETWORKS)
def test_converted_networks_compute_what_torch_computes(tmp_path, family, target):
    network = made(family)
    x = torch.randn(3, *family.shape)
    references = converted(
        network, x, tmp_path / "torch.mlpackage", TARGETS[target],
        compute_precision=ct.precision.FLOAT32,
    )  # fmt: skip
    program = load_coreml(tmp_path / "torch.mlpackage")

    assert_computes(program, {"x": x.numpy()}, references)


@pytest.mark.parametrize("family", [Residual, Segmenting])
def test_several_examples_of_classic_networks_run_at_once(tmp_path, family):
    x = torch.randn(1, *family.shape)
    converted(made(family), x, tmp_path / "torch.mlpackage", ct.target.iOS18)

    program = load_coreml(tmp_path / "torch.mlpackage")

    assert program._executable.runs_many
