"""Lance datasets: small columns are read whole, bytes when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from plait.errors import MissingExtraError, TableError


@dataclass(frozen=True)
class LanceColumn(Sequence[Any]):
    """A column that is read cell by cell."""

    dataset: Any
    name: str
    rows: int

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one cell; slices not needed
        return self.dataset.take([int(row)], columns=[self.name]).column(0)[0].as_py()


def read_lance(folder: Path) -> dict[str, pa.ChunkedArray | LanceColumn]:
    """Return the columns of a Lance dataset.

    Raises:
        MissingExtraError: when `pylance` is not there.
        TableError: when the folder is no such dataset.
    """
    try:
        import lance
    except ImportError as error:
        raise MissingExtraError(
            "A Lance dataset needs the package pylance: pip install 'plait[lance]'"
        ) from error
    try:
        dataset = lance.dataset(str(folder))
    except (OSError, ValueError) as error:
        raise TableError(f"{folder.name!r} cannot be read as Lance: {error}") from error
    rows = dataset.count_rows()
    large = [field.name for field in dataset.schema if _is_large(field.type)]
    small = [field.name for field in dataset.schema if field.name not in large]
    table = dataset.to_table(columns=small)
    return {
        field.name: LanceColumn(dataset, field.name, rows)
        if field.name in large
        else table.column(field.name)
        for field in dataset.schema
    }


def _is_large(kind: pa.DataType) -> bool:
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return binary or pa.types.is_struct(kind)
