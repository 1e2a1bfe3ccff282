"""Caches, mirror, verification: what `fetch` returns, keeps and refuses."""

import dataclasses
import hashlib
import io
import logging
import sys
import threading
import time

import pytest

from mobilezoo.errors import WeightsUnavailableError
from mobilezoo.weights import fetch


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_downloaded_once_into_kerass_cache(site, record, cache):
    first = fetch(record)
    second = fetch(record)

    assert first == second == cache / "net.h5"
    assert first.read_bytes() == site.content
    assert site.requests == [("/models/net.h5", None)]
    assert names(cache) == ["net.h5"]


def test_a_file_that_keras_downloaded_counts(site, record, cache):
    (cache / "net.h5").write_bytes(site.content)

    assert fetch(record) == cache / "net.h5"
    assert site.requests == []


def test_the_cache_is_in_the_home_folder_by_default(home, record, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")

    assert fetch(record) == home / ".keras" / "models" / "net.h5"


def test_a_home_folder_that_cannot_be_written_to_is_passed_over(home, record, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(home / "file"))

    assert fetch(record) == home / "fallback" / ".keras" / "models" / "net.h5"


def test_the_beginning_of_a_sha256_is_enough(checkpoint, cache):
    assert fetch(checkpoint) == cache / "net-0123.pth"


@pytest.mark.parametrize(
    ("variable", "folder"),
    [("TORCH_HOME", "mine"), ("XDG_CACHE_HOME", "mine/torch"), (None, ".cache/torch")],
)
def test_a_checkpoint_that_torch_downloaded_counts(
    home, site, checkpoint, monkeypatch, variable, folder
):
    if variable:
        monkeypatch.setenv(variable, str(home / "mine"))
    hub = home / folder / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    (hub / "net-0123.pth").write_bytes(site.content)

    assert fetch(checkpoint) == hub / "net-0123.pth"
    assert site.requests == []


def test_a_wrong_checkpoint_of_torchs_is_left_alone(home, site, checkpoint, cache):
    theirs = home / ".cache" / "torch" / "hub" / "checkpoints" / "net-0123.pth"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"other")

    assert fetch(checkpoint) == cache / "net-0123.pth"
    assert theirs.read_bytes() == b"other"


def test_a_mirror_serves_by_file_name(site, record, cache, monkeypatch):
    monkeypatch.setenv("MOBILEZOO_WEIGHTS_URL", f"{site.url}/mirror/")

    fetch(dataclasses.replace(record, url="https://nowhere.invalid/deep/net.h5"))

    assert site.requests == [("/mirror/net.h5", None)]


def test_a_redirection_is_followed(site, record):
    site.location = f"{site.url}/elsewhere"

    assert fetch(record).read_bytes() == site.content
    assert [path for path, _ in site.requests] == ["/models/net.h5", "/elsewhere"]


def test_two_at_once_do_not_disturb_each_other(site, record, cache):
    site.content *= 20
    site.pauses_after = 100_000
    record = dataclasses.replace(record, hash=f"md5:{hashlib.md5(site.content).hexdigest()}")
    got = []
    slower = threading.Thread(target=lambda: got.append(fetch(record)))

    slower.start()
    while not any(part.stat().st_size > 50_000 for part in cache.glob("*.part")):
        time.sleep(0.01)
    faster = fetch(record)
    site.go_on.set()
    slower.join()

    assert [faster, *got] == [cache / "net.h5"] * 2
    assert faster.read_bytes() == site.content
    assert names(cache) == ["net.h5"]
    assert [asked for _, asked in site.requests] == [None, None]


def test_no_bar_without_a_terminal(record, capfd):
    fetch(record)

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False)])
def test_a_bar_on_a_terminal_if_wanted(record, monkeypatch, progress, shown):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)

    fetch(record, progress=progress)

    assert ("net.h5: 100%" in terminal.getvalue()) == shown


def test_a_wrong_file_in_the_cache_is_replaced_and_kept(site, record, cache, caplog):
    (cache / "net.h5").write_bytes(b"mine")
    (cache / "net.h5.old").write_bytes(b"older")

    with caplog.at_level(logging.WARNING, "mobilezoo"):
        fetch(record)

    assert (cache / "net.h5").read_bytes() == site.content
    assert (cache / "net.h5.old").read_bytes() == b"older"
    assert (cache / "net.h5.old1").read_bytes() == b"mine"
    assert "is not the published file (its md5 is" in caplog.text
    assert "the file that was there is now 'net.h5.old1'" in caplog.text


def test_a_wrong_file_in_the_cache_stays_if_no_other_can_be_had(site, record, cache):
    site.status = 404
    (cache / "net.h5").write_bytes(b"mine")

    with pytest.raises(WeightsUnavailableError):
        fetch(record)

    assert (cache / "net.h5").read_bytes() == b"mine"


@pytest.mark.parametrize("size_is_known", [True, False])
def test_without_a_hash_size_and_structure_are_verified(structured, cache, size_is_known):
    if not size_is_known:
        structured = dataclasses.replace(structured, size_bytes=None)

    assert fetch(structured) == cache / "net.h5"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"parameters": 8, "size_bytes": None}, "holds 7 weights, published are 8"),
        ({"size_bytes": 17}, r"it has \d,\d+ bytes, published are 17"),
    ],
)
def test_without_a_hash_another_file_is_refused(structured, cache, changes, match):
    with pytest.raises(WeightsUnavailableError, match=match) as caught:
        fetch(dataclasses.replace(structured, **changes))

    assert "nobody publishes a hash of it" in str(caught.value)
    assert names(cache) == []


@pytest.mark.parametrize("content", [b"<html>Sign in to this network</html>", b"\x89HDF\r\n\x1a\n"])
def test_without_a_hash_what_is_no_weight_file_is_refused(site, structured, cache, content):
    site.content = content

    with pytest.raises(WeightsUnavailableError, match="no Keras weight file, or a damaged one"):
        fetch(dataclasses.replace(structured, size_bytes=None))

    assert names(cache) == []
