"""`embed`: the vectors that pretrained networks make of the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.detect import detect
from plait.data.loader import Reader, sources_of
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.table import Table
from plait.encoders.config import STANDARD, EncoderConfig, choose_encoders
from plait.encoders.pretrained.encoder import Pretrained
from plait.ensemble.entrants import build_encoder
from plait.errors import TableError
from plait.model import prepare
from plait.progress import Progress
from plait.types import Modality, Schema
from plait.writing import replacing


@dataclass(frozen=True)
class Embedding:
    """The vectors of a table's columns.

    Attributes:
        table: that was read.
        columns: (n d) float32 by column; rows of NaN where a cell is missing or cannot be read.
        skipped: the cells that could not be read.
        numbers: the cells of columns of numbers, which a text file holds as texts.
    """

    table: Table
    columns: Mapping[str, np.ndarray]
    skipped: Ledger
    numbers: Mapping[str, list[float | None]]

    def write(self, path: Path) -> None:
        """Write the table's plain columns and the vectors as Parquet, under another name first."""
        import pyarrow as pa
        from pyarrow import parquet

        arrays: dict[str, Any] = {}
        for name in self.table.columns:
            cells = self.numbers.get(name) or self.table.values(name)
            if all(cell is None or isinstance(cell, (str, int, float, bool)) for cell in cells):
                arrays[name] = pa.array(cells)
        for name, vectors in self.columns.items():
            flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
            missing = pa.array(np.isnan(vectors).all(axis=1))
            own = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1], mask=missing)
            arrays[f"{name}_vector"] = own
        with replacing(path) as partial:
            parquet.write_table(pa.table(arrays), partial)


def embed(
    table: Any,
    encoders: Sequence[str] = (),
    *,
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    config: EncoderConfig | None = None,
    progress: Progress | None = None,
) -> Embedding:
    """Return the vectors of every column that a pretrained network reads.

    Args:
        table: anything that `plait.read` takes.
        encoders: `image=MODEL`, `text=MODEL`...: a folder, or a name on the hub; those of the
            preset `standard` where none is named.
        modalities: what columns hold, where detection should not decide.
        ignore: columns to leave out.
        config: all other settings of encoders.
        progress: where to show it; a terminal, by default.

    Raises:
        ConfigError: for an encoder that is not known.
        ModelError: when a model cannot be had.
        TableError: when no column is read by a pretrained network.
    """
    table, ledger = read(table), Ledger()
    ledger.add_table(table)
    config = choose_encoders(encoders, config).or_else(STANDARD)
    said = {name: Modality(word) for name, word in (modalities or {}).items()}
    schema = detect(table, [], said, ignore)
    sources = sources_of(schema)
    made = {source.name: build_encoder(source, config) for source in sources}
    found = {name: own for name, own in made.items() if isinstance(own, Pretrained)}
    if not found:
        raise TableError(
            "No column is read by a pretrained network; found "
            f"{', '.join(f'{s.name} ({s.kind})' for s in sources) or 'none that can be read'}."
        )
    own_sources = [source for source in sources if source.name in found]
    reader = Reader(table, ledger)
    samples = prepare(reader, own_sources, found, progress or Progress())[0]
    columns = {name: _matrix(samples[name]) for name in found}
    return Embedding(table, columns, ledger, numbers_of(reader, schema))


def numbers_of(reader: Reader, schema: Schema) -> dict[str, list[float | None]]:
    """Return the cells of the columns of numbers."""
    return {
        column.name: [reader.cell(column, row) for row in range(len(reader.table))]
        for column in schema.inputs if column.modality == Modality.NUMBER
    }  # fmt: skip


def _matrix(samples: Sequence[Any]) -> np.ndarray:
    """Return (n d), rows of NaN where there is no sample."""
    there = [sample[0] for sample in samples if sample is not None]
    width = len(there[0]) if there else 0
    matrix = np.full((len(samples), width), np.nan, np.float32)
    matrix[[sample is not None for sample in samples]] = there or np.zeros((0, width))
    return matrix
