"""A file over HTTP into a partial file on disk: continues what is there, says what went wrong."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mobilezoo._version import __version__

CHUNK = 1 << 20  # bytes
ATTEMPTS = 5  # connections for one file, as long as each brings some of it


class DownloadError(Exception):
    """The file did not come, or not wholly; the message says why."""


def download(url: str, part: Path, *, timeout: float, progress: bool, resume: bool = True) -> None:
    """Append to a partial file until there is no more; whether it is the right file is not known.

    A server that cannot continue makes it begin again; a connection that breaks is renewed.

    Args:
        url: http or https.
        part: of the partial file; may not exist yet.
        timeout: seconds without any data after which a connection counts as broken.
        progress: show a bar on stderr if that is a terminal.
        resume: False to begin again at every connection: what the server has may be another
            version by now, which only a hash of the whole can tell.

    Raises:
        DownloadError: no connection, refused, or broken off; what has come is in `part`.
        OSError: of the disk.
    """
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(part)
        try:
            _receive(url, part, timeout, progress, resume)
            break
        except DownloadError:
            if attempt == ATTEMPTS or _size(part) <= before:
                raise


def _receive(url: str, part: Path, timeout: float, progress: bool, resume: bool) -> None:
    have = _size(part) if resume else 0
    response = _opened(url, have, timeout)
    if response is None:
        return
    with response:
        if have and not _continues(response, have):
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with (
            part.open("ab" if have else "wb") as file,
            tqdm(
                total=total,
                initial=have,
                unit="B",
                unit_scale=True,
                desc=url.rpartition("/")[2],
                disable=None if progress else True,  # None: shown on terminals only
            ) as bar,
        ):
            while chunk := _read(response, timeout):
                file.write(chunk)
                bar.update(len(chunk))
            got = file.tell()
    if total is not None and got < total:
        raise DownloadError(f"the connection broke off after {got:,} of {total:,} bytes")


def _opened(url: str, have: int, timeout: float) -> Any:
    """The response, from byte `have` on if the server can; None if there are no more bytes."""
    headers = {"User-Agent": f"mobilezoo/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        return _opener().open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return None
        raise DownloadError(f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DownloadError(f"no connection ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(_broken(error, timeout)) from error


def _opener() -> urllib.request.OpenerDirector:
    """Speaks http and https only, also where it is redirected to; urllib's own knows files, ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _continues(response: Any, have: int) -> bool:
    """Whether the body is the rest of the file, not the whole."""
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        return False
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if start is None or int(start[1]) != have:
        raise DownloadError(f"the server sent another part of the file than asked for ({have}-)")
    return True


def _read(response: Any, timeout: float) -> bytes:
    try:
        chunk: bytes = response.read1(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(_broken(error, timeout)) from error
    return chunk


def _broken(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"the server sent nothing for {timeout:g} s"
    return f"the connection broke off ({type(error).__name__}: {error})"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
