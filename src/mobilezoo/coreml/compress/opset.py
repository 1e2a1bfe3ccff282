"""Newer op sets: what the same operations have to say there.

Newer versions of an operation have more parameters, all of them optional, which are set to what
they mean when they are left out; where that is nothing, they stay out. Source: coremltools'
definitions of each op set, with which `tests/coreml/compress/test_opset.py` compares this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from coremltools.converters.mil.backend.mil.helper import create_scalar_value
from coremltools.proto import MIL_pb2

from mobilezoo.errors import UnsupportedOpError

# specification version -> name of its op set
OPSETS = {6: "CoreML5", 7: "CoreML6", 8: "CoreML7", 9: "CoreML8", 10: "CoreML9"}
_RELEASES = {7: "iOS 16", 8: "iOS 17", 9: "iOS 18", 10: "iOS 26"}
_TARGETS = {version: release.replace(" ", "") for version, release in _RELEASES.items()}
_FLOAT16 = MIL_pb2.DataType.FLOAT16
_VALIDATE = {"validate_indices": False}
_INDEXED = (
    "gather", "gather_along_axis", "gather_nd", "scatter", "scatter_along_axis", "scatter_nd"
)  # fmt: skip
_OF_X = object()  # 0.0 in the type of what the operation makes
_NEW_PARAMETERS: dict[int, dict[str, dict[str, Any]]] = {
    7: {
        "crop_resize": {"pad_value": _OF_X},
        "gather": {"batch_dims": 0},
        "gather_nd": {"batch_dims": 0},
        "topk": {"sort": True, "return_indices": True},
    },
    8: {
        **dict.fromkeys(_INDEXED, _VALIDATE),
        "reduce_argmax": {"output_dtype": "int32"},
        "reduce_argmin": {"output_dtype": "int32"},
        "topk": {"output_indices_dtype": "int32"},
    },
    9: {"gru": {"reset_after": False}},
}
# what newer op sets do not know any more
_GONE = {
    8: {"crop_resize": "roi", "non_maximum_suppression": "score_threshold"},
    9: {"constexpr_lut_to_dense": "shape", "constexpr_sparse_to_dense": "shape"},
}


def raise_opset(name: str, function: Any, version: int, path: object) -> None:
    """Declare a function in the op set of a specification version, if it is in an older one.

    Args:
        name: of the function, for messages.
        function: `MIL_pb2.Function`, changed.
        version: of the specification, 7 to 10.
        path: of the file, for messages.

    Raises:
        UnsupportedOpError: operations that the newer op set writes in another way.
    """
    old = next((known for known, opset in OPSETS.items() if opset == function.opset), None)
    if old is None:
        raise UnsupportedOpError(
            f"{path}: function {name!r} is in op set {function.opset!r}; "
            f"{', '.join(OPSETS.values())} are known."
        )
    if old >= version:
        return
    block = function.block_specializations[function.opset]
    for raw in _operations(block):
        for step in range(old + 1, version + 1):
            _check(raw, step, path)
            for key, value in _NEW_PARAMETERS.get(step, {}).get(raw.type, {}).items():
                if key not in raw.inputs:
                    raw.inputs[key].arguments.add().value.CopyFrom(_value(value, raw))
    renamed = function.block_specializations[OPSETS[version]]
    renamed.CopyFrom(block)
    del function.block_specializations[function.opset]
    function.opset = OPSETS[version]


def _operations(block: Any) -> Iterator[Any]:
    for raw in block.operations:
        yield raw
        for inner in raw.blocks:
            yield from _operations(inner)


def _check(raw: Any, version: int, path: object) -> None:
    gone = _GONE.get(version, {}).get(raw.type)
    if gone is not None and (gone in raw.inputs or gone in raw.attributes):
        raise UnsupportedOpError(
            f"{path}: {raw.type!r} -> {raw.outputs[0].name!r} is written for a system before "
            f"{_RELEASES[version]} and cannot be brought to its op set, which this precision "
            "needs. Convert the model with minimum_deployment_target="
            f"{_TARGETS[version]!r} first, or choose a precision that needs no newer system."
        )


def _value(value: Any, raw: Any) -> Any:
    if value is not _OF_X:
        return create_scalar_value(value)
    kind = raw.outputs[0].type.tensorType.dataType
    return create_scalar_value(np.float16(0) if kind == _FLOAT16 else np.float32(0))
