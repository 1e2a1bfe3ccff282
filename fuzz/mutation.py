"""A hostile file out of a good one and a number, the same one for the same number."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from fuzz.structure import change
from mobilezoo import _environment

_environment.coremltools()

from coremltools.proto import Model_pb2  # noqa: E402

_SPEC = "Data/com.apple.CoreML/model.mlmodel"
_MOST_BYTES = 1 << 22  # of a file that is changed further
_WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


def hostile_file(seed: int, corpus: Sequence[Path], folder: Path) -> tuple[Path, list[str]]:
    """Write the hostile file number `seed` into `folder`; its path, and what was changed.

    Args:
        seed: the number.
        corpus: good files, in an order that stays.
        folder: an empty one.
    """
    rng = Random(seed)
    source = rng.choice(corpus)
    target, spec = copy_of(source, folder)
    done = [source.name]
    if rng.random() < 0.15 and source.is_dir():
        done.append(rng.choice([_manifest, _weights, _weights, _links])(target, rng))
    elif rng.random() < 0.1:
        done.append(_raw(spec, rng))
    if len(done) == 1 or rng.random() < 0.2:
        done += _structured(spec, rng, corpus)
    return target, done


def copy_of(source: Path, folder: Path) -> tuple[Path, Path]:
    """A copy of a good file in `folder`, and where its protobuf is."""
    target = folder / source.name
    if source.is_dir():
        shutil.copytree(source, target)
        return target, target / _SPEC
    shutil.copy(source, target)
    return target, target


def _structured(spec: Path, rng: Random, corpus: Sequence[Path]) -> list[str]:
    if spec.is_symlink() or not spec.is_file():
        return []
    model = Model_pb2.Model()
    try:
        model.ParseFromString(spec.read_bytes())
    except Exception:  # damaged before, by another change
        return []
    done = []
    if rng.random() < 0.3:  # so that a changed parameter is not found out by the shape
        open_shapes(model)
        done.append("open shapes")
    donors = [model, model, read_model(rng.choice(corpus))]
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 6])):
        if model.ByteSize() < _MOST_BYTES:
            done.append(change(model, rng, donors))
    spec.write_bytes(model.SerializeToString())
    return done


def open_shapes(model: Any) -> None:
    """Leave the sizes of all that an ML program computes open."""
    for function in model.mlProgram.functions.values():
        for block in function.block_specializations.values():
            for raw in block.operations:
                if raw.type == "const" or raw.type.startswith("constexpr_"):
                    continue
                for output in raw.outputs:
                    for size in output.type.tensorType.dimensions:
                        size.unknown.variadic = False


def read_model(path: Path) -> Any:
    """The protobuf of a good file."""
    spec = path / _SPEC if path.is_dir() else path
    return Model_pb2.Model.FromString(spec.read_bytes())


def _raw(path: Path, rng: Random) -> str:
    """Bytes changed, cut off, repeated or added."""
    content = bytearray(path.read_bytes())
    way = rng.choice(["flip", "flip", "flip", "cut", "insert", "delete", "repeat"])
    size = len(content)
    if not size:
        return "empty"
    start = rng.randrange(size)
    if way == "flip":
        for _ in range(rng.choice([1, 1, 2, 4, 16])):
            content[rng.randrange(size)] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
    elif way == "cut":
        del content[start:]
    elif way == "insert":
        content[start:start] = rng.randbytes(rng.randrange(1, 20))
    elif way == "delete":
        del content[start : start + rng.randrange(1, 20)]
    else:
        content += content[start : start + rng.randrange(1, 1000)] * rng.choice([1, 10, 100])
    path.write_bytes(content)
    return f"{path.name}: {way} at {start}"


def _weights(package: Path, rng: Random) -> str:
    """Bytes of the records, rather than of the numbers, which mean nothing."""
    path = package / _WEIGHTS
    if not path.is_file():
        return _raw(package / _SPEC, rng)
    if rng.random() < 0.4:
        return _raw(path, rng)
    content = bytearray(path.read_bytes())
    records = [i for i in range(64, len(content), 64) if content[i : i + 4] == b"\xef\xbe\xad\xde"]
    if not records:
        return _raw(path, rng)
    record = rng.choice(records)
    field = rng.choice([0, 4, 8, 16, 24])
    size = 4 if field < 8 else 8
    value = rng.choice([0, 1, 2, 3, 64, 255, len(content), len(content) - 1, 1 << 31, (1 << 32) - 1,
                        (1 << 63), (1 << 64) - 1]) % (1 << 8 * size)  # fmt: skip
    content[record + field : record + field + size] = value.to_bytes(size, "little")
    path.write_bytes(content)
    return f"record at {record}, field {field}: {value}"


def _manifest(package: Path, rng: Random) -> str:
    """The manifest: its bytes, or the paths and names in it."""
    path = package / "Manifest.json"
    if rng.random() < 0.4:
        return _raw(path, rng)
    content = json.loads(path.read_text())
    root = content["itemInfoEntries"][content["rootModelIdentifier"]]
    value: Any = rng.choice([
        "../../../etc/passwd", "/etc/passwd", "", ".", "..", "com.apple.CoreML", 3, None, [],
        {"a": 1}, "a" * 5000, "com.apple.CoreML/../../Manifest.json", "\ud800", "\0", "a/\0/b",
        "com.apple.CoreML/weights/weight.bin", "~/x", "//x", "a/" * 3000,
    ])  # fmt: skip
    way = rng.choice(["path", "path", "root", "entries", "nested"])
    if way == "path":
        root["path"] = value
    elif way == "root":
        content["rootModelIdentifier"] = value
    elif way == "entries":
        content["itemInfoEntries"] = value
    text = json.dumps(content)
    if way == "nested":
        text = rng.choice(["[", '{"a":']) * rng.choice([1000, 100_000, 1_000_000])
    path.write_text(text)
    return f"manifest {way}: {str(value)[:40]!r}"


def _links(package: Path, rng: Random) -> str:
    """A link in place of a file or a folder."""
    inside = rng.choice(["Manifest.json", _SPEC, _WEIGHTS, "Data", "Data/com.apple.CoreML/weights"])
    target = rng.choice([
        "/etc/passwd", "/dev/zero", "/proc/self/mem", "/", ".", "nowhere", package / inside,
        package / "Manifest.json", "/proc/self/fd/0", "/dev/null",
    ])  # fmt: skip
    path = package / inside
    if not path.exists():
        return "no link"
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    path.symlink_to(target)
    return f"{inside} -> {target}"
