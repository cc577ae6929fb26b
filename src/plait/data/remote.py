"""Files that lie elsewhere: cells that are URLs, and tables in object storage.

A remote cell is a string that knows how to fetch its file. The file is fetched when it is first
read, and kept for the life of the program, so that detection, checks and training ask once.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from plait.errors import CellError, MissingExtraError, TableError, did_you_mean

SCHEMES = ("http://", "https://")

SECONDS = 20.0
"""A server may be silent for so long."""

LARGEST = 256 * 1024 * 1024
"""Bytes of a file from elsewhere, at most."""

TRIES = 3
BLOCK = 1024 * 1024


class Fetcher(Protocol):
    """Gets the bytes of a name from where it lies."""

    def get(self, name: str, path: Path) -> None:
        """Write the file of that name to a path; a CellError says why it cannot."""


class Shelf:
    """A temporary folder of fetched files; it is gone with the table that has them."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher
        self.failed: dict[str, str] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()

    @cached_property
    def _folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="plait-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def file(self, name: str) -> Path:
        """Return the fetched file; what failed once is not asked for again.

        Raises:
            CellError: when it cannot be fetched.
        """
        with self._lock:
            folder = self._folder
            own = self._locks.setdefault(name, Lock())
        with own:
            path = folder / hashlib.sha256(name.encode()).hexdigest()
            if name in self.failed:
                raise CellError(self.failed[name])
            if not path.exists():
                partial = path.with_suffix(".partial")
                try:
                    self.fetcher.get(name, partial)
                except CellError as error:
                    self.failed[name] = str(error)
                    raise
                partial.rename(path)
            return path


class Remote(str):
    """The name of a file that lies elsewhere."""

    shelf: Shelf

    @classmethod
    def on(cls, shelf: Shelf, name: str) -> Remote:
        """Return the name, which the shelf can fetch."""
        made = cls(name)
        made.shelf = shelf
        return made

    def file(self) -> Path:
        """Return the fetched file."""
        return self.shelf.file(str(self))


def is_url(value: Any) -> bool:
    """Return whether a cell is the URL of a file on the web."""
    return isinstance(value, str) and value.strip().lower().startswith(SCHEMES)


def with_remote(values: Sequence[Any], shelf: Shelf) -> list[Any]:
    """Return the cells, the strings among them as names that the shelf can fetch."""
    return [Remote.on(shelf, v.strip()) if isinstance(v, str) and v.strip() else v for v in values]


class _SameScheme(HTTPRedirectHandler):
    """Follows a redirection to the web only; urllib by itself refuses files, but not FTP."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if not is_url(newurl):
            fp.close()
            raise CellError(f"{req.full_url!r} redirects to {newurl!r}, which is not on the web")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Web:
    """Fetches URLs, with a limit of time and size, and another try when a server is in trouble."""

    def get(self, name: str, path: Path) -> None:
        """Write what a URL gives to a path.

        Raises:
            CellError: when the server refuses, is silent, or gives too much.
        """
        for left in reversed(range(TRIES)):
            try:
                self._get(name, path)
                return
            except HTTPError as error:
                error.close()
                if error.code < 500 or not left:
                    raise CellError(f"{name!r} answers {error.code} {error.reason}") from error
            except (URLError, OSError, ValueError) as error:
                reason = getattr(error, "reason", None) or error
                if not left or isinstance(error, ValueError):
                    raise CellError(f"{name!r} cannot be fetched: {reason}") from error
            time.sleep(0.2 * (TRIES - left))

    def _get(self, name: str, path: Path) -> None:
        request = Request(name, headers={"User-Agent": "plait"})
        begun, size = time.monotonic(), 0
        opener = build_opener(_SameScheme)
        with opener.open(request, timeout=SECONDS) as answer, path.open("wb") as file:
            while block := answer.read(BLOCK):
                size += len(block)
                if size > LARGEST:
                    raise CellError(f"{name!r} is larger than the limit of {LARGEST:,} bytes")
                if time.monotonic() - begun > 10 * SECONDS:
                    raise CellError(f"{name!r} takes longer than {10 * SECONDS:.0f} seconds")
                file.write(block)


class Storage:
    """Fetches files of a file system that fsspec knows, by names relative to a folder of it."""

    def __init__(self, system: Any, folder: str) -> None:
        self.system, self.folder = system, folder.rstrip("/")

    def get(self, name: str, path: Path) -> None:
        """Write a file of the storage to a path.

        Raises:
            CellError: when the name leaves the folder, or the file is not there.
        """
        if name.startswith("/") or ".." in name.split("/"):
            raise CellError(f"path {name!r} leaves the table's folder")
        try:
            self.system.get_file(f"{self.folder}/{name}", str(path))
        except (OSError, KeyError, ValueError) as error:
            raise CellError(f"there is no file {name!r} beside the table: {error}") from error


def fetch_table(uri: str, folder: Path) -> tuple[Path, Storage]:
    """Copy the file of a table from storage into a folder, and return it, and where it was.

    Raises:
        MissingExtraError: when fsspec, or its part for this scheme, is not there.
        TableError: when the scheme is not known, there is no such file, or it cannot be read.
    """
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError(
            "Tables in object storage need fsspec: pip install 'plait[storage]'"
        ) from error
    scheme, path = urlsplit(uri).scheme, uri
    try:
        system, path = _of_arrow(uri) or fsspec.core.url_to_fs(uri)
    except ImportError as error:
        raise MissingExtraError(f"Tables at {scheme}:// need a package more: {error}") from error
    except ValueError as error:
        known = sorted(fsspec.available_protocols())
        raise TableError(f"Scheme {scheme!r} is not known.{did_you_mean(scheme, known)}") from error
    own = folder / path.rsplit("/", 1)[-1]
    try:
        system.get_file(path, str(own))
    except (FileNotFoundError, ValueError) as error:
        near: list[str] = []
        with suppress(Exception):
            near = [n.rsplit("/", 1)[-1] for n in system.ls(path.rsplit("/", 1)[0], detail=False)]
        raise TableError(f"There is no file {uri!r}.{did_you_mean(own.name, near)}") from error
    except OSError as error:
        raise TableError(f"{uri!r} cannot be read: {error}") from error
    return own, Storage(system, path.rsplit("/", 1)[0])


def _of_arrow(uri: str) -> tuple[Any, str] | None:
    """Return Arrow's own file system of S3 and a path in it; None for other schemes.

    It reads the environment as an index in storage does, and needs no package more.
    """
    if urlsplit(uri).scheme != "s3":
        return None
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import FileSystem

    system, path = FileSystem.from_uri(uri)
    return ArrowFSWrapper(system), path
