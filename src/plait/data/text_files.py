"""CSV, TSV and JSONL as streams of Arrow batches, with every CSV cell left as text."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from plait.data.encoding import find_encoding
from plait.data.table import check_names
from plait.errors import TableError

ROWS_A_BATCH = 4096
LONGEST_CELL = 16 * 1024 * 1024
"""Characters that one CSV cell may have."""

MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a", "<na>"})
"""Cells that are read as missing, in any case."""


def csv_batches(
    path: Path, encoding: str | None, problems: list[tuple[int, str]]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV or TSV file, all columns as text.

    Args:
        path: the file; its separator is found from the first lines, or is a tab in `.tsv`.
        encoding: of the file; found out when None.
        problems: rows with more or fewer cells than columns are left out and added here.

    Raises:
        TableError: when the file is empty, is not text, or its names repeat.
    """
    csv.field_size_limit(LONGEST_CELL)
    with _open(path, encoding) as file:
        start = file.read(64 * 1024)
        file.seek(0)
        reader = csv.reader(file, delimiter=_separator(path, start), strict=False)
        names = [name.strip() for name in next(filter(None, reader), [])]
        if not names:
            raise TableError(f"{path.name!r} is empty; its first row must name the columns.")
        check_names(names)
        schema = pa.schema([(name, pa.large_string()) for name in names])
        yield pa.RecordBatch.from_pylist([], schema=schema)
        rows = _whole_rows(reader, len(names), problems)
        while block := list(islice(rows, ROWS_A_BATCH)):
            columns = zip(*block, strict=True)
            yield pa.record_batch([pa.array(c, pa.large_string()) for c in columns], schema=schema)


def _whole_rows(
    reader: Iterator[list[str]], width: int, problems: list[tuple[int, str]]
) -> Iterator[list[str | None]]:
    number = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append((number, f"not a CSV row: {error}"))
            number += 1
            continue
        if not row:
            continue
        if len(row) != width:
            problems.append((number, f"has {len(row)} cells where the table has {width} columns"))
        else:
            yield [missing_as_none(cell) for cell in row]
        number += 1


def missing_as_none(cell: str) -> str | None:
    """Return the cell, or None when it is a word for a missing value."""
    return None if cell.strip().casefold() in MISSING_WORDS else cell


def json_batches(
    path: Path, encoding: str | None, problems: list[tuple[int, str]]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a JSONL file; a key that a row lacks is missing there.

    Args:
        path: a file of one JSON object a line.
        encoding: of the file; found out when None.
        problems: lines that are not JSON objects are left out and added here.

    Raises:
        TableError: when no line is an object.
    """
    with _open(path, encoding) as file:
        rows = list(_objects(file, problems))
    names = {name: None for row in rows for name in row}
    if not names:
        raise TableError(f"{path.name!r} has no line that is a JSON object.")
    columns = {name: _arrow_or_text([row.get(name) for row in rows]) for name in names}
    yield pa.record_batch(list(columns.values()), names=list(columns))


def _objects(file: IO[str], problems: list[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    lines = (line for line in file if line.strip())
    for number, line in enumerate(lines):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append((number, f"not JSON: {error}"))
            continue
        if isinstance(row, dict):
            yield row
        else:
            problems.append((number, f"not a JSON object: {line.strip()[:40]}"))


def _arrow_or_text(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        # Mixed types in one column: kept as text, and told apart again in `detect`.
        return pa.array([None if v is None else _as_text(v) for v in values], pa.large_string())


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be stored


def _open(path: Path, encoding: str | None) -> io.TextIOWrapper:
    encoding = encoding or find_encoding(path)
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise TableError(f"Encoding {encoding!r} is not known; say utf-8, for example.") from None
    name = "utf-8-sig" if name == "utf-8" else name  # passes over a mark, if there is one
    return path.open(encoding=name, errors="replace", newline="")


def _separator(path: Path, start: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    # The first of the marks that gives the most names; marks inside quotes give none.
    return max(",;\t", key=lambda mark: len(next(filter(None, _cells(start, mark)), [])))


def _cells(text: str, mark: str) -> Iterator[list[str]]:
    with suppress(csv.Error):
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=mark)
