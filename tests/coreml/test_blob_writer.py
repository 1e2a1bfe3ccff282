"""Weight files are the bytes that coremltools' own writer gives."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from coremltools.converters.mil.backend.mil.load import BlobWriter as TheirWriter

from mobilezoo.coreml.blob_writer import BlobWriter
from mobilezoo.coreml.compress.packing import pack_bits
from mobilezoo.errors import MobilezooError

RNG = np.random.default_rng(0)
ARRAYS = [
    RNG.normal(size=(3, 11)).astype(np.float16),
    RNG.normal(size=(37,)).astype(np.float32),
    RNG.normal(size=(700, 500)).astype(np.float16),  # more than is handed over at once
    RNG.normal(size=(16,)).astype(np.float32),  # 64 bytes: nothing to fill up
    RNG.normal(size=(1,)).astype(np.float16),
]


def written(path, arrays, rows):
    with BlobWriter(path, len(arrays)) as writer:
        offsets = [
            writer.add(array.dtype, array.nbytes, np.array_split(array, rows)) for array in arrays
        ]
    return offsets, writer.digest


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_bytes_and_offsets_are_those_of_coremltools(tmp_path, rows):
    theirs = TheirWriter(str(tmp_path / "theirs.bin"))
    expected = [
        theirs.write_fp16_data(array.reshape(-1).view(np.uint16))
        if array.dtype == np.float16
        else theirs.write_float_data(array.reshape(-1))
        for array in ARRAYS
    ]
    del theirs  # which ends its file

    offsets, digest = written(tmp_path / "ours.bin", ARRAYS, rows)

    assert offsets == expected
    ours = (tmp_path / "ours.bin").read_bytes()
    assert ours == (tmp_path / "theirs.bin").read_bytes()
    assert digest == hashlib.sha256(ours).digest()


@pytest.mark.parametrize(
    ("dtype", "size_bytes", "part", "count", "message"),
    [
        (np.float16, 40, np.ones(10, np.float16), 1, "20 bytes in parts, 40 announced"),
        (np.float16, 40, np.ones(10, np.float32), 1, "float32 in an array of float16"),
        (np.int8, 10, np.ones(10, np.int8), 1, "int8 in a weight file"),
        (np.float16, 20, np.ones(10, np.float16), 2, "1 arrays too few"),
    ],
)
def test_arrays_that_are_not_as_announced_are_a_bug(
    tmp_path, dtype, size_bytes, part, count, message
):
    with (
        pytest.raises(MobilezooError, match=f"Bug: {message}"),
        BlobWriter(tmp_path / "w.bin", count) as writer,
    ):
        writer.add(dtype, size_bytes, [part])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("size", [8, 1 << 20])
def test_a_full_disk_is_not_silent(tmp_path, size):
    (tmp_path / "w.bin").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        written(tmp_path / "w.bin", [np.ones(size, np.float32)], rows=1)


def test_what_fails_while_parts_are_computed_ends_the_thread(tmp_path):
    def parts():
        yield np.ones(1 << 18, np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), BlobWriter(tmp_path / "w.bin", 1) as writer:
        writer.add(np.float32, 1 << 21, parts())

    assert not writer._thread._threads or not any(t.is_alive() for t in writer._thread._threads)
    assert writer._file.closed


CODES = RNG.integers(0, 2, 37)  # fits every type
WRITERS = {
    "UINT1": (1, np.uint8), "UINT2": (2, np.uint8), "UINT3": (3, np.uint8), "UINT4": (4, np.uint8),
    "INT4": (4, np.int8), "UINT6": (6, np.uint8), "UINT8": (8, np.uint8), "INT8": (8, np.int8),
    "INT16": (16, np.int16), "UINT16": (16, np.uint16), "INT32": (32, np.int32),
    "UINT32": (32, np.uint32),
}  # fmt: skip


@pytest.mark.parametrize("count", [None, 2])
@pytest.mark.parametrize("mil_type", WRITERS)
def test_whole_numbers_and_codes_are_those_of_coremltools(tmp_path, mil_type, count):
    bits, dtype = WRITERS[mil_type]
    numbers = CODES.astype(dtype)
    theirs = TheirWriter(str(tmp_path / "theirs.bin"))
    write = getattr(theirs, f"write_{mil_type.lower()}_data")
    offsets = [write(numbers), write(numbers[:5])]
    del theirs

    with BlobWriter(tmp_path / "ours.bin", count) as writer:
        ours = []
        for part in (numbers, numbers[:5]):
            data = pack_bits(part, bits) if bits < 8 else part
            unused = 8 * data.nbytes - bits * part.size
            ours.append(writer.add_bytes(mil_type, data.nbytes, [data], unused))

    content = (tmp_path / "ours.bin").read_bytes()
    assert ours == offsets
    assert content[4:] == (tmp_path / "theirs.bin").read_bytes()[4:]
    assert content[:4] == bytes([2, 0, 0, 0])  # theirs counts only once
    assert writer.digest == hashlib.sha256(content).digest()
