"""What is compared of the groups of a space, and how well each finds the others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import torch

from plait.cache import Encoded
from plait.errors import TableError
from plait.evaluate.retrieve import Retrieval, retrieve
from plait.evaluate.sides import Side, Tokens, Vectors
from plait.fusion.towers import Towers
from plait.grouping import components
from plait.network import Network
from plait.tasks.align import Align
from plait.types import Features, one_below_other

ROWS_A_BATCH = 512


@torch.no_grad()
def of_groups(network: Network, rows: Encoded) -> np.ndarray:
    """Return (n m d) vectors of length 1 of every group; NaN where a row lacks it."""
    network.eval()
    inputs = rows.inputs(network.fusion.widths, network.by_name)
    parts = [
        network({name: part.take(batch) for name, part in inputs.items()})
        for batch in torch.arange(len(rows)).split(ROWS_A_BATCH)
    ]
    found = torch.cat(parts).float()
    missing = ~found.any(dim=2, keepdim=True)
    return found.masked_fill(missing, float("nan")).numpy()


def sides_of(network: Network, rows: Encoded) -> list[Side]:
    """Return what is compared of each group: its tokens where the space learned by FILIP."""
    towers = network.fusion
    assert isinstance(towers, Towers)
    if not towers.late:
        return pooled_sides_of(network, rows)
    return [Tokens(own) for own in tokens_of_groups(network, rows)]


def pooled_sides_of(network: Network, rows: Encoded) -> list[Side]:
    """Return one vector a row of each group."""
    vectors = of_groups(network, rows)
    return [Vectors(vectors[:, group]) for group in range(vectors.shape[1])]


@torch.no_grad()
def tokens_of_groups(network: Network, rows: Encoded) -> list[Features]:
    """Return the tokens of every group by itself, of all rows."""
    network.eval()
    inputs, task = rows.inputs(network.fusion.widths, network.by_name), network.task
    assert isinstance(task, Align)
    parts: list[list[Features]] = [[] for _ in range(task.groups)]
    for batch in torch.arange(len(rows)).split(ROWS_A_BATCH):
        taken = {name: part.take(batch) for name, part in inputs.items()}
        joined = network.fusion(network.encode(taken))
        for group, own in enumerate(parts):
            own.append(Features.of_tokens(*task.tokens_of(joined, group)))
    return [one_below_other(own) for own in parts]


def judge(
    names: Sequence[str], sides: Sequence[Side], keys: np.ndarray, seed: int
) -> tuple[Retrieval, ...]:
    """Let every group search every other.

    Args:
        names: of the m groups.
        sides: what is compared of each, n rows.
        keys: (n m).
        seed: of the resampling.

    Raises:
        TableError: when no row has two groups.
    """
    there = ~np.column_stack([own.missing for own in sides]) & ~np.isnan(keys)
    together = components(keys)
    found = [
        retrieve(
            (names[one], names[other]), (sides[one], sides[other]),
            (keys[:, one], keys[:, other]), together, seed,
        )
        for one, other in permutations(range(len(names)), 2)
        if (there[:, one] & there[:, other]).any()
    ]  # fmt: skip
    if not found:
        raise TableError(f"No row has two of the groups {list(names)}, so nothing can be matched.")
    return tuple(found)
