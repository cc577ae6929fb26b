"""The space that an index keeps beside its rows, and by which it knows whose vectors it holds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from plait.errors import ModelError
from plait.search.place import is_local
from plait.spaces.space import Space
from plait.store import HOME

MAKES_VECTORS = ("schema", "groups", "config", "widths")
"""What a space's JSON has that changes its vectors; scores and versions do not."""

BESIDE = "_plait"
"""Folder inside an index that Lance leaves alone."""


def home_of(uri: str, made: str) -> Path:
    """Return the folder of what stands beside the rows; in the cache for an index in storage.

    Args:
        uri: of the index.
        made: letters of its building.
    """
    if is_local(uri):
        return Path(uri) / BESIDE
    cache = Path(os.environ.get(HOME) or Path.home() / ".cache" / "plait")
    return cache / "search" / hashlib.sha256(f"{uri} {made}".encode()).hexdigest()[:16]


def fingerprint(folder: Path) -> str:
    """Return 16 letters that tell spaces apart, which make different vectors.

    Raises:
        ModelError: when a part of the folder is not there or damaged.
    """
    digest = hashlib.sha256()
    try:
        document = json.loads((folder / "plait.json").read_text(encoding="utf-8"))
        parts = {name: document[name] for name in MAKES_VECTORS}
        digest.update(json.dumps(parts, sort_keys=True).encode())
        for name in ("weights.safetensors", "vocabulary.json"):
            digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"The space {str(folder)!r} is not whole: {error}") from error
    return digest.hexdigest()[:16]


def fingerprint_of(space: Space) -> str:
    """Return the same of a space that need not be saved."""
    with tempfile.TemporaryDirectory() as folder:
        return fingerprint(space.save(Path(folder) / "space"))


def keep(space: Space, uri: str, made: str) -> str:
    """Save a space beside an index, and return its fingerprint; see `home_of`."""
    home = home_of(uri, made)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".space-", dir=home) as folder:
        mark = fingerprint(space.save(Path(folder) / "space"))
        place = home / f"space-{mark}"
        shutil.rmtree(place, ignore_errors=True)  # it may have been changed
        (Path(folder) / "space").rename(place)
    if not is_local(uri):
        _copy(place.absolute().as_uri(), f"{uri}/{BESIDE}/{place.name}")
    return mark


def fetch(uri: str, made: str, mark: str) -> Space:
    """Return the space that an index keeps, by its fingerprint; see `home_of`.

    Raises:
        ModelError: when it is gone, or is not the one that made the vectors.
    """
    place = home_of(uri, made) / f"space-{mark}"
    if not place.exists() and not is_local(uri):
        _download(f"{uri}/{BESIDE}/{place.name}", place)
    if not place.is_dir():
        raise ModelError(
            f"The index {uri!r} has lost its space, {str(place)!r}; build it again with "
            "`plait index`."
        )
    found = fingerprint(place)
    if found != mark:
        raise ModelError(
            f"The space {str(place)!r} has changed since it made the vectors of this index "
            f"({found} is not {mark}), so queries would find anything; build the index again."
        )
    return Space.load(place)


def _download(source: str, place: Path) -> None:
    """Copy a folder from storage, whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".space-", dir=place.parent) as folder:
        whole = Path(folder) / "space"
        _copy(source, whole.absolute().as_uri())
        if (whole / "plait.json").exists():
            with suppress(OSError):  # another process was there first
                whole.rename(place)


def _copy(source: str, target: str) -> None:
    from pyarrow.fs import FileSystem, copy_files

    try:
        system, path = FileSystem.from_uri(target)
        system.create_dir(path)
        copy_files(source, target)
    except (OSError, ValueError) as error:
        raise ModelError(f"The space cannot be copied from {source!r}: {error}") from error
