"""Files of PyTorch: `.safetensors`, and `.pth`, `.pt`, `.bin` where torch is installed.

A tensor is read when it is asked for: a file of any size is opened at once, and one tensor at a
time is in memory.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mobilezoo._environment import optional
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.fit import Array

# Training scripts save more than the weights, under one of these names.
WRAPPERS = ("state_dict", "model")
# In front of every name: DataParallel's and torch.compile's.
PREFIXES = re.compile(r"^(module\.|_orig_mod\.)+")
# Names in the file -> NumPy's; those of other types stay as they are.
SAFETENSORS_FLOATS = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
OLDEST_TORCH = (2, 6)  # before, a state dict could execute code: CVE-2025-32434


@contextmanager
def opened(path: Path) -> Iterator[dict[str, Array]]:
    """The tensors of a file by name, in the file's order.

    Raises:
        InvalidArgumentError: damaged, or more than a plain state dict; no code in it is executed.
        MissingExtraError: safetensors or torch is not installed.
    """
    with (_safetensors if path.suffix == ".safetensors" else _pickled)(path) as tensors:
        yield {PREFIXES.sub("", name): tensor for name, tensor in tensors.items()}


@contextmanager
def _safetensors(path: Path) -> Iterator[dict[str, Array]]:
    library = optional("safetensors", "safetensors", f"Reading '{path}'")
    try:
        file = library.safe_open(path, framework="numpy")
    except (OSError, library.SafetensorError) as error:
        raise InvalidArgumentError(
            f"'{path}' is not a safetensors file, or is damaged ({error})."
        ) from error
    with file:
        tensors = {}
        for name in file.keys():  # noqa: SIM118 - not a mapping
            header = file.get_slice(name)
            dtype = header.get_dtype()
            tensors[name] = Array(
                tuple(header.get_shape()),
                SAFETENSORS_FLOATS.get(dtype, dtype),
                partial(file.get_tensor, name),
            )
        yield tensors


@contextmanager
def _pickled(path: Path) -> Iterator[dict[str, Array]]:
    torch = optional("torch", "torch", f"Reading '{path}'")
    if tuple(map(int, torch.__version__.split(".")[:2])) < OLDEST_TORCH:
        raise InvalidArgumentError(
            f"Reading '{path}' safely needs torch 2.6 or newer; this is {torch.__version__}. "
            "Upgrade it, or pass a .safetensors file."
        )
    try:
        # Before torch 1.6 files were no zip archives, and cannot be mapped into memory.
        mmap = zipfile.is_zipfile(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # a damaged pickle may raise any
        raise InvalidArgumentError(
            f"'{path}' is not a plain state dict, or is damaged ({_reason(error)}). Code in it is "
            "never executed; save it again with torch.save(model.state_dict(), path)."
        ) from error
    yield {
        name: Array(tuple(value.shape), _dtype(value), partial(_array, value))
        for name, value in _state_dict(content, torch.Tensor, path).items()
    }


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _array(tensor: Any) -> np.ndarray:
    array: np.ndarray = tensor.detach().float().numpy()
    return array


def _reason(error: Exception) -> str:
    """The class that a pickle asked for, or else the first line of the message."""
    wanted = re.search(r"GLOBAL (\S+)", str(error))
    return f"it holds a {wanted[1]}" if wanted else str(error).partition("\n")[0]


def _state_dict(content: Any, tensor: type, path: Path) -> Mapping[str, Any]:
    """The state dict, taken out of what a training script saved with it."""
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping):
        raise _no_state_dict(path, f"it holds a {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, tensor):
            raise _no_state_dict(path, f"its entry {name!r} is a {type(value).__name__}")
    return content


def _no_state_dict(path: Path, reason: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"'{path}' is not a plain state dict: {reason}. Save one with "
        "torch.save(model.state_dict(), path)."
    )
