"""CSV, TSV and JSONL as streams of Arrow batches, with every CSV cell left as text."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from plait.data.table import check_names
from plait.errors import TableError

ROWS_A_BATCH = 4096
LONGEST_CELL = 16 * 1024 * 1024
"""Characters that one CSV cell may have."""

MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a", "<na>"})
"""Cells that are read as missing, in any case."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def csv_batches(
    path: Path, encoding: str | None, problems: list[tuple[int, str]]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV or TSV file, all columns as text.

    Args:
        path: the file; its separator is found from the first lines, or is a tab in `.tsv`.
        encoding: of the file; found out when None.
        problems: rows with more cells than columns are left out and added here.

    Raises:
        TableError: when the file is empty, is not text, or its names repeat.
    """
    csv.field_size_limit(LONGEST_CELL)
    with _open(path, encoding) as file:
        start = file.read(64 * 1024)
        file.seek(0)
        reader = csv.reader(file, delimiter=_separator(path, start), strict=False)
        names = [name.strip() for name in next(reader, [])]
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
        if len(row) > width:
            problems.append((number, f"has {len(row)} cells where the table has {width} columns"))
        else:
            yield [missing_as_none(cell) for cell in row] + [None] * (width - len(row))
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
    names: dict[str, None] = {}
    with _open(path, encoding) as file:
        for _, row in _objects(file, []):
            names.update(dict.fromkeys(row))
    if not names:
        raise TableError(f"{path.name!r} has no line that is a JSON object.")
    with _open(path, encoding) as file:
        rows = [row for _, row in _objects(file, problems)]
    columns = {name: _arrow_or_text([row.get(name) for row in rows]) for name in names}
    yield pa.record_batch(list(columns.values()), names=list(columns))


def _objects(
    file: IO[str], problems: list[tuple[int, str]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = (line for line in file if line.strip())
    for number, line in enumerate(lines):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append((number, f"not JSON: {error}"))
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            problems.append((number, f"not a JSON object: {line.strip()[:40]}"))


def _arrow_or_text(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Mixed types in one column: kept as text, and told apart again in `detect`.
        texts = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
        return pa.array(texts, pa.large_string())


def _open(path: Path, encoding: str | None) -> io.TextIOWrapper:
    encoding = encoding or find_encoding(path)
    return path.open(encoding=encoding, errors="replace", newline="")


def find_encoding(path: Path) -> str:
    """Return the encoding of a text file: its mark, UTF-8 when it fits, else the likeliest.

    Raises:
        TableError: when the file is not text.
    """
    with path.open("rb") as file:
        start = file.read(1024 * 1024)
    for mark, encoding in BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
        if b"\0" not in start:
            return "utf-8"
    except UnicodeDecodeError:
        pass
    from charset_normalizer import from_bytes

    best = from_bytes(start[: 64 * 1024]).best()
    if best is None or b"\0" in start:
        raise TableError(f"{path.name!r} is not a text file; say encoding=... if it is.")
    return best.encoding


def _separator(path: Path, start: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    first_line = start.splitlines()[0] if start else ""
    return max(",;\t", key=lambda mark: (first_line.count(mark), -",;\t".index(mark)))
