"""Where the maps of a space begin to learn: at canonical correlations, which need no steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from plait.fusion.canonical import Covariances, directions
from plait.fusion.towers import Towers
from plait.network import Network
from plait.tasks.align import COLDEST, HOTTEST, Align

if TYPE_CHECKING:
    from plait.train.step import Lesson

STRENGTHS = (1.0, 0.1, 0.3, 3.0, 10.0)
"""Of the ridge, that are tried; the first is taken where no rows are held out."""

POWERS = (1.0, 0.5, 2.0)
"""Of the correlations, by which directions are weighed, likewise."""

ROWS_A_BATCH = 512
"""Rows that are told apart from one another when a start is judged, as in training."""

STEPS = 30
"""Of L-BFGS, on one or two numbers."""


@dataclass(frozen=True)
class Start:
    """The canonical start that was chosen.

    Attributes:
        strength: of the ridge.
        power: of the correlations.
        temperature: that cosines are divided by.
        cost: the loss of the rows held out; NaN where there are none.
    """

    strength: float
    power: float
    temperature: float
    cost: float


def begin_canonical(network: Network, lesson: Lesson, learning: Tensor, held_out: Tensor) -> Start:
    """Let the linear maps of a network of towers begin as canonical correlations.

    They are computed on the rows that are learned from; strength, power and, for each of them, the
    temperature are those of the lowest loss on the rows held out. A group of several columns counts
    by what its fusion makes of those that a row has; a row without the group is passed over. See
    `plait.fusion.canonical.directions`.

    Args:
        network: towers with linear maps, on Features; changed in place.
        lesson: all rows.
        learning: (k) numbers of the rows that are learned from.
        held_out: (j) numbers of those that are not, as `plait.train.loop.split` draws them.
    """
    towers, task = network.fusion.eval(), network.task
    assert isinstance(towers, Towers)
    assert isinstance(task, Align)
    read = [towers.before_last(network.encode(lesson.take(rows).rows))
            for rows in learning.split(ROWS_A_BATCH)]  # fmt: skip
    values = [torch.cat(own) for own in zip(*(values for values, _ in read), strict=True)]
    found = Covariances.of(values, torch.cat([present for _, present in read]))
    layers = towers.last_layers
    lengths = [float(layer.weight.detach().norm()) for layer in layers]
    before = {name: own.clone() for name, own in task.state_dict().items()}
    best: tuple[Start, list[Tensor], dict[str, Tensor]] | None = None
    for strength in STRENGTHS:
        made = directions(found, towers.width, strength)
        for power in POWERS:
            maps = made.weighted(power)
            _put(layers, maps, lengths)
            task.load_state_dict(before)
            cost = _set_temperature(network, lesson, held_out)
            if best is None or cost < best[0].cost:
                start = Start(strength, power, 1 / task.scale().item(), cost)
                best = start, maps, {n: own.clone() for n, own in task.state_dict().items()}
    assert best is not None
    _put(layers, best[1], lengths)
    task.load_state_dict(best[2])
    return best[0]


@torch.no_grad()
def _put(layers: list[nn.Linear], maps: list[Tensor], lengths: list[float]) -> None:
    """Give layers their maps, as long as what they began with: cosines do not depend on it.

    The steps of training do, for their size does not follow that of the weights.
    """
    for layer, weight, length in zip(layers, maps, lengths, strict=True):
        layer.weight.copy_(weight * (length / weight.norm().clamp_min(1e-12)))


def _set_temperature(network: Network, lesson: Lesson, rows: Tensor) -> float:
    """Give the loss the scale, and bias, of the lowest cost on some rows, and return this."""
    task = network.task
    assert isinstance(task, Align)
    if not len(rows):
        return float("nan")
    parts = []
    for batch in rows.split(ROWS_A_BATCH):
        part = lesson.take(batch)
        with torch.no_grad():
            joined = network.fusion(network.encode(part.rows))
        parts.append((joined, part.target, part.weight))
    numbers = [weight for weight in task.parameters() if weight.requires_grad]
    optimiser = torch.optim.LBFGS(numbers, max_iter=STEPS, line_search_fn="strong_wolfe")

    def cost() -> Tensor:
        optimiser.zero_grad()
        costs = [task.loss(*part) * len(part[1]) for part in parts]
        total = torch.stack(costs).sum() / len(rows)
        total.backward()
        return total

    optimiser.step(cost)
    with torch.no_grad():
        task.log_scale.clamp_(math.log(COLDEST), math.log(HOTTEST))
    reached = cost().item()
    optimiser.zero_grad()
    return reached if math.isfinite(reached) else math.inf
