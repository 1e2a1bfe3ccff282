"""Alignment, padding, blobs that are there twice."""

import struct

import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb

from mobilezoo.inspection import WeightFileRecord, inspect_coreml
from tests.inspection.conftest import WEIGHTS, two_convolutions
from tests.runtime.conftest import build, ct


def record(package):
    (found,) = inspect_coreml(package).weight_files
    return found


@pytest.fixture
def package(save):
    return save(two_convolutions(), compute_precision=ct.precision.FLOAT32)


def test_a_file_of_two_blobs(package):
    # header 64, record 64, 504 bytes of data, 8 of padding, record 64, 1680 of data
    assert record(package) == WeightFileRecord(
        name="weights/weight.bin",
        size_bytes=64 + 64 + 504 + 8 + 64 + 1680,
        blobs=2,
        unaligned=0,
        padding_bytes=8,
        unread=0,
        repeated=0,
        repeated_bytes=0,
    )


def test_a_blob_that_is_there_twice_is_found(save):
    weight = np.ones((3, 3, 2, 2), np.float32)

    def body(x):
        y = mb.conv(x=x, weight=weight, name="conv_1")
        y = mb.conv(x=y, weight=2 * weight, name="conv_2")
        return mb.conv(x=y, weight=weight.copy(), name="conv_3")

    found = record(save(build((1, 3, 5, 6), body), compute_precision=ct.precision.FLOAT32))

    assert (found.blobs, found.repeated, found.repeated_bytes) == (3, 1, 144)


def test_a_blob_at_an_odd_place_is_found(package):
    path = package / WEIGHTS
    content = bytearray(path.read_bytes())
    place = 64 + 64 + 504 + 8  # of the second record, whose data are moved by 4 bytes
    (start,) = struct.unpack_from("<Q", content, place + 16)
    struct.pack_into("<Q", content, place + 16, start + 4)
    path.write_bytes(bytes(content) + b"\0" * 4)

    found = record(package)

    assert (found.unaligned, found.padding_bytes) == (1, 12)


def test_blobs_that_nothing_reads_are_counted(package):
    path = package / WEIGHTS
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 0, 3)
    path.write_bytes(bytes(content) + b"\0" * 100)

    found = record(package)

    assert (found.blobs, found.unread, found.padding_bytes) == (3, 1, 108)
