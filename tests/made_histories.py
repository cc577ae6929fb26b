"""Choices that follow from the last two and their order: neither alone, nor both without order."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.data.read import read
from plait.data.table import Table

KINDS = ("red wine", "blue cheese", "brown bread", "green apple", "black tea")
EACH = 6
"""Items a kind."""


def next_kind(last: int, before: int) -> int:
    """Return the kind that follows: another one when the two are exchanged."""
    return (last + 1) % len(KINDS) if last > before else (before + 3) % len(KINDS)


def kind_of(item: str) -> int:
    """Return the kind of an item by its key."""
    return int(item[1:]) // EACH


def made_rows(users: int = 90, steps: int = 14, seed: int = 0) -> dict[str, list[Any]]:
    """Return who chose what, when. A fifth of the choices are anything, so nothing repeats."""
    random = np.random.default_rng(seed)
    rows: list[tuple[str, str, int]] = []
    for user in range(users):
        kinds = random.integers(len(KINDS), size=2).tolist()
        while len(kinds) < steps:
            free = random.random() < 0.2
            kinds.append(int(random.integers(len(KINDS))) if free else next_kind(*kinds[:-3:-1]))
        for step, kind in enumerate(kinds):
            rows.append((f"u{user}", f"i{kind * EACH + random.integers(EACH)}", 100 * step + user))
    random.shuffle(rows)
    who, what, when = zip(*rows, strict=True)
    return {"user": list(who), "item": list(what), "time": list(when)}


def items() -> dict[str, list[Any]]:
    """Return the items, whose kind is in their words alone."""
    random = np.random.default_rng(1)
    keys = [f"i{n}" for n in range(EACH * len(KINDS))]
    words = [f"a {KINDS[kind_of(key)]} called {random.integers(10**6)}" for key in keys]
    return {"item": keys, "words": words}


def table(rows: dict[str, list[Any]] | None = None) -> Table:
    """Return the choices with the items that they refer to."""
    return read(made_rows() if rows is None else rows, join={"item": items()})
