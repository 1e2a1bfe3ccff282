"""Files of PyTorch of every age are read; what is no plain state dict is refused unexecuted."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from mobilezoo.errors import InvalidArgumentError, MissingExtraError
from mobilezoo.weights.torch_file import opened

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(4, 3, 2, 1),
    "conv.bias": np.array([0.5, -1.0, 2.0, 3.0], np.float32),
}


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="reads .pth files; brought by the extra 'torch'")


def tensors(torch):
    return {name: torch.from_numpy(np.array(array)) for name, array in ARRAYS.items()}


def assert_reads(path, expected=ARRAYS):
    with opened(path) as found:
        assert {name: tensor.shape for name, tensor in found.items()} == {
            name: array.shape for name, array in expected.items()
        }
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name].read(), array)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_a_safetensors_file_is_read_whatever_wrapped_the_network(tmp_path, prefix):
    library = pytest.importorskip("safetensors.numpy")
    library.save_file(
        {prefix + name: array for name, array in ARRAYS.items()}, tmp_path / "x.safetensors"
    )

    assert_reads(tmp_path / "x.safetensors")


@pytest.mark.parametrize("file", ["x.pth", "x.pt", "x.bin"])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 3, "state_dict": state},
        lambda state: {"model": {f"module.{name}": value for name, value in state.items()}},
    ],
)
def test_a_pickled_file_of_any_age_is_read(tmp_path, torch, file, zipped, wrap):
    torch.save(wrap(tensors(torch)), tmp_path / file, _use_new_zipfile_serialization=zipped)

    assert_reads(tmp_path / file)


def test_parameters_are_read_as_tensors(tmp_path, torch):
    state = {name: torch.nn.Parameter(value) for name, value in tensors(torch).items()}
    torch.save(state, tmp_path / "x.pth")

    assert_reads(tmp_path / "x.pth")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("file", ["x.pth", "x.safetensors"])
def test_other_precisions_are_read(tmp_path, torch, dtype, file):
    state = {name: value.to(getattr(torch, dtype)) for name, value in tensors(torch).items()}
    if file == "x.pth":
        torch.save(state, tmp_path / file)
    else:
        pytest.importorskip("safetensors.torch").save_file(state, tmp_path / file)

    assert_reads(tmp_path / file)  # all numbers above are exact in 8 bits of mantissa


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", bytes(range(256)) * 9])
def test_another_file_called_safetensors_is_refused(tmp_path, content):
    pytest.importorskip("safetensors")
    (tmp_path / "x.safetensors").write_bytes(content)

    with (
        pytest.raises(InvalidArgumentError, match="is not a safetensors file, or is damaged"),
        opened(tmp_path / "x.safetensors"),
    ):
        pass


def test_a_truncated_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    pytest.importorskip("safetensors.numpy").save_file(ARRAYS, path)
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(InvalidArgumentError, match="or is damaged"), opened(path):
        pass


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_pickle_is_refused(tmp_path, torch, content):
    (tmp_path / "x.pth").write_bytes(content)

    with (
        pytest.raises(InvalidArgumentError, match="is not a plain state dict, or is damaged"),
        opened(tmp_path / "x.pth"),
    ):
        pass


class Harmful:
    """Unpickling it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "executed")


@pytest.mark.parametrize("zipped", [True, False, None])
def test_code_in_a_pickle_is_refused_and_not_executed(tmp_path, torch, zipped):
    harmful = {"conv.weight": Harmful(tmp_path / "trace")}
    if zipped is None:
        (tmp_path / "x.pth").write_bytes(pickle.dumps(harmful))
    else:
        torch.save(harmful, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)

    with (
        pytest.raises(InvalidArgumentError, match=r"is not a plain state dict.*never executed"),
        opened(tmp_path / "x.pth"),
    ):
        pass

    assert not (tmp_path / "trace").exists()


def test_a_whole_module_is_refused(tmp_path, torch):
    torch.save(torch.nn.Linear(2, 3), tmp_path / "x.pth")

    with (
        pytest.raises(InvalidArgumentError, match=r"it holds a torch\.nn\.modules\.linear\.Linear"),
        opened(tmp_path / "x.pth"),
    ):
        pass


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([1, 2], "it holds a list"),
        ({"conv.weight": 3}, r"its entry 'conv\.weight' is a int"),
        ({"epoch": 3, "weights": {}}, "its entry 'epoch' is a int"),
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path, torch, content, match):
    torch.save(content, tmp_path / "x.pth")

    with pytest.raises(InvalidArgumentError, match=match), opened(tmp_path / "x.pth"):
        pass


def test_a_torch_that_could_execute_code_is_refused(tmp_path, torch, monkeypatch):
    torch.save(tensors(torch), tmp_path / "x.pth")
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")

    with (
        pytest.raises(InvalidArgumentError, match=r"needs torch 2\.6 or newer; this is 2\.5\.1"),
        opened(tmp_path / "x.pth"),
    ):
        pass


@pytest.mark.parametrize(("file", "module"), [("x.safetensors", "safetensors"), ("x.pth", "torch")])
def test_a_missing_library_is_named(tmp_path, monkeypatch, file, module):
    monkeypatch.setitem(sys.modules, module, None)

    with (
        pytest.raises(MissingExtraError, match=rf'needs {module}.*"mobilezoo\[{module}\]"'),
        opened(tmp_path / file),
    ):
        pass
