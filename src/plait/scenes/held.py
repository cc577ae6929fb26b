"""Combinations that training never sees, though it sees both parts of each; and who is trained."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from plait.errors import ConfigError

Combination = tuple[str, str]
"""A name with a colour, or with a direction."""

TEST = 0.2
"""Share of the pictures or clips that are for testing; half of these are about new combinations."""

EAGER = 8.0
"""How much more readily a held-out value is drawn than each other where new ones are wanted."""


def held_out(
    names: Sequence[str], values: Iterable[Iterable[str]], seed: int
) -> frozenset[Combination]:
    """Return for every name one value of each kind that it never has in training.

    As in CoGenT (Johnson et al., CLEVR, CVPR 2017, section 4.7); here every value is held out about
    equally often, so that none is rarer than others in training.

    Args:
        names: of all things.
        values: by kind: all colours, all directions.
        seed: what is drawn from.
    """
    random = np.random.default_rng(seed)
    return frozenset(
        (names[one], kind[place % len(kind)])
        for kind in map(list, values)
        for place, one in enumerate(random.permutation(len(names)))
    )


def drawn_value(
    name: str,
    values: Sequence[str],
    held: Collection[Combination],
    new: bool,
    random: np.random.Generator,
) -> str:
    """Return a value that a name may have.

    Args:
        name: of the thing.
        values: all colours, or all directions.
        held: combinations that are drawn where new ones are wanted, and never elsewhere.
        new: whether they are wanted.
        random: what is drawn from.
    """
    weights = np.array(
        [(EAGER if new else 0.0) if (name, value) in held else 1.0 for value in values]
    )
    return values[random.choice(len(values), p=weights / weights.sum())]


def part_of(number: int, count: int) -> tuple[str, str]:
    """Return the split of a picture or clip by its number, and the combinations it is about.

    Raises:
        ConfigError: when there are too few to split.
    """
    test = round(count * TEST)
    if test < 2:
        raise ConfigError(f"{count} pictures or clips are too few for train and test; ask for 10.")
    if number < count - test:
        return "train", "seen"
    return "test", "seen" if number < count - test // 2 else "new"
