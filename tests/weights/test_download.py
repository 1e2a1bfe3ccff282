"""Partial files and networks that fail, seen through `fetch`."""

import dataclasses
import hashlib
import os
import socket
import time
from pathlib import Path

import pytest

from mobilezoo.errors import InvalidArgumentError, WeightsUnavailableError
from mobilezoo.weights import download as download_module
from mobilezoo.weights import fetch


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_connection_that_breaks_is_renewed_where_it_broke(site, record):
    site.breaks_after = [4000, 4000]

    assert fetch(record).read_bytes() == site.content
    assert [asked for _, asked in site.requests] == [None, "bytes=4000-", "bytes=8000-"]


def test_a_connection_that_falls_silent_is_renewed_too(site, record):
    site.stalls_after = 4000

    assert fetch(record, timeout=0.2).read_bytes() == site.content
    assert [asked for _, asked in site.requests] == [None, "bytes=4000-", "bytes=8000-"]


def test_the_next_call_continues(site, record, cache):
    (cache / "net.h5.part").write_bytes(site.content[:3000])

    assert fetch(record).read_bytes() == site.content
    assert site.requests == [("/models/net.h5", "bytes=3000-")]
    assert names(cache) == ["net.h5"]


def test_a_server_that_cannot_continue_sends_all_of_it(site, record, cache):
    site.ranges = False
    (cache / "net.h5.part").write_bytes(b"x" * 3000)

    assert fetch(record).read_bytes() == site.content
    assert len(site.requests) == 1


def test_what_was_left_of_another_file_is_downloaded_anew(site, record, cache):
    (cache / "net.h5.part").write_bytes(b"x" * 3000)

    assert fetch(record).read_bytes() == site.content
    assert [asked for _, asked in site.requests] == ["bytes=3000-", None]


def test_a_partial_file_that_is_complete_is_not_downloaded_again(site, record, cache):
    (cache / "net.h5.part").write_bytes(site.content)

    assert fetch(record).read_bytes() == site.content
    assert site.requests == [("/models/net.h5", f"bytes={len(site.content)}-")]


def test_a_partial_file_that_is_too_long_is_downloaded_anew(site, record, cache):
    (cache / "net.h5.part").write_bytes(site.content + b"more")

    assert fetch(record).read_bytes() == site.content


def test_what_a_killed_process_left_is_continued(site, record, cache):
    left = cache / "net.h5.1234-abcd.part"
    left.write_bytes(site.content[:3000])
    os.utime(left, (time.time() - 7200,) * 2)

    fetch(record)

    assert site.requests == [("/models/net.h5", "bytes=3000-")]
    assert names(cache) == ["net.h5"]


def test_what_another_process_is_writing_is_left_alone(site, record, cache):
    (cache / "net.h5.1234-abcd.part").write_bytes(site.content[:3000])

    fetch(record)

    assert site.requests == [("/models/net.h5", None)]
    assert names(cache) == ["net.h5", "net.h5.1234-abcd.part"]


def test_an_interrupt_leaves_the_partial_file_alone(site, record, cache, monkeypatch):
    site.breaks_after = [4000]
    read = download_module._read

    def interrupted(response, timeout):
        chunk = read(response, timeout)
        if not chunk:
            raise KeyboardInterrupt
        return chunk

    monkeypatch.setattr(download_module, "_read", interrupted)

    with pytest.raises(KeyboardInterrupt):
        fetch(record)

    assert names(cache) == ["net.h5.part"]
    assert (cache / "net.h5.part").read_bytes() == site.content[:4000]


def test_a_wrong_file_is_refused_and_both_hashes_named(site, record, cache):
    site.content = b"something else"
    came, published = hashlib.md5(site.content).hexdigest(), record.hash.removeprefix("md5:")

    with pytest.raises(
        WeightsUnavailableError, match=f"its md5 is {came}, published is {published}"
    ):
        fetch(record)

    assert names(cache) == []


