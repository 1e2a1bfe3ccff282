"""Networks from pictures to pictures, and optional inputs, as coremltools converts them."""

import warnings

import numpy as np
import pytest

from mobilezoo.runtime import load_coreml

from .conftest import ct, leave_folders_to_python

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("PIL.Image", reason="Pillow is not installed")
from torch import nn  # noqa: E402

PICTURES = np.random.default_rng(5).integers(0, 256, (2, 6, 10, 3)).astype(np.uint8)


class Stylized(nn.Module):
    """A small network for style transfer: (b, 3, h, w) of 0..255 -> (b, 3, 2 h, 2 w)."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.InstanceNorm2d(8), nn.ReLU(),
            nn.Upsample(scale_factor=2), nn.Conv2d(8, 3, 3, padding=1),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x) * 200 + 128


def convert(module, shape, path, **options):
    with warnings.catch_warnings(), leave_folders_to_python():
        warnings.simplefilter("ignore")
        made = ct.convert(
            torch.jit.trace(module.eval(), torch.rand(shape)), skip_model_load=True, **options
        )
        made.save(str(path))
    return load_coreml(path)


@pytest.mark.parametrize("color", ["RGB", "BGR"])
@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
def test_a_network_for_style_transfer(tmp_path, color, kind):
    layout = getattr(ct.colorlayout, color)
    precision = {"compute_precision": ct.precision.FLOAT32} if kind == "mlprogram" else {}
    program = convert(
        Stylized(), (1, 3, 6, 10), tmp_path / ("m.mlpackage" if precision else "m.mlmodel"),
        inputs=[ct.ImageType("image", (1, 3, 6, 10), color_layout=layout)],
        outputs=[ct.ImageType("stylized", color_layout=layout)],
        convert_to=kind,
        **precision,
    )  # fmt: skip

    pictures = program.predict({"image": PICTURES})["stylized"]
    one = program.predict({"image": PICTURES[1]})["stylized"]

    order = slice(None, None, -1 if color == "BGR" else 1)
    with torch.no_grad():
        x = torch.from_numpy(PICTURES[..., order].transpose(0, 3, 1, 2).astype(np.float32))
        expected = Stylized()(x).numpy().transpose(0, 2, 3, 1)[..., order]
    assert expected.min() < 0
    assert expected.max() > 255
    assert [picture.size for picture in (*pictures, one)] == [(20, 12)] * 3
    found = np.stack([np.asarray(picture) for picture in pictures]).astype(int)
    assert np.abs(found[..., :3] - expected.clip(0, 255).round()).max() <= 1  # at a half
    assert np.abs(np.asarray(one).astype(int) - found[1]).max() <= 1
    assert (found[..., 3] == 255).all()


class Shifted(nn.Module):
    def forward(self, x, shift):
        return x * 2 + shift


def test_an_input_with_a_default_value_need_not_be_given(tmp_path):
    x, shift = torch.rand(1, 2, 3), torch.rand(1, 2, 3)
    default = np.full((1, 2, 3), 2.5, np.float32)
    with warnings.catch_warnings(), leave_folders_to_python():
        warnings.simplefilter("ignore")
        made = ct.convert(
            torch.jit.trace(Shifted(), (x, shift)),
            inputs=[
                ct.TensorType("x", (1, 2, 3)),
                ct.TensorType("shift", (1, 2, 3), default_value=default),
            ],
            outputs=[ct.TensorType("y")],
            skip_model_load=True,
        )
        made.save(str(tmp_path / "m.mlpackage"))
    program = load_coreml(tmp_path / "m.mlpackage")

    one = program.predict({"x": np.ones((1, 2, 3))})["y"]
    two = program.predict({"x": np.stack([np.ones((2, 3)), np.zeros((2, 3))])})["y"]

    np.testing.assert_array_equal(one, np.full((1, 2, 3), 4.5))
    np.testing.assert_array_equal(two[:, 1, 2], [4.5, 2.5])
