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

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Environment variables that name a server which speaks S3, other than Amazon's."""

REASONS = {
    "NoSuchBucket": "there is no such bucket",
    "Failed to get AWS credentials": (
        "there are no keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ),
    "AccessDenied": "the server refuses the keys",
    "InvalidAccessKeyId": "the server does not know the key AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the server refuses the keys",
    "HttpError { kind: Connect": "the server cannot be reached; see AWS_ENDPOINT_URL",
}
"""What is said in the place of words that only programmers of LanceDB understand."""

NEAR = 100
"""Names of indexes that are looked through for the one that may have been meant."""


def exists(uri: str) -> bool:
    """Return whether there is a dataset, of whatever kind.

    Raises:
        ModelError: when storage cannot be reached.
    """
    return (Path(uri) / "_versions").is_dir() if is_local(uri) else opened(uri) is not None


def is_local(uri: str) -> bool:
    """Return whether an index lies on a disk of this machine."""
    return "://" not in uri


def opened(uri: str) -> Any | None:
    """Return LanceDB's table of an index; None where there is none of that name.

    Raises:
        ModelError: when it cannot be read.
    """
    if is_local(uri) and not exists(uri):
        return None
    database, name = connect(uri)
    with told(uri):
        try:
            return database.open_table(name)
        except ValueError as error:
            if "was not found" not in str(error):
                raise
            return None


def near(uri: str) -> list[str]:
    """Return the names of the indexes that lie where this one should."""
    if is_local(uri):
        return [path.name for path in Path(uri).absolute().parent.glob("*.lance")]
    database, _ = connect(uri)
    with told(uri):
        return [f"{name}.lance" for name in database.list_tables(limit=NEAR).tables]


def connect(uri: str) -> tuple[Any, str]:
    """Return LanceDB's connection to the folder that an index lies in, and the index's name.

    Storage is configured by the environment, as for every program that reads it: keys and region,
    and the URL of a server of one's own (`ENDPOINTS`), which may be http where that is said.

    Raises:
        MissingExtraError: when LanceDB is not there.
        ModelError: when the name cannot be that of an index, or storage cannot be reached.
    """
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
    plain = any(os.environ.get(name, "").startswith("http://") for name in ENDPOINTS)
    with told(uri):
        # Every query asks for the newest version, so that what others wrote is found.
        connection = lancedb.connect(
            folder or ".",
            read_consistency_interval=timedelta(0),
            storage_options={"allow_http": "true"} if plain and not is_local(uri) else None,
        )
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
        first = text.splitlines()[0].rstrip(".")
        why = next((own for mark, own in REASONS.items() if mark in text), first)
        raise ModelError(f"{uri!r} cannot be read or written: {why}.") from error
