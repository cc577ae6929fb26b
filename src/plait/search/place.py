"""Where an index lies, how LanceDB opens it, and what its errors mean to a user."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from plait.errors import MissingExtraError, ModelError, PlaitError


def exists(uri: str) -> bool:
    """Return whether there is a dataset, of whatever kind."""
    database, name = connect(uri)
    if is_local(uri):
        return (Path(uri) / "_versions").is_dir()
    try:
        database.open_table(name)
    except ValueError:  # "was not found"
        return False
    return True


def is_local(uri: str) -> bool:
    """Return whether an index lies on a disk of this machine."""
    return "://" not in uri


def connect(uri: str) -> tuple[Any, str]:
    """Return LanceDB's connection to the folder that an index lies in, and the index's name."""
    os.environ.setdefault("LANCEDB_LOG", "error")  # else it warns of what is meant to be so
    try:
        import lancedb
    except ImportError as error:
        raise MissingExtraError(
            "An index needs the packages lancedb and usearch: pip install 'plait[search]'"
        ) from error
    folder, _, name = uri.rstrip("/").rpartition("/")
    if not name.endswith(".lance") or name == ".lance":
        raise ModelError(f"{uri!r} cannot be the name of an index; it must end in .lance.")
    # Every query asks for the newest version, so that what others wrote is found.
    connection = lancedb.connect(folder or ".", read_consistency_interval=timedelta(0))
    return connection, name.removesuffix(".lance")


def watched(
    batches: Iterator[pa.RecordBatch], failed: list[PlaitError]
) -> Iterator[pa.RecordBatch]:
    """Yield the batches; keep the error that ends them, of which LanceDB keeps the words alone."""
    try:
        yield from batches
    except PlaitError as error:
        failed.append(error)
        raise


@contextmanager
def told(uri: str, failed: Sequence[PlaitError] = ()) -> Iterator[None]:
    """Turn what LanceDB raises into what a user can do about it."""
    try:
        yield
    except (RuntimeError, OSError, ValueError) as error:
        if failed:
            raise failed[0] from error
        text = str(error)
        if "onflict" in text or "contention" in text:
            raise ModelError(
                f"Another process was writing to {uri!r} at the same time, and nothing was changed "
                "by this one; run it again."
            ) from error
        raise ModelError(f"{uri!r} cannot be read or written: {text.splitlines()[0]}") from error
