"""What passes between the stages, and the one shape legend of the package.

Shape legend, used in every docstring:

    b  rows of a batch            m  modalities or sources      h w  image height and width
    t  tokens, or steps in time   c  classes or labels          k    neighbours, clusters
    d  width of a feature         n  rows of a table            e    experts
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from plait.maps import Maps

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Sample = Any
"""What one encoder's `preprocess` made of a cell: arrays, a string, a tuple; opaque to others."""

Batch = Mapping[str, Sequence[Sample | None]]
"""Samples by source, one entry a row; None where the row lacks it."""


class Modality(StrEnum):
    """What the values of a column are."""

    IMAGE = "image"
    TEXT = "text"
    NUMBER = "number"
    CATEGORY = "category"
    CATEGORIES = "categories"
    DATE = "date"
    AUDIO = "audio"
    VIDEO = "video"
    SERIES = "series"
    VECTOR = "vector"
    MASK = "mask"
    REFERENCE = "reference"
    HISTORY = "history"


READABLE = (
    Modality.IMAGE,
    Modality.TEXT,
    Modality.NUMBER,
    Modality.CATEGORY,
    Modality.CATEGORIES,
    Modality.DATE,
    Modality.AUDIO,
    Modality.VIDEO,
    Modality.SERIES,
    Modality.VECTOR,
)
"""Modalities that can be an input today."""

PREDICTABLE = (
    Modality.CATEGORY,
    Modality.CATEGORIES,
    Modality.NUMBER,
    Modality.TEXT,
    Modality.IMAGE,
    Modality.MASK,
)
"""Modalities that can be a target today."""

TABULAR = (Modality.NUMBER, Modality.CATEGORY, Modality.CATEGORIES, Modality.DATE)
"""Modalities that are read together as one source, `table`."""

MEDIA = (Modality.IMAGE, Modality.AUDIO, Modality.VIDEO)
"""Modalities whose cells are files: what takes long to decode is decoded once."""


@dataclass(frozen=True)
class Column:
    """One column of a table: what it holds, why plait thinks so, and whether it is used.

    Attributes:
        name: the column's own, or what is derived from it: `clip.sound`.
        modality: what it holds.
        confidence: in 0..1.
        evidence: why.
        left_out: empty for a column that is used, else the reason.
        of: the column that a derived one is read from; empty for one of the table's own.
        size: numbers in a cell of vectors, or in one step of a series; 0 is any.
    """

    name: str
    modality: Modality
    confidence: float = 1.0
    evidence: str = ""
    left_out: str = ""
    of: str = ""
    size: int = 0

    @property
    def stored(self) -> str:
        """The name of the table's column that its cells are read from."""
        return self.of or self.name


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in its order."""

    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that are used."""
        return tuple(column for column in self.columns if not column.left_out)

    def with_column(self, column: Column) -> Schema:
        """Return the schema with the column of the same name replaced."""
        return Schema(tuple(column if c.name == column.name else c for c in self.columns))


