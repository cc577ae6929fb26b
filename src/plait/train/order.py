"""The order of an epoch's rows: by chance, or by class; rows of one picture side by side."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.data.referred import Referred
from plait.train.balance import balancing_weights
from plait.train.step import Lesson
from plait.types import Raw


def order_of(
    lesson: Lesson, rows: Tensor, balanced: bool, together: int, generator: torch.Generator
) -> Tensor:
    """Return the rows of an epoch: each once, or drawn so that all classes are equally frequent.

    Args:
        lesson: of n rows.
        rows: (k) that are learned from.
        balanced: draw rows with classes equally frequent.
        together: rows that hold the same of what is costly to encode and come one after the other,
            at most, so that a batch encodes it once; 1 leaves the order to chance.
        generator: what is drawn from.
    """
    if balanced:
        frequency = balancing_weights(lesson.target[rows])
        drawn = torch.multinomial(frequency, len(rows), replacement=True, generator=generator)
    else:
        drawn = torch.randperm(len(rows), generator=generator)
    contents = costly_contents(lesson) if together > 1 else None
    order = rows[drawn]
    return order if contents is None else order[side_by_side(contents[order], together)]


def costly_contents(lesson: Lesson) -> Tensor | None:
    """Return (n) numbers of the pictures, sounds or videos that encoders of the network read.

    Of several such columns it is the one that repeats most; None where there is none.
    """
    found = [
        part.contents
        for part in lesson.rows.values()
        if isinstance(part, Raw) and isinstance(part.samples, Referred)
        and part.contents is not None
    ]  # fmt: skip
    return max(found, key=_saved, default=None)


def _saved(contents: Tensor) -> int:
    """Return how many of (n) contents need not be encoded, as another is the same."""
    there = contents[contents >= 0]
    return len(there) - len(there.unique())


def side_by_side(contents: Tensor, most: int) -> Tensor:
    """Return (n) places in an order that brings equal contents together.

    Those of one content come in the place of the first of them; where they are more than `most`,
    in runs as even as can be.

    Args:
        contents: (n) numbers, below 0 where there is nothing.
        most: rows of a run.
    """
    places = torch.arange(len(contents))
    numbers = torch.where(contents < 0, -1 - places, contents).unique(return_inverse=True)[1]
    counts = numbers.bincount()
    by_number = numbers.argsort(stable=True)
    before = torch.empty_like(places)  # how many of the same content come before each
    before[by_number] = places - (counts.cumsum(0) - counts)[numbers[by_number]]
    runs = counts.div(most).ceil().long()
    run = before * runs[numbers] // counts[numbers]
    key = numbers * int(runs.max()) + run
    first = torch.full((int(key.max()) + 1,), len(contents)).scatter_reduce(0, key, places, "amin")
    return first[key].argsort(stable=True)
