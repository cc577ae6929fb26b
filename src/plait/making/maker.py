"""What models have in common that make a column: what they read, and how they are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from plait.cache import Encoded, encode
from plait.config import from_json, to_json
from plait.data.loader import Reader, Source, sources_of
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.encoders.encoder import Encoder
from plait.encoders.pretrained.tuned import FineTuned, learned_of
from plait.ensemble.config import FitConfig
from plait.errors import TableError
from plait.folder import Kind, new_folder, read_schema, read_states, write_states
from plait.layers import one_thread
from plait.model import prepare, prepare_raw
from plait.network import Network
from plait.progress import Progress
from plait.types import Features, Schema


@dataclass(frozen=True)
class Maker(ABC):
    """A network that makes a column from the others.

    Attributes:
        schema: of the table it learned from.
        target: the column that it makes.
        sources: what it reads.
        encoders: frozen ones, by source.
        network: the fusion and the task, and the encoders that are trained with them.
        config: all settings.
        facts: plain JSON: scores of held-out rows, data fingerprint, versions.
        ledger: cells that could not be read while learning.
    """

    kind: ClassVar[Kind]

    schema: Schema
    target: str
    sources: tuple[Source, ...]
    encoders: Mapping[str, Encoder]
    network: Network
    config: FitConfig
    facts: dict[str, Any]
    ledger: Ledger

    @property
    def columns(self) -> list[str]:
        """The names of the table's columns that are read."""
        read = (column.stored for source in self.sources for column in source.columns)
        return list(dict.fromkeys(read))

    @one_thread()
    def encode(self, table: Table, ledger: Ledger, progress: Progress) -> Encoded:
        """Read, prepare and encode every row of a table.

        Raises:
            TableError: when the table has none of the model's columns.
        """
        if not any(name in table for name in self.columns):
            raise TableError(
                f"The table has none of the columns that the model reads. It reads {self.columns}, "
                f"the table has {table.columns}."
            )
        reader, trained = Reader(table, ledger), self.network.by_name
        prepares = {n: e.preprocess for n, e in trained.items() if isinstance(e, FineTuned)}
        frozen = {n: e for n, e in self.encoders.items() if n not in prepares}
        made = frozen | {n: e for n, e in trained.items() if n not in prepares}
        samples = prepare(reader, self.sources, made, progress)[0]
        samples |= prepare_raw(reader, self.sources, prepares, (), progress)
        raw = {name: samples[name] for name in trained}
        return encode(frozen, samples, np.arange(len(table)), raw)

    @torch.no_grad()
    def joined(self, rows: Encoded) -> Features:
        """Return what the fusion makes of encoded rows."""
        network = self.network.eval()
        device = next(network.parameters()).device
        inputs = {
            name: part.to(device) if isinstance(part, Features) else part
            for name, part in rows.inputs(network.fusion.widths, network.by_name).items()
        }
        joined: Features = network.fusion(network.encode(inputs))
        return joined

    def present(self, rows: Encoded) -> np.ndarray:
        """Return (n), True where an encoded row has anything to go by."""
        found: np.ndarray = rows.present([source.name for source in self.sources]).numpy()
        return found

    def batches(self, rows: Encoded, size: int) -> Iterator[tuple[np.ndarray, Features]]:
        """Yield which rows have anything to go by, and their joint Features, `size` at a time."""
        there = np.flatnonzero(self.present(rows))
        for start in range(0, len(there), size):
            batch = there[start : start + size]
            yield batch, self.joined(rows.take(batch))

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the model as a folder of JSON and safetensors, under another name first.

        Raises:
            ModelError: when something is there and may not be replaced.
        """
        document = {
            "schema": to_json(self.schema),
            "target": self.target,
            "sources": [source.name for source in self.sources],
            "config": to_json(self.config),
            "widths": self.network.fusion.widths,
            "facts": self.facts,
        }
        states = {f"encoders/{name}": e.state_dict() for name, e in self.encoders.items()}
        states["network"] = learned_of(self.network)
        with new_folder(folder, overwrite) as partial:
            write_states(partial, self.kind, document | self.own(), states)
            (partial / "README.md").write_text(self.card(), encoding="utf-8")
            if len(self.ledger):
                self.ledger.write(partial / "skipped.csv")
        return Path(folder)

    @abstractmethod
    def own(self) -> dict[str, Any]:
        """Return what is kept beside what all have in common, as plain JSON."""

    @abstractmethod
    def card(self) -> str:
        """Return the model card, in Markdown."""


@dataclass(frozen=True)
class Stored:
    """What the folder of a maker holds.

    Attributes:
        document: `plait.json`.
        schema: of the table it learned from.
        config: all settings.
        sources: what it reads.
        states: tensors by their name in the folder.
    """

    document: dict[str, Any]
    schema: Schema
    config: FitConfig
    sources: tuple[Source, ...]
    states: dict[str, Any]

    @classmethod
    def read(cls, folder: str | Path, kind: Kind) -> Stored:
        """Read what `Maker.save` wrote.

        Raises:
            ModelError: when it is a model of another kind, or damaged.
        """
        document, states = read_states(folder, kind)
        schema = read_schema(document["schema"])
        sources = tuple(s for s in sources_of(schema) if s.name in document["sources"])
        return cls(document, schema, from_json(FitConfig, document["config"]), sources, states)