@dataclass(frozen=True)
class Features:
    """What every encoder and every fusion returns.

    `mask` is False for padding and for what is missing: a missing picture is a row of False.

    Attributes:
        pooled: (b d), one vector a row.
        tokens: (b t d), the parts that a fusion may attend to.
        mask: (b t), True where the token is real.
        source: (b t), the index of the source that each token came from.
        time: (b t), seconds from the row's start, or None.
        place: (b t 2), height and width in 0..1, or None.
        maps: multi-scale feature maps of the rows' pictures, or None.
    """

    pooled: Tensor
    tokens: Tensor
    mask: Tensor
    source: Tensor
    time: Tensor | None = None
    place: Tensor | None = None
    maps: Maps | None = None

    @classmethod
    def from_pooled(cls, pooled: Tensor, present: Tensor, source: int = 0) -> Features:
        """Return Features of one token a row: its pooled vector.

        Args:
            pooled: (b d).
            present: (b), False where the row lacks the modality; its vector becomes zero.
            source: index of the source.
        """
        pooled = pooled * present[:, None].to(pooled.dtype)
        mask = present[:, None]
        return cls(pooled, pooled[:, None], mask, mask.long() * 0 + source)

    @classmethod
    def of_vectors(cls, pooled: Tensor) -> Features:
        """Return Features of (b d) vectors, all of them present, one token a row."""
        return cls.from_pooled(pooled, pooled.new_ones(len(pooled)).bool())

    @classmethod
    def of_tokens(cls, tokens: Tensor, mask: Tensor, pooled: Tensor | None = None) -> Features:
        """Return Features of (b t d) tokens; pooled to their mean unless (b d) is given."""
        pooled = mean_of(tokens, mask) if pooled is None else pooled
        return cls(pooled, tokens, mask, mask.long() * 0)

    def with_tokens(self, tokens: Tensor, pooled: Tensor | None = None) -> Features:
        """Return the same tokens with other vectors (b t d), pooled to their mean unless given."""
        pooled = mean_of(tokens, self.mask) if pooled is None else pooled
        return replace(self, tokens=tokens, pooled=pooled)

    @property
    def present(self) -> Tensor:
        """(b), True where the row has at least one real token."""
        return self.mask.any(dim=1)

    @property
    def width(self) -> int:
        """The width d."""
        return self.pooled.shape[-1]

    def __len__(self) -> int:
        return len(self.pooled)

    @property
    def vectors(self) -> Features:
        """The same rows with their pooled vector as the one token."""
        return Features.from_pooled(self.pooled, self.present)

    @property
    def are_vectors(self) -> bool:
        """Whether the one token of each row is its vector, the same numbers in memory."""
        one, vector = self.tokens, self.pooled
        return (
            one.shape[1] == 1
            and one.data_ptr() == vector.data_ptr()
            and (one.stride(0), one.stride(2)) == vector.stride()
            and one.requires_grad == vector.requires_grad
        )

    def each(self, change: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Return vectors and tokens, both changed; once, where they are the same."""
        pooled = change(self.pooled)
        return pooled, pooled[:, None] if self.are_vectors else change(self.tokens)

    def take(self, rows: Tensor) -> Features:
        """Return the given rows, (k) long, in their order."""
        rows = rows.to(self.mask.device)
        pooled, tokens = self.each(lambda values: values.index_select(0, rows))
        return replace(
            self,
            pooled=pooled,
            tokens=tokens,
            mask=self.mask.index_select(0, rows),
            source=self.source.index_select(0, rows),
            time=None if self.time is None else self.time[rows],
            place=None if self.place is None else self.place[rows],
            maps=None if self.maps is None else self.maps.take(rows),
        )

    def spread(self, present: Tensor) -> Features:
        """Return (b) rows of which those where `present` (b) is True are these, in their order.

        The others are missing.
        """
        if bool(present.all()):
            return self
        rows = (present.cumsum(dim=0) - 1).clamp_min(0)
        return self.take(rows).keep(present)

    def keep(self, kept: Tensor) -> Features:
        """Return the same rows with those where `kept` (b) is False made missing."""
        scale = kept.to(self.pooled.dtype)[:, None]
        pooled, tokens = self.each(lambda v: v * (scale if v.ndim == 2 else scale[:, None]))
        return replace(
            self,
            pooled=pooled,
            tokens=tokens,
            mask=self.mask & kept[:, None],
            maps=None if self.maps is None else self.maps.keep(kept),
        )

    def to(self, place: torch.device | torch.dtype) -> Features:
        """Return the features on a device, or their real numbers in another precision."""
        pooled, tokens = self.each(lambda values: values.to(place))
        device = pooled.device
        return replace(
            self,
            pooled=pooled,
            tokens=tokens,
            mask=self.mask.to(device),
            source=self.source.to(device),
            # Times keep their precision: half a number has three digits.
            time=None if self.time is None else self.time.to(device),
            place=None if self.place is None else self.place.to(device),
            maps=None if self.maps is None else self.maps.to(place),
        )


def one_below_other(parts: Sequence[Features]) -> Features:
    """Return the rows of all parts in order, their tokens padded to the longest."""
    import torch
    from torch.nn.functional import pad

    most = max(part.tokens.shape[1] for part in parts)
    timed, placed = (any(v is not None for v in vs) for vs in
                     ([p.time for p in parts], [p.place for p in parts]))  # fmt: skip

    def longer(values: Tensor) -> Tensor:
        after = most - values.shape[1]
        return pad(values, (0, 0, 0, after) if values.ndim == 3 else (0, after))

    def times(part: Features) -> Tensor:
        return torch.zeros(part.mask.shape) if part.time is None else part.time

    def places(part: Features) -> Tensor:
        return torch.zeros(*part.mask.shape, 2) if part.place is None else part.place

    return Features(
        pooled=torch.cat([part.pooled for part in parts]),
        tokens=torch.cat([longer(part.tokens) for part in parts]),
        mask=torch.cat([longer(part.mask) for part in parts]),
        source=torch.cat([longer(part.source) for part in parts]),
        time=torch.cat([longer(times(part)) for part in parts]) if timed else None,
        place=torch.cat([longer(places(part)) for part in parts]) if placed else None,
    )


@dataclass(frozen=True)
class Raw(Sequence["Sample | None"]):
    """Samples that an encoder reads anew in every step, because it is trained.

    Attributes:
        samples: of the whole table.
        rows: (n), the rows of it that are meant.
        present: (n), True where the row has the source.
        contents: (n), the same number where rows are known to hold the same; None where all may
            differ.
    """

    samples: Sequence[Sample | None]
    rows: Tensor
    present: Tensor
    contents: Tensor | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices not needed
        return self.samples[int(self.rows[row])] if self.present[row] else None

    def take(self, rows: Tensor) -> Raw:
        """Return the given rows, (k) long, in their order."""
        contents = None if self.contents is None else self.contents[rows]
        return Raw(self.samples, self.rows[rows], self.present[rows], contents)

    def keep(self, kept: Tensor) -> Raw:
        """Return the same rows with those where `kept` (n) is False made missing."""
        return replace(self, present=self.present & kept)

    def once(self) -> tuple[Raw, Tensor]:
        """Return the rows without those that hold what another does, and (n) where each is."""
        import torch

        rows = torch.arange(len(self))
        if self.contents is None:
            return self, rows
        held = torch.where(self.present, self.contents, -1)
        different, places = held.unique(return_inverse=True)
        if len(different) == len(self):
            return self, rows
        first = torch.zeros_like(different).scatter_reduce(
            0, places, rows, "amin", include_self=False
        )
        return self.take(first), places


def mean_of(tokens: Tensor, mask: Tensor) -> Tensor:
    """Return (b d), the mean of the real tokens of (b t d); zero where there is none."""
    weight = mask[:, :, None].to(tokens.dtype)
    return (tokens * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1)
