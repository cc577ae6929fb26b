"""Whether pictures are of what was asked for, as an aligned space sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plait.data.image import Picture
from plait.data.loader import Source
from plait.data.table import Table
from plait.errors import ConfigError
from plait.metrics.uncertainty import Interval, interval
from plait.progress import Progress
from plait.spaces.space import Space

DRAWS = 1000
"""Of the bootstrap."""


@dataclass(frozen=True)
class Agreement:
    """How far pictures agree with what was asked for.

    Attributes:
        value: the mean cosine of a picture with its own row.
        shuffled: and with the other rows, as if prompts had been dealt out at random.
        gain: the difference, with its 95 % interval over rows.
        first: share of the pictures that agree with their own row more than with 9 of 10 others.
    """

    value: float
    shuffled: float
    gain: Interval
    first: float


def agreement(
    space: Space, target: str, table: Table, pictures: Sequence[Picture], seed: int = 0
) -> Agreement:
    """Return how far pictures agree with the rows that they were drawn of.

    As CLIPScore (Hessel et al., EMNLP 2021, section 3), with plait's own space in place of CLIP,
    no factor, and beside it what chance gives: a picture that suits every prompt gains nothing.

    Args:
        space: with one group that has the column of pictures, and another.
        target: the column of pictures.
        table: (n) rows.
        pictures: (n) that were drawn of them.
        seed: of the bootstrap.

    Raises:
        ConfigError: when the space has no such groups, or there is but one row.
    """
    seen = [name for name, own in space.groups.items() if _reads(own, target)]
    if len(seen) != 1 or len(space.groups) < 2:
        raise ConfigError(
            f"The space compares {list(space.groups)}, and to judge pictures it must compare "
            f"{target!r} with something: fit it with plait align --left {target}."
        )
    if len(pictures) < 2:
        raise ConfigError("Agreement needs two pictures at least: one is the other's control.")
    asked = next(name for name in space.groups if name != seen[0])
    quiet = Progress(show=False)
    left = space.vectors(Table.of({target: list(pictures)}), seen[0], quiet)
    right = space.vectors(table, asked, quiet)
    there = ~np.isnan(left).any(axis=1) & ~np.isnan(right).any(axis=1)
    cosines = left[there] @ right[there].T
    count = len(cosines)
    own = np.diag(cosines)
    others = (cosines.sum(axis=1) - own) / (count - 1)
    better = ((cosines < own[:, None]).sum(axis=1) / (count - 1)) >= 0.9
    random = np.random.default_rng(seed)
    gained = own - others
    draws = np.array([gained[random.integers(0, count, count)].mean() for _ in range(DRAWS)])
    gain = interval(float(gained.mean()), draws)
    return Agreement(float(own.mean()), float(others.mean()), gain, float(better.mean()))


def _reads(sources: Sequence[Source], column: str) -> bool:
    return any(own.name == column for source in sources for own in source.columns)
