import struct

import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.blob import WeightFile, unpack_bits

HEADER = struct.pack("<II56x", 1, 2)


def write(path, code, payload, *, size=None, sentinel=0xDEADBEEF, header=HEADER):
    size = len(payload) if size is None else size
    path.write_bytes(header + struct.pack("<IIQQ40x", sentinel, code, size, 128) + payload)
    return WeightFile(path)


def test_a_float16_constant_is_read_in_its_own_type(tmp_path):
    weights = write(tmp_path / "w.bin", 1, np.array([1.5, -2.0, 0.25], np.float16).tobytes())

    values = weights.locate(64, "FLOAT16", (1, 3), "w").read()

    assert values.dtype == np.float16
    np.testing.assert_array_equal(values, [[1.5, -2.0, 0.25]])


def test_signed_numbers_of_4_bits_are_unpacked(tmp_path):
    weights = write(tmp_path / "w.bin", 8, bytes([0x8F, 0x07]))

    values = weights.locate(64, "INT4", (3,), "w").read()

    np.testing.assert_array_equal(values, [-1, -8, 7])


def test_bits_are_unpacked_lowest_first():
    np.testing.assert_array_equal(unpack_bits(np.array([0b110], np.uint8), 1, 4), [0, 1, 1, 0])


@pytest.mark.parametrize(
    ("options", "declared", "message"),
    [
        ({"sentinel": 7}, ("FLOAT32", (2,)), "has no record at byte 64"),
        ({}, ("FLOAT16", (4,)), "declared FLOAT16 but stored as type 2"),
        ({}, ("FLOAT32", (3,)), r"needs 12 bytes for shape \(3,\) but has 8"),
        ({"size": 12}, ("FLOAT32", (3,)), "ends at byte 140, beyond the end"),
        ({}, ("STRING", (2,)), "type STRING, which no weight file holds"),
    ],
)
def test_a_damaged_record_is_named(tmp_path, options, declared, message):
    weights = write(tmp_path / "w.bin", 2, np.zeros(2, np.float32).tobytes(), **options)

    with pytest.raises(CoreMLFileError, match=f"w.bin .*'kernel' .*{message}"):
        weights.locate(64, *declared, "kernel")


def test_a_record_beyond_the_end_is_named(tmp_path):
    weights = write(tmp_path / "w.bin", 2, np.zeros(2, np.float32).tobytes())

    with pytest.raises(CoreMLFileError, match="byte 4096, beyond the end"):
        weights.locate(4096, "FLOAT32", (2,), "kernel")


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + bytes(64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"has 0 bytes, which is shorter than its header"),
        (bytes(64), "version 0"),
        (LFS, r"w\.bin: a pointer of Git LFS\. Get the file itself: git lfs pull\.$"),
    ],
)
def test_a_file_that_is_no_weight_file_is_refused(tmp_path, content, message):
    (tmp_path / "w.bin").write_bytes(content)

    with pytest.raises(CoreMLFileError, match=message):
        WeightFile(tmp_path / "w.bin")


def test_a_weight_file_that_is_missing_is_no_short_one(tmp_path):
    with pytest.raises(CoreMLFileError, match=r"w\.bin: the weight file is missing\.$"):
        WeightFile(tmp_path / "w.bin")


def test_bits_that_are_missing_are_no_zeros():
    with pytest.raises(ValueError, match="1 bytes hold fewer than 6 values of 3 bits"):
        unpack_bits(np.uint8([0b10_001_000]), bits=3, count=6)
