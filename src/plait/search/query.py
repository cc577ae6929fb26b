"""What is sought: words, pictures, sounds, rows, with weights, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from plait.data.loader import decode
from plait.data.table import Table
from plait.errors import CellError, ConfigError
from plait.spaces.space import Space
from plait.types import Modality

Reader = tuple[str, list[str]]
"""A group that can be asked with a modality, and its columns of it."""

Kind = Literal["text", "image", "audio", "cells", "like"]

UNKNOWN = "ꙮ"
"""A letter of one manuscript of 1429, which no space has learned anything of."""

SAME = 1 - 1e-5
"""Cosine of vectors that are equal but for rounding."""

NAMES = {"text": "words", "image": "a picture", "audio": "a sound"}


@dataclass(frozen=True)
class Term:
    """A part of a query.

    Attributes:
        kind: what `value` is; `like` is the number of a row of the index.
        value: words, a picture or a sound as a cell has it, cells by column, or a number.
        weight: of its vector in the sum; below 0, what is not wanted.
    """

    kind: Kind
    value: Any
    weight: float = 1.0


@dataclass(frozen=True)
class Query:
    """What is sought: a weighted sum of terms.

    Query.image("q.jpg") + Query.text("red") - 0.5 * Query.text("leather")
    """

    terms: tuple[Term, ...] = ()

    @classmethod
    def text(cls, words: str) -> Query:
        """Return a query by words, for every column of words of a group; see `cells` for one."""
        return cls((Term("text", words),))

    @classmethod
    def image(cls, picture: Any) -> Query:
        """Return a query by a picture: a path, bytes, an array, or a PIL image."""
        return cls((Term("image", picture),))

    @classmethod
    def sound(cls, sound: Any) -> Query:
        """Return a query by a sound: a path, bytes, or an array with its rate."""
        return cls((Term("audio", sound),))

    @classmethod
    def cells(cls, cells: dict[str, Any]) -> Query:
        """Return a query by the cells of a new row, by column, of one group of the space."""
        return cls((Term("cells", cells),))

    @classmethod
    def like(cls, row: int) -> Query:
        """Return a query by a row of the index; the row itself is not found."""
        return cls((Term("like", row),))

    def __add__(self, other: Query) -> Query:
        return Query(self.terms + other.terms)

    def __sub__(self, other: Query) -> Query:
        return self + -1.0 * other

    def __rmul__(self, weight: float) -> Query:
        return Query(tuple(replace(term, weight=weight * term.weight) for term in self.terms))

    @property
    def words(self) -> str:
        """The words that are wanted, for full text."""
        return " ".join(t.value for t in self.terms if t.kind == "text" and t.weight > 0)

    @property
    def rows(self) -> list[int]:
        """The rows of the index that are named, which are not to be found."""
        return [term.value for term in self.terms if term.kind == "like"]

    def require(self) -> Query:
        """Return the query, which must ask for something.

        Raises:
            ConfigError: when it does not.
        """
        empty = any(t.kind == "text" and not str(t.value).strip() for t in self.terms)
        if empty or not any(term.weight > 0 for term in self.terms):
            raise ConfigError(
                "The query is empty. Give words, a picture, a sound, or a row to find others like; "
                "what is not wanted can only be taken from something that is."
            )
        return self


def joined(vectors: list[np.ndarray], weights: list[float]) -> np.ndarray | None:
    """Return the weighted sum (d) of vectors, of length 1; None where nothing is left of it.

    q = sum of w_i v_i, then q / |q|, with negative weights for what is not wanted (Rocchio, 1971).
    Vectors of NaN could not be made, and are passed over.
    """
    pairs = [(w, v) for w, v in zip(weights, vectors, strict=True) if not np.isnan(v).any()]
    total = sum((w * v.astype(np.float64) for w, v in pairs), np.float64(0.0))
    length = float(np.linalg.norm(total))
    if not any(w > 0 for w, _ in pairs) or length < 1e-9:
        return None
    return np.asarray(total / length, np.float32)


def vector_of(space: Space, term: Term) -> np.ndarray:
    """Return the vector (d) of a term that is no row of the index; NaN where there is none.

    Words of which the space knows none get the vector of unknown words, which would find the same
    rows for all of them: they have none.

    Raises:
        ConfigError: for a modality that no group of the space reads, cells of no group, or a
            picture or sound that cannot be read.
    """
    if term.kind == "text":
        *_, vector, likeness = _best_known(space, _readers_of(space, "text"), term.value)
        return np.full_like(vector, np.nan) if likeness > SAME else vector
    table, group = table_of(space, term)
    if term.kind in ("image", "audio"):
        _require_readable(table, term)
    return np.asarray(space.vectors(table, group)[0])


def _best_known(
    space: Space, readers: Sequence[Reader], words: str
) -> tuple[str, list[str], np.ndarray, float]:
    """Return who of several knows words best, perhaps as they are of its language.

    Returns:
        The group, its columns, its vector, and the cosine of that with the vector of unknown words.
    """
    found = []
    for group, columns in readers:
        both = Table.of({column: [words, UNKNOWN] for column in columns})
        vector, nothing = space.vectors(both, group)
        found.append((group, columns, np.asarray(vector), float(np.dot(vector, nothing))))
    return min(found, key=lambda own: own[3])


def _require_readable(table: Table, term: Term) -> None:
    """Refuse a file that cannot be read; in a table it would be a row less, here it is all."""
    try:
        decode(term.value, Modality(term.kind), table)
    except CellError as error:
        what = NAMES[term.kind].removeprefix("a ")
        raise ConfigError(
            f"The query's {what} {str(term.value)[:200]!r} cannot be read: {error}."
        ) from error


def table_of(space: Space, term: Term) -> tuple[Table, str]:
    """Return a term as a table of one row, and the group that reads it; raises as `vector_of`."""
    if term.kind == "cells":
        group, cells = _group_of(space, term.value), term.value
    else:
        readers = _readers_of(space, term.kind)
        group, columns = readers[0]
        if term.kind == "text" and len(readers) > 1:
            group, columns, *_ = _best_known(space, readers, term.value)
        cells = dict.fromkeys(columns, term.value)
    # The files of a query are the user's own, wherever they are.
    return Table.of({name: [cell] for name, cell in cells.items()}, allow_outside=True), group


def _readers_of(space: Space, kind: str) -> list[Reader]:
    """Return the groups that read a modality with the fewest other columns, the smallest first.

    With each its columns of it, all of them: words may be those of a title or of a plot, and one
    that is left empty counts as unknown.
    """
    found = [
        (len(own) - len(columns), len(own), group, columns)
        for group, own in space.groups.items()
        if (columns := [source.columns[0].stored for source in own if source.kind == kind])
    ]
    if not found:
        kinds = {group: sorted({s.kind for s in own}) for group, own in space.groups.items()}
        raise ConfigError(
            f"The space cannot be asked with {NAMES[kind]}: none of its groups reads {kind}. "
            f"They read {kinds}."
        )
    fewest = min(others for others, *_ in found)
    return [(group, own) for others, _, group, own in sorted(found) if others == fewest]


def _group_of(space: Space, cells: dict[str, Any]) -> str:
    for group, own in space.groups.items():
        if any(column.stored in cells for source in own for column in source.columns):
            return group
    raise ConfigError(
        f"No group of the space reads any of {list(cells)}; they are {list(space.groups)}."
    )
