"""Vectors of frozen networks on disk, by content: what was computed once is not computed again.

SQLite, which every Python has: several processes may write at once, a killed one leaves the last
whole state, and pages that are read are mapped from the file into memory.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.errors import ConfigError

FORMAT = 1
"""Of what is stored; other versions lie in files of other names, and are left alone."""

HOME, LIMIT = "PLAIT_CACHE", "PLAIT_CACHE_GB"
"""Environment variables: the folder of the cache, and its most gigabytes."""

DEFAULT_GB = 10.0

MAPPED = 2**30
"""Bytes of the file that are mapped into memory."""

FRESH = 600.0
"""Seconds in which a value that was used need not be noted as used again: a write a value."""

AT_ONCE = 500
"""Keys in one question; SQLite answers no more than some thousands."""

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Contents:
    """What a cache holds: values, bytes of them, and where."""

    values: int
    size: int
    limit: int
    path: Path


class Store:
    """Tuples of arrays by key; the least recently used go when it grows over its limit.

    A cache that cannot be read or written is said once, and the run goes on without it.

    Args:
        folder: made when it is first written.
        limit: most bytes of values.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.path, self.limit = folder / f"features-{FORMAT}.sqlite", limit
        self._connection: sqlite3.Connection | None = None
        self.broken = ""

    def read(self, keys: Sequence[bytes]) -> dict[bytes, Arrays]:
        """Return what is there of the keys, and note that it was used."""
        return {key: _arrays(value) for key, value in self._used("value", keys)}

    def touch(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return which of the keys are there, and note that they were used."""
        return {key for key, _ in self._used("NULL", keys)}

    def _used(self, column: str, keys: Sequence[bytes]) -> list[tuple[bytes, Any]]:
        """Return the keys that are there with one of their columns."""
        found: list[tuple[bytes, Any]] = []
        try:
            connection, now = self._open(), time.time()
            for start in range(0, len(keys) if connection else 0, AT_ONCE):
                assert connection is not None
                some = keys[start : start + AT_ONCE]
                marks = ",".join("?" * len(some))
                rows = connection.execute(
                    f"SELECT key, {column}, used FROM vectors WHERE key IN ({marks})", some
                ).fetchall()
                found += [(key, value) for key, value, _ in rows]
                stale = [(now, key) for key, _, used in rows if used < now - FRESH]
                if stale:
                    with connection:
                        connection.executemany("UPDATE vectors SET used = ? WHERE key = ?", stale)
        except (sqlite3.Error, OSError) as error:
            self._break(error)
        return found

    def write(self, values: Mapping[bytes, Arrays]) -> None:
        """Keep values; the least recently used ones go if they do not all fit."""
        try:
            connection = self._open()
            if connection is None or not values:
                return
            now = time.time()
            rows = [(key, _bytes(value), now) for key, value in values.items()]
            with connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO vectors (key, value, size, used) VALUES (?, ?, ?, ?)",
                    [(key, value, len(value), used) for key, value, used in rows],
                )
                self._evict(connection)
        except (sqlite3.Error, OSError) as error:
            self._break(error)

    def contents(self) -> Contents:
        """Return what it holds.

        Raises:
            ConfigError: when it cannot be read.
        """
        if not self.path.exists():
            return Contents(0, 0, self.limit, self.path)
        try:
            connection = self._open()
            assert connection is not None
            count, size = connection.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM vectors"
            ).fetchone()
        except sqlite3.Error as error:
            raise ConfigError(
                f"The cache {str(self.path)!r} cannot be read ({error}). Clear it with "
                "`plait cache --clear`."
            ) from error
        return Contents(count, size, self.limit, self.path)

    def clear(self) -> None:
        """Delete all of it."""
        self.close()
        for path in self.path.parent.glob("features-*.sqlite*"):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection | None:
        if self.broken or self._connection is not None:
            return self._connection
        self._connection = opened(
            self.path,
            "PRAGMA auto_vacuum = INCREMENTAL",  # before anything is written
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = NORMAL",
            f"PRAGMA mmap_size = {MAPPED}",
            "CREATE TABLE IF NOT EXISTS vectors "
            "(key BLOB PRIMARY KEY, value BLOB, size INTEGER, used REAL)",
            "CREATE INDEX IF NOT EXISTS by_use ON vectors (used, size)",
        )
        return self._connection

    def _evict(self, connection: sqlite3.Connection) -> None:
        """Delete the least recently used values until nine tenths of the limit are left."""
        (size,) = connection.execute("SELECT coalesce(sum(size), 0) FROM vectors").fetchone()
        if size <= self.limit:
            return
        surplus, gone = size - 0.9 * self.limit, []
        with closing(connection.execute("SELECT key, size FROM vectors ORDER BY used")) as oldest:
            for key, own in oldest:
                gone.append((key,))
                surplus -= own
                if surplus <= 0:
                    break
        connection.executemany("DELETE FROM vectors WHERE key = ?", gone)
        connection.execute("PRAGMA incremental_vacuum")

    def _break(self, error: Exception) -> None:
        self.close()
        self.broken = str(error)
        print(
            f"The cache of features {str(self.path)!r} cannot be used ({error}); going on without "
            "it. Make room, clear it with `plait cache --clear`, or name another folder in "
            f"${HOME}.",
            file=sys.stderr,
        )


def opened(path: Path, *statements: str) -> sqlite3.Connection:
    """Return an SQLite file, made if it is not there, after some statements.

    Threads may share it, one at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
    try:
        for statement in statements:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _bytes(arrays: Arrays) -> bytes:
    from safetensors.numpy import save

    return save({str(number): np.ascontiguousarray(own) for number, own in enumerate(arrays)})


def _arrays(content: bytes) -> Arrays:
    from safetensors.numpy import load

    found = load(content)
    return tuple(found[str(number)] for number in range(len(found)))


def home() -> Path:
    """Return the folder where this user keeps what need not be computed again."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "plait"
    return Path(os.environ[HOME]).expanduser() if os.environ.get(HOME) else base


def default_store() -> Store:
    """Return the cache of this user.

    Raises:
        ConfigError: when $PLAIT_CACHE_GB is no number.
    """
    said = os.environ.get(LIMIT, "")
    try:
        gigabytes = float(said) if said else DEFAULT_GB
    except ValueError as error:
        raise ConfigError(f"${LIMIT} must be a number of gigabytes, found {said!r}.") from error
    return Store(home(), int(gigabytes * 1e9))


def keys_of(contents: Iterable[bytes | None], identity: str) -> list[bytes | None]:
    """Return the key of each content as one network sees it; None where there is no content."""
    import hashlib

    own = identity.encode()
    return [
        None if content is None else hashlib.blake2b(content + own, digest_size=20).digest()
        for content in contents
    ]
