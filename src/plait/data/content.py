"""What a cell holds, as a hash: equal files and texts are known again wherever they stand."""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.loader import Reader, Source
from plait.data.media import find_file
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.errors import CellError
from plait.types import MEDIA


def content(reader: Reader, source: Source, row: int) -> bytes | None:
    """Return a hash of what a row's cell holds; None where it is missing or cannot be read."""
    column = source.columns[0]
    if column.modality not in MEDIA:
        value = reader.value(source, row)
        return None if value is None else _hash(_exact(value))
    table = reader.table
    value = table.cell(column.stored, row) if column.stored in table else None
    if is_missing(value):
        return None
    try:
        return content_of(value, table)
    except CellError:
        return None


def content_of(value: Any, table: Table) -> bytes:
    """Return a hash of the files or arrays that a cell of a table names or holds.

    Raises:
        CellError: when one cannot be read.
    """
    if isinstance(value, (list, tuple)):
        return _hash(b"".join(content_of(item, table) for item in value))
    if isinstance(value, np.ndarray):
        return _hash(_exact(value))
    if hasattr(value, "tobytes") and hasattr(value, "mode"):  # a picture of Pillow
        return _hash(f"{value.size} {value.mode}".encode() + value.tobytes())
    if isinstance(value, dict) and "array" in value:
        rate = value.get("sampling_rate")
        return _hash(f"{rate}".encode() + np.asarray(value["array"]).tobytes())
    file = find_file(value, table.folder, table.allow_outside)
    if isinstance(file, Path):
        try:
            with file.open("rb") as opened:
                return hashlib.file_digest(opened, "blake2b").digest()
        except OSError as error:
            raise CellError(str(error)) from error
    return _hash(file)


def _exact(value: Any) -> bytes:
    """Return what a decoded cell holds; of long arrays `repr` would leave out the middle."""
    if isinstance(value, np.ndarray):
        return f"{value.shape} {value.dtype}".encode() + value.tobytes()
    if is_dataclass(value):
        return b" ".join(_exact(getattr(value, part.name)) for part in fields(value))
    return repr(value).encode()


def _hash(value: bytes) -> bytes:
    return hashlib.blake2b(value).digest()
