"""Every operation, with free sides: it agrees with Keras at each size, or it is refused."""

import pytest

from mobilezoo import ImageSizes, export_coreml, verify
from mobilezoo.errors import InvalidArgumentError, UnsupportedLayersError

from .cases import CASES
from .test_neural_network import NEEDS_IOS_15
from .test_operations import assemble, build

SIZES = ImageSizes([(9, 7), (12, 13)])  # odd and even, a side divisible by 2, 3 and 4 or by none
# Fewer would mean that operations are refused which work at any size.
LEAST = {"mlpackage": 128, "mlmodel": 106}
EVERY = {"mlpackage": sorted(CASES), "mlmodel": sorted(set(CASES) - NEEDS_IOS_15)}


def is_exported(model, path):
    try:
        export_coreml(model, path, precision="float32", inputs="array", flexible=SIZES)
    except (UnsupportedLayersError, InvalidArgumentError):
        assert not path.exists()
        return False
    return True


@pytest.mark.parametrize(
    ("suffix", "case"), [(suffix, case) for suffix, cases in EVERY.items() for case in cases]
)
def test_operation_agrees_with_keras_at_each_size_or_is_refused(suffix, case, tmp_path):
    model, path = build(CASES[case]), tmp_path / f"case.{suffix}"

    if is_exported(model, path):
        agreement = verify(model, path, limit=1e-5)
        assert agreement.sizes == 2
        assert agreement.examples == 8


@pytest.mark.parametrize("suffix", EVERY)
def test_most_operations_work_at_any_size(suffix, tmp_path):
    made = [
        is_exported(assemble(CASES[case]), tmp_path / f"{i}.{suffix}")
        for i, case in enumerate(EVERY[suffix])
    ]

    assert sum(made) >= LEAST[suffix]