def test_a_file_cut_short_is_refused_and_continued_by_the_next_call(site, record, cache):
    site.ranges = False
    site.breaks_after = [4000, 4000]

    with pytest.raises(WeightsUnavailableError, match=r"broke off after 4,000 of 10,240 bytes"):
        fetch(record)

    assert names(cache) == ["net.h5.part"]
    assert fetch(record).read_bytes() == site.content


def test_a_silent_server_is_given_up_after_the_timeout(site, record, cache):
    site.stalls_after = 4000
    site.ranges = False

    start = time.monotonic()
    with pytest.raises(WeightsUnavailableError, match=r"the server sent nothing for 0\.2 s"):
        fetch(record, timeout=0.2)

    assert time.monotonic() - start < 5
    assert (cache / "net.h5.part").stat().st_size == 4000


@pytest.mark.parametrize(("status", "reason"), [(404, "Not Found"), (403, "Forbidden")])
def test_a_refusal_names_the_url_the_hash_and_where_to_put_the_file(
    site, record, cache, status, reason
):
    site.status = status

    with pytest.raises(WeightsUnavailableError) as caught:
        fetch(record)

    message = str(caught.value)
    assert f"Could not get {record.url}: HTTP {status} {reason}." in message
    assert record.hash in message
    assert f"at '{cache / 'net.h5'}'" in message
    assert names(cache) == []


def test_without_a_network_the_error_says_the_same(record, cache, monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    record = dataclasses.replace(record, url="https://nowhere.invalid/net.h5")

    with pytest.raises(
        WeightsUnavailableError,
        match=r"get https://nowhere\.invalid/net\.h5: no connection .*Name or service not known",
    ) as caught:
        fetch(record)

    assert record.hash in str(caught.value)
    assert str(cache / "net.h5") in str(caught.value)


def test_a_server_that_is_down_is_no_connection(record):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with pytest.raises(WeightsUnavailableError, match=r"no connection"):
        fetch(dataclasses.replace(record, url=f"http://127.0.0.1:{port}/net.h5"))


def test_a_mirror_that_fails_is_named_beside_the_publisher(site, record, monkeypatch):
    site.status = 404
    monkeypatch.setenv("MOBILEZOO_WEIGHTS_URL", f"{site.url}/mirror")
    record = dataclasses.replace(record, url="https://nowhere.invalid/net.h5")

    with pytest.raises(
        WeightsUnavailableError,
        match=r"/mirror/net\.h5 \(published at https://nowhere\.invalid/net\.h5\): HTTP 404",
    ):
        fetch(record)


def test_a_mirror_must_be_an_http_address(record, monkeypatch):
    monkeypatch.setenv("MOBILEZOO_WEIGHTS_URL", "file:///etc")

    with pytest.raises(InvalidArgumentError, match="must begin with http:// or https://"):
        fetch(record)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/net.h5"])
def test_a_redirection_to_something_else_than_http_is_refused(site, record, cache, location):
    site.location = location

    with pytest.raises(WeightsUnavailableError, match=r"HTTP 302|unknown url type: ftp"):
        fetch(record)

    assert names(cache) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_a_full_disk_is_called_so(record, cache):
    (cache / "net.h5.part").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left on device"):
        fetch(record)


def test_without_a_hash_what_an_earlier_call_left_is_not_continued(site, structured, cache):
    old = site.content
    site.content = old.replace(b"conv", b"CONV")  # another version, of the same size
    (cache / "net.h5.part").write_bytes(old[:1000])

    assert fetch(structured).read_bytes() == site.content
    assert site.requests == [("/models/net.h5", None)]


def test_without_a_hash_a_connection_that_breaks_begins_again(site, structured):
    site.breaks_after = [1000, 1500]

    assert fetch(structured).read_bytes() == site.content
    assert [asked for _, asked in site.requests] == [None, None, None]
