"""Streams of different rates are matched by when, pictures by where: without either, by chance.

One stream marks a moment; the other says something else at every moment, each thing equally often.
Which thing it said at the marked moment can only be known by matching the two.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from plait.catalog import FUSIONS
from plait.fusion.fusion import FusionConfig
from plait.types import Features

Rows = tuple[dict[str, Features], Tensor]


def streams(rows: int, seed: int) -> Rows:
    """Two seconds: a mark among 40 tokens at 20 Hz, and 20 symbols at 10 Hz."""
    generator = torch.Generator().manual_seed(seed)
    mark_times, symbol_times = torch.arange(40) / 20, torch.arange(20) / 10
    marked = torch.randint(40, (rows,), generator=generator)
    # The symbol begins with its tenth of a second, and is said to be in the middle of it.
    return told(
        marked,
        marked // 2,
        generator,
        {"time": mark_times.expand(rows, -1)},
        {"time": (symbol_times + 0.05).expand(rows, -1)},
    )


def scenes(rows: int, seed: int) -> Rows:
    """A mark among 8 x 8 patches of one picture, and 4 x 4 symbols of another of the same scene."""
    generator = torch.Generator().manual_seed(seed)
    marked = torch.randint(64, (rows,), generator=generator)
    at = marked // 8 // 2 * 4 + marked % 8 // 2
    return told(
        marked,
        at,
        generator,
        {"place": centres(8).expand(rows, -1, -1)},
        {"place": centres(4).expand(rows, -1, -1)},
    )


def centres(side: int) -> Tensor:
    """Return (side * side 2) heights and widths of a grid's centres."""
    steps = (torch.arange(side) + 0.5) / side
    return torch.cartesian_prod(steps, steps)


def told(
    marked: Tensor,
    at: Tensor,
    generator: torch.Generator,
    of_marks: dict[str, Tensor],
    of_symbols: dict[str, Tensor],
) -> Rows:
    """Return both sources and the symbol at the mark; half of the symbols are of each kind."""
    rows = torch.arange(len(marked))
    length, symbols = (next(iter(of.values())).shape[1] for of in (of_marks, of_symbols))
    order = torch.rand(len(rows), symbols, generator=generator).argsort(dim=1)
    said = order % 2
    marks = torch.zeros(len(rows), length, 2)
    marks[:, :, 1] = 1
    marks[rows, marked] = torch.tensor([1.0, 0.0])
    everywhere = torch.ones(len(rows), max(length, symbols), dtype=torch.bool)
    said_as = torch.nn.functional.one_hot(said, 2).float()
    parts = {
        "mark": replace(Features.of_tokens(marks, everywhere[:, :length]), **of_marks),
        "symbol": replace(Features.of_tokens(said_as, everywhere[:, :symbols]), **of_symbols),
    }
    return parts, said[rows, at]


def take(parts: dict[str, Features], rows: Tensor, aware: bool) -> dict[str, Features]:
    taken = {name: part.take(rows) for name, part in parts.items()}
    if aware:
        return taken
    return {name: replace(part, time=None, place=None) for name, part in taken.items()}


def accuracy(name: str, made, aware: bool, steps: int) -> float:
    """Train a fusion on 2,000 rows, and return its accuracy on 500 others."""
    torch.manual_seed(0)
    (parts, goal), (unseen, truth) = made(2000, 0), made(500, 1)
    config = FusionConfig(32, heads=2, layers=1, dropout=0.0)
    fusion = FUSIONS[name]({"mark": 2, "symbol": 2}, config)
    head = torch.nn.Linear(fusion.width, 2)
    weights = [*fusion.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(2000, (64,))
        scores = head(fusion(take(parts, rows, aware)).pooled)
        loss = torch.nn.functional.cross_entropy(scores, goal[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    fusion.eval()
    with torch.no_grad():
        scores = head(fusion(take(unseen, torch.arange(500), aware)).pooled)
    return float((scores.argmax(dim=1) == truth).float().mean())


@pytest.mark.parametrize("made", [streams, scenes])
@pytest.mark.parametrize(("name", "steps"), [("cross_attention", 200), ("self_attention", 500)])
def test_only_matching_moments_or_places_tells(name, steps, made) -> None:
    assert accuracy(name, made, aware=True, steps=steps) > 0.9
    assert accuracy(name, made, aware=False, steps=steps // 2) < 0.57
