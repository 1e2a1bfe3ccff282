"""Fixtures of the tests of the networks."""

import h5py
import pytest
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from mobilezoo.graph.abstract import without_weights


@pytest.fixture
def weight_file(tmp_path):
    """`weight_file(model, ending)` saves weights as Keras does; up to 100 MB, so not kept.

    ".weights.h5" is the format of Keras 3, ".h5" that of the published files.
    """
    paths = []

    def save(model, ending):
        path = tmp_path / f"theirs{ending}"
        paths.append(path)
        if ending == ".weights.h5":
            model.save_weights(path)
        else:
            with h5py.File(path, "w") as file:
                save_weights_to_hdf5_group(file, model)
        return path

    yield save
    for path in paths:
        path.unlink()


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """`loaded(build, name, ...)` -> layers and dialects of a network that loads a checkpoint."""
    calls = []
    monkeypatch.setattr(
        "mobilezoo.models._build.load_checkpoint",
        lambda network, layers, path, dialects, fresh: calls.append((layers, dialects)),
    )
    (tmp_path / "x.safetensors").touch()

    def load(build, name, **options):
        with without_weights():  # shapes need no weights
            build(name, weights=tmp_path / "x.safetensors", **options)
        return calls.pop()

    return load
