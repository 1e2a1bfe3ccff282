"""Codes -> the `constexpr_` operations that restore them, in the op set of a file.

iOS 16 and 17 have attributes and bytes that hold several codes; iOS 18 has inputs, arrays of small
whole numbers, and tables and scales with an axis for each of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from coremltools.converters.mil.backend.mil.helper import (
    create_scalar_value,
    create_tensor_value,
    create_valuetype_tensor,
)
from coremltools.proto import MIL_pb2

from mobilezoo.coreml.compress.codes import Coded
from mobilezoo.coreml.compress.packing import pack_bits
from mobilezoo.graph.node import Array

_IOS18 = 9  # version of the specification


class Store(Protocol):
    """Puts arrays into a weight file."""

    def __call__(self, numbers: Array, mil_type: str, shape: tuple[int, ...]) -> Any:
        """A `MIL_pb2.Value` that says where they lie.

        Args:
            numbers: in the type of the file; bytes of packed codes.
            mil_type: such as "UINT4".
            shape: of the value.
        """


def operations(coded: Coded, name: str, output_type: Any, version: int, store: Store) -> list[Any]:
    """The operations that make the weights.

    Args:
        coded: that they restore.
        name: of the weights.
        output_type: of the weights, `MIL_pb2.ValueType`.
        version: of the specification.
        store: takes large arrays.
    """
    if version < _IOS18:
        return [_of_ios16(coded, name, output_type, store)]
    if coded.kept is not None:
        return _sparse(coded, name, output_type, store)
    kind, inputs = _dense(coded, store)
    return [operation(kind, name, [(name, output_type)], inputs=inputs)]


def _of_ios16(coded: Coded, name: str, output_type: Any, store: Store) -> Any:
    if coded.tables is not None:
        kind, attributes = "constexpr_lut_to_dense", {
            "indices": _bytes(pack_bits(coded.numbers, coded.bits), store),
            "lut": _floats(coded.tables.reshape(-1), store),
            "shape": create_tensor_value(np.array(coded.shape, np.uint32)),
        }  # fmt: skip
    elif coded.scale is not None:
        kind, attributes = "constexpr_affine_dequantize", {
            "axis": create_scalar_value(np.int32(coded.axis)),
            "quantized_data": store(coded.numbers, "INT8", coded.shape),
            "scale": _floats(coded.scale.reshape(-1), store),
            "zero_point": store(np.zeros(coded.scale.size, np.int8), "INT8", (coded.scale.size,)),
        }  # fmt: skip
    else:
        kind, attributes = "constexpr_sparse_to_dense", {
            "mask": _bytes(pack_bits(np.asarray(coded.kept, np.uint8), 1), store),
            "nonzero_data": _floats(coded.numbers, store),
            "shape": create_tensor_value(np.array(coded.shape, np.uint32)),
        }  # fmt: skip
    return operation(kind, name, [(name, output_type)], attributes=attributes)


def _dense(coded: Coded, store: Store) -> tuple[str, dict[str, Any]]:
    codes = _codes(coded, store)
    if coded.tables is not None:
        lut = _floats(coded.tables[..., np.newaxis], store)
        return "constexpr_lut_to_dense", {"indices": codes, "lut": lut}
    assert coded.scale is not None
    scale = _floats(coded.scale, store)
    return "constexpr_blockwise_shift_scale", {"data": codes, "scale": scale}


def _sparse(coded: Coded, name: str, output_type: Any, store: Store) -> list[Any]:
    """The kept numbers and their places, then all."""
    mask = store(pack_bits(np.asarray(coded.kept, np.uint8), 1), "UINT1", coded.shape)
    if coded.tables is None and coded.scale is None:
        inputs = {"mask": mask, "nonzero_data": _floats(coded.numbers, store)}
        return [operation("constexpr_sparse_to_dense", name, [(name, output_type)], inputs=inputs)]
    kind, dense = _dense(coded, store)
    if coded.tables is not None:
        kind, given = "constexpr_lut_to_sparse", {
            "indices_mask": mask, "indices_nonzero_data": dense["indices"], "lut": dense["lut"],
        }  # fmt: skip
    else:
        kind, given = "constexpr_sparse_blockwise_shift_scale", {
            "data_mask": mask, "nonzero_data": dense["data"], "scale": dense["scale"],
        }  # fmt: skip
    of_mask = create_valuetype_tensor(coded.shape, MIL_pb2.DataType.UINT1)
    of_kept = create_valuetype_tensor(coded.numbers.shape, output_type.tensorType.dataType)
    kept = {"mask": f"{name}_mask", "nonzero_data": f"{name}_kept"}
    made = list(zip(kept.values(), (of_mask, of_kept), strict=True))
    return [
        operation(kind, f"{name}_kept", made, inputs=given),
        operation("constexpr_sparse_to_dense", name, [(name, output_type)], inputs=kept),
    ]


def _codes(coded: Coded, store: Store) -> Any:
    kind = "INT" if coded.tables is None else "UINT"
    packed = pack_bits(coded.numbers, coded.bits)
    return store(packed, f"{kind}{coded.bits}", coded.numbers.shape)


def _bytes(packed: Array, store: Store) -> Any:
    return store(packed, "UINT8", packed.shape)


def _floats(numbers: Array, store: Store) -> Any:
    return store(numbers, f"FLOAT{8 * numbers.dtype.itemsize}", numbers.shape)


def operation(
    kind: str,
    name: str,
    outputs: list[tuple[str, Any]],
    attributes: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Any:
    """An operation.

    Args:
        kind: MIL's name of it.
        name: of it.
        outputs: their names and types.
        attributes: `MIL_pb2.Value` by name.
        inputs: names of values, or `MIL_pb2.Value`, by parameter.
    """
    made = MIL_pb2.Operation(type=kind)
    made.attributes["name"].CopyFrom(create_scalar_value(name))
    for key, value in (attributes or {}).items():
        made.attributes[key].CopyFrom(value)
    for key, value in (inputs or {}).items():
        binding = made.inputs[key].arguments.add()
        if isinstance(value, str):
            binding.name = value
        else:
            binding.value.CopyFrom(value)
    for output, output_type in outputs:
        made.outputs.add(name=output).type.CopyFrom(output_type)
    return made


def constant_of(name: str, value: Any) -> Any:
    """A constant of that name."""
    made = MIL_pb2.Operation(type="const")
    made.attributes["name"].CopyFrom(create_scalar_value(name))
    made.attributes["val"].CopyFrom(value)
    made.outputs.add(name=name).type.CopyFrom(value.type)
    return made
