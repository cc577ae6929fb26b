"""Choices that follow a rule: after an item of one kind a user takes one of the next kind."""

from __future__ import annotations

from typing import Any

import numpy as np

KINDS = ("red wine", "blue cheese", "brown bread", "green apple", "black tea")
EACH, NEW_EACH = 20, 5
"""Items a kind, and how many of these come late."""

STEPS, LATE = 15, 12
"""Choices of a user, and from which on new items are there: about where the last fifth begins."""


def made_choices(users: int = 60, seed: int = 0) -> dict[str, dict[str, list[Any]]]:
    """Return tables of choices, users and items.

    The kind of an item is in its words alone, and the next kind follows from the last one: what a
    user chose before tells nothing without its order. New items are chosen in the last steps.
    """
    random = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(len(KINDS)), EACH)
    new = np.tile(np.arange(EACH) >= EACH - NEW_EACH, len(KINDS))
    rows: list[tuple[str, str, float]] = []
    for user in range(users):
        kind, taken = int(random.integers(len(KINDS))), np.zeros(len(kinds), dtype=bool)
        for step in range(STEPS):
            there = (kinds == kind) & ~taken & (~new if step < LATE else True)
            item = int(random.choice(np.flatnonzero(there)))
            taken[item] = True
            rows.append((f"u{user}", f"i{item}", 1000 * step + user))
            kind = (kind + 1) % len(KINDS)
    random.shuffle(rows)
    who, what, when = zip(*rows, strict=True)
    return {
        "choices": {"user": list(who), "item": list(what), "time": list(when)},
        "users": {"user": [f"u{n}" for n in range(users)],
                  "age": random.integers(18, 80, users).tolist()},
        "items": {"item": [f"i{n}" for n in range(len(kinds))],
                  "words": [f"a {KINDS[k]} called {random.integers(10**6)}" for k in kinds]},
    }  # fmt: skip


def kind_of(item: str) -> int:
    """Return the kind of an item by its key."""
    return int(item[1:]) // EACH
