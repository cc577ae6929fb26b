"""Features of frozen encoders: computed once a row, shared by every expert."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy.sparse import vstack
from torch import Tensor

from plait.data.loader import View, blocks
from plait.data.referred import contents_of
from plait.encoders.encoder import Encoder, Matrix
from plait.types import Features, Raw, Sample, one_below_other


@dataclass(frozen=True)
class Encoded:
    """The encoded rows of a table.

    Attributes:
        features: Features of all n rows, by source.
        matrices: what experts that are not networks read of a source, where its encoder offers it.
        codes: which columns of a matrix are level codes, by source.
        raw: samples of all n rows, by source, for encoders that are trained.
        encoders: those that made the Features, by source.
        groups: (n) number of the group of each row, for what is held out on the way; None where
            all rows are independent.
    """

    features: Mapping[str, Features] = field(default_factory=dict)
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    codes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    raw: Mapping[str, Raw] = field(default_factory=dict)
    encoders: Mapping[str, Encoder] = field(default_factory=dict)
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        parts: list[Features | Raw] = [*self.features.values(), *self.raw.values()]
        return len(parts[0])

    def inputs(self, sources: Iterable[str], raw: Container[str]) -> dict[str, Features | Raw]:
        """Return what a network reads of each source: samples of those in `raw`, or Features."""
        return {name: self.raw[name] if name in raw else self.features[name] for name in sources}

    def widths(self, trained: Mapping[str, Encoder]) -> dict[str, int]:
        """Return the width of the Features of every source, those of trained encoders too."""
        frozen = {name: features.width for name, features in self.features.items()}
        return frozen | {name: encoder.width for name, encoder in trained.items()}

    def take(self, rows: np.ndarray) -> Encoded:
        """Return the given rows, (k) numbers or (n) booleans, in order."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        index = torch.from_numpy(rows)
        return replace(
            self,
            features={name: features.take(index) for name, features in self.features.items()},
            matrices={name: matrix[rows] for name, matrix in self.matrices.items()},
            raw={name: raw.take(index) for name, raw in self.raw.items()},
            groups=None if self.groups is None else self.groups[rows],
        )

    def without(self, sources: Iterable[str]) -> Encoded:
        """Return the same rows with some sources missing in all of them."""
        gone = set(sources)
        nowhere = torch.zeros(len(self), dtype=torch.bool)
        return replace(
            self,
            features={
                name: features.keep(nowhere) if name in gone else features
                for name, features in self.features.items()
            },
            matrices={
                name: _emptied(matrix) if name in gone else matrix
                for name, matrix in self.matrices.items()
            },
            raw={n: raw.keep(nowhere) if n in gone else raw for n, raw in self.raw.items()},
        )

    def present(self, sources: Iterable[str]) -> Tensor:
        """Return (n), True where the row has at least one of the sources."""
        parts = self.inputs(sources, self.raw.keys() - self.features.keys()).values()
        return torch.stack([part.present for part in parts]).any(dim=0)


def _emptied(matrix: Matrix) -> Matrix:
    if isinstance(matrix, np.ndarray):
        return np.full_like(matrix, np.nan)
    empty: Matrix = matrix * 0
    return empty


def encode(
    encoders: Mapping[str, Encoder],
    samples: Mapping[str, Sequence[Sample | None]],
    rows: np.ndarray,
    raw: Mapping[str, Sequence[Sample | None]] | None = None,
) -> Encoded:
    """Encode the given rows with fitted encoders, a block at a time.

    Args:
        encoders: frozen ones, by source.
        samples: of the whole table, by source.
        rows: (n) row numbers.
        raw: samples of the whole table for encoders that are trained, by source; they are kept.
    """
    features: dict[str, Features] = {}
    matrices: dict[str, Matrix] = {}
    for name, encoder in encoders.items():
        features[name], matrix = _encode_one(encoder, View(samples[name], rows))
        if matrix is not None:
            matrices[name] = matrix
    codes = {name: encoder.code_columns for name, encoder in encoders.items()}
    index, kept = torch.from_numpy(rows), {}
    for name, own in (raw or {}).items():
        contents = torch.from_numpy(contents_of(own, rows))
        present = _present(samples[name], rows) if name in samples else contents >= 0
        kept[name] = Raw(own, index, present, contents)
    return Encoded(features, matrices, codes, kept, encoders)


def _present(samples: Sequence[Sample | None], rows: np.ndarray) -> Tensor:
    return torch.tensor([samples[int(row)] is not None for row in rows], dtype=torch.bool)


@torch.no_grad()
def _encode_one(
    encoder: Encoder, samples: Sequence[Sample | None]
) -> tuple[Features, Matrix | None]:
    if not len(samples):  # no rows: as wide as one
        one, matrix = _encode_one(encoder, [None])
        return one.take(torch.arange(0)), None if matrix is None else matrix[:0]
    encoder.eval()
    features: list[Features] = []
    matrices: list[Matrix | None] = []
    for block in blocks(range(len(samples)), 1024):
        batch = [samples[row] for row in block]
        features.append(encoder(batch))
        matrices.append(encoder.matrix(batch))
    return one_below_other(features), _stack(matrices)


def _stack(matrices: list[Matrix | None]) -> Matrix | None:
    there = [matrix for matrix in matrices if matrix is not None]
    if not there:
        return None
    if isinstance(there[0], np.ndarray):
        return np.concatenate(there)
    return vstack(there, format="csr")


def fit_and_encode(
    encoders: Mapping[str, Encoder],
    samples: Mapping[str, Sequence[Sample | None]],
    rows: np.ndarray,
    target: np.ndarray,
    seed: int,
    raw: Mapping[str, Sequence[Sample | None]] | None = None,
) -> Encoded:
    """Fit the encoders on the given rows, and encode these rows as training rows.

    Args:
        encoders: frozen ones, to be fitted, by source.
        samples: of the whole table, by source.
        rows: (n) training rows.
        target: (n c) of these rows.
        seed: of everything random.
        raw: samples of the whole table for encoders that are trained, by source; they are kept.
    """
    learned: dict[str, Features] = {}
    for name, encoder in encoders.items():
        own = encoder.fit_encode(View(samples[name], rows), target, seed)
        if own is not None:
            learned[name] = own
    encoded = encode(encoders, samples, rows, raw)
    return replace(encoded, features={**encoded.features, **learned})
