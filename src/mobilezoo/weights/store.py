"""Getting weight files: look in the caches, download, verify, keep.

The cache is Keras's own, so that a file which keras.applications downloaded counts, and the other
way round. No file gets its final name before it is verified, and none that was there is deleted.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path

from mobilezoo.errors import InvalidArgumentError, WeightsUnavailableError
from mobilezoo.weights.catalogue import WeightFile
from mobilezoo.weights.download import DownloadError, download
from mobilezoo.weights.keras_file import count_weights

_log = logging.getLogger("mobilezoo")

MIRROR = "MOBILEZOO_WEIGHTS_URL"
# where Keras goes if the home folder is read-only
FALLBACK_HOME = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())
ABANDONED_S = 3600.0  # a partial file that nobody has written to for so long is free to continue


def fetch(record: WeightFile, *, progress: bool = True, timeout: float = 30.0) -> Path:
    """The file on this machine, downloaded if it is not there yet, and verified either way.

    Looks in `$KERAS_HOME/models` (~/.keras/models), for checkpoints of torchvision first in
    torch's own cache. Downloads from `record.url`, or from `$MOBILEZOO_WEIGHTS_URL/<file name>`.

    Args:
        record: of the file.
        progress: show a bar on stderr if that is a terminal.
        timeout: seconds without any data after which a connection counts as broken.

    Raises:
        WeightsUnavailableError: not to be had, or not the published file; names the url, the
            hash and where to put the file by hand. What has come is kept as `<name>.part`, with
            which the next call goes on if there is a hash of the file.
        InvalidArgumentError: MOBILEZOO_WEIGHTS_URL is not an http address.
        OSError: of the disk.
    """
    places = [folder / record.file_name for folder in (*_torch_cache(record), *_cache())]
    for path in places:
        if path.is_file():
            problem = _problem(path, record)
            if problem is None:
                return path
            _log.warning("'%s' is not the published file (%s).", path, problem)
    target = places[-1]
    url = _url(record)
    part = _claim(target)
    try:
        _download(url, record, part, timeout, progress)
        _place(part, target, record)
    except DownloadError as error:
        raise _unavailable(record, url, target, str(error)) from error
    finally:
        with suppress(FileNotFoundError):
            part.replace(_part_of(target))
    return target


def _cache() -> tuple[Path, ...]:
    """Keras's cache folders, the one to write to last."""
    home = os.environ.get("KERAS_HOME")
    folder = (Path(home) if home else Path("~/.keras")).expanduser() / "models"
    return (folder,) if _writable(folder) else (folder, FALLBACK_HOME / ".keras" / "models")


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _torch_cache(record: WeightFile) -> tuple[Path, ...]:
    """The folder of torch.hub, which is only read."""
    if record.convention != "torch":
        return ()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    return (Path(home).expanduser() / "hub" / "checkpoints",)


def _url(record: WeightFile) -> str:
    mirror = os.environ.get(MIRROR)
    if not mirror:
        return record.url
    if not mirror.startswith(("http://", "https://")):
        raise InvalidArgumentError(
            f"{MIRROR}={mirror!r} must begin with http:// or https://; the files lie directly "
            "under it."
        )
    return f"{mirror.rstrip('/')}/{record.file_name}"


def _part_of(target: Path, owner: str = "") -> Path:
    return target.with_name(f"{target.name}{owner}.part")


def _claim(target: Path) -> Path:
    """A name for the download that only this call uses, with what an earlier one has left.

    Renaming is atomic, so of two processes one gets what is left and the other begins anew.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    mine = _part_of(target, f".{os.getpid()}-{uuid.uuid4().hex[:8]}")
    left = [_part_of(target)]
    for path in target.parent.glob(f"{target.name}.*.part"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED_S:
                left.append(path)
    for path in left:
        with suppress(OSError):
            path.rename(mine)
            break
    return mine


def _download(url: str, record: WeightFile, part: Path, timeout: float, progress: bool) -> None:
    # Without a hash a file of two versions' parts could pass for the published one.
    resume = record.hash is not None
    continued = resume and part.exists()
    download(url, part, timeout=timeout, progress=progress, resume=resume)
    problem = _problem(part, record)
    if problem is not None and continued:  # what was left may be of something else
        part.unlink()
        download(url, part, timeout=timeout, progress=progress)
        problem = _problem(part, record)
    if problem is not None:
        part.unlink()
        raise DownloadError(f"what came is not the published file ({problem})")


def _place(part: Path, target: Path, record: WeightFile) -> None:
    """Give the verified download its name; what had it keeps its bytes under another."""
    if target.exists():
        if _problem(target, record) is None:  # another process was faster
            part.unlink()
            return
        names = (target.with_name(f"{target.name}.old{n or ''}") for n in itertools.count())
        old = next(name for name in names if not name.exists())
        target.replace(old)
        _log.warning("Replaced '%s'; the file that was there is now '%s'.", target, old.name)
    part.replace(target)


def _problem(path: Path, record: WeightFile) -> str | None:
    """What tells a file from the published one; None if nothing does."""
    if record.hash is not None:
        algorithm, _, published = record.hash.partition(":")
        digest = _digest(path, algorithm)
        if digest.startswith(published):
            return None
        return f"its {algorithm} is {digest}, published is {published}"
    size = path.stat().st_size
    if record.size_bytes not in (None, size):
        return f"it has {size:,} bytes, published are {record.size_bytes:,}"
    try:
        weights = count_weights(path)
    except InvalidArgumentError:
        return "it is no Keras weight file, or a damaged one"
    if weights != record.parameters:
        return f"it holds {weights:,} weights, published are {record.parameters:,}"
    return None


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _unavailable(
    record: WeightFile, url: str, target: Path, reason: str
) -> WeightsUnavailableError:
    published = "" if url == record.url else f" (published at {record.url})"
    if record.hash is not None:
        identity = record.hash
    else:
        size = "" if record.size_bytes is None else f"{record.size_bytes:,} bytes, "
        identity = f"{size}{record.parameters:,} weights; nobody publishes a hash of it"
    return WeightsUnavailableError(
        f"Could not get {url}{published}: {reason}. Try again, set {MIRROR} to a mirror, or put "
        f"the file ({identity}) at '{target}'."
    )
