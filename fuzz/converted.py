"""Networks that coremltools converts from PyTorch, where that is installed."""

from __future__ import annotations

import warnings
from pathlib import Path

from fuzz.programs import ct


def write_converted(folder: Path) -> None:
    """Write a transformer, a segmenting network and a recurrent one."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Transformer(nn.Module):
        """Patches, attention with a class token, a perceptron."""

        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, 4)
            self.token = nn.Parameter(torch.randn(1, 1, 8))
            self.split = nn.Linear(8, 24)
            self.norm = nn.LayerNorm(8)
            self.out = nn.Linear(8, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Pictures -> logits."""
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.token, x], 1)
            q, k, v = self.split(self.norm(x)).chunk(3, -1)
            y = functional.scaled_dot_product_attention(q, k, v)
            return self.out(functional.gelu(x + y)[:, 0])

    class Segmenting(nn.Module):
        """Down and up again, by transposed convolution and by interpolation."""

        def __init__(self) -> None:
            super().__init__()
            self.down = nn.Conv2d(3, 6, 3, 2, 1)
            self.up = nn.ConvTranspose2d(6, 4, 2, 2)
            self.norm = nn.GroupNorm(2, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Pictures -> a mask, larger."""
            y = self.norm(self.up(functional.elu(self.down(x))))
            y = functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
            return torch.sigmoid(y).argmax(1)

    class Recurrent(nn.Module):
        """Rows of a picture, one after the other."""

        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(24, 6, bidirectional=True, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Pictures -> sums."""
            rows = x.permute(0, 2, 1, 3).flatten(2)
            return self.lstm(rows)[0].cumsum(1)

    for target in (ct.target.iOS15, ct.target.iOS18):
        for network in (Transformer(), Segmenting(), Recurrent()):
            example = torch.randn(1, 3, 12, 8)
            name = f"torch_{type(network).__name__.lower()}_{target.name}.mlpackage"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                traced = torch.jit.trace(network.eval(), example, check_trace=False)
                made = ct.convert(
                    traced, inputs=[ct.TensorType("x", example.shape)], convert_to="mlprogram",
                    minimum_deployment_target=target, skip_model_load=True,
                )  # fmt: skip
            made.save(str(folder / name))
    ranged = ct.Shape((1, 3, ct.RangeDim(8, 40, 12), ct.RangeDim(4, 16, 8)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(Segmenting().eval(), torch.randn(1, 3, 12, 8))
        ct.convert(
            traced, inputs=[ct.TensorType("x", ranged)], convert_to="mlprogram",
            skip_model_load=True,
        ).save(str(folder / "torch_flexible.mlpackage"))  # fmt: skip
