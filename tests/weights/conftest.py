"""A home folder, a web server and the records of files on it."""

import dataclasses
import hashlib

import h5py
import numpy as np
import pytest

from mobilezoo.weights import WeightFile, store
from tests.weights.server import served


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of its own; no mirror, no proxy."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("TORCH_HOME", "XDG_CACHE_HOME", "MOBILEZOO_WEIGHTS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(store, "FALLBACK_HOME", tmp_path / "fallback")
    return tmp_path


@pytest.fixture
def site():
    with served() as site:
        yield site


@pytest.fixture
def record(home, site):  # the home folder is never the real one
    """A file with a hash."""
    return WeightFile(
        architecture="net",
        include_top=True,
        side=224,
        url=f"{site.url}/models/net.h5",
        hash=f"md5:{hashlib.md5(site.content).hexdigest()}",
        size_bytes=len(site.content),
        preprocessing="tf",
        licence="MIT",
        parameters=7,
    )


@pytest.fixture
def checkpoint(site, record):
    """A file of torchvision, with the beginning of a hash."""
    return dataclasses.replace(
        record,
        url=f"{site.url}/models/net-0123.pth",
        hash=f"sha256:{hashlib.sha256(site.content).hexdigest()[:8]}",
    )


@pytest.fixture
def structured(home, site, record):
    """A file without a hash: HDF5 with 7 weights."""
    with h5py.File(home / "served.h5", "w") as file:
        file.attrs["layer_names"] = [b"conv"]
        conv = file.create_group("conv")
        conv.attrs["weight_names"] = [b"kernel", b"bias"]
        conv["kernel"] = np.ones((1, 2, 3), np.float32)
        conv["bias"] = np.ones(1, np.float32)
    site.content = (home / "served.h5").read_bytes()
    return dataclasses.replace(record, hash=None, size_bytes=len(site.content), parameters=7)


@pytest.fixture
def cache(home):
    folder = home / "keras" / "models"
    folder.mkdir(parents=True)
    return folder
