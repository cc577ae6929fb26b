"""Several targets at once: one network, a head for each, and how much each of them weighs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from plait.tasks.classify import Classify, Multilabel
from plait.tasks.regress import Regress
from plait.tasks.target import Kind, Target
from plait.tasks.task import HeadConfig, Task

SINGLE: Mapping[Kind, type[Task]] = {
    "classify": Classify,
    "multilabel": Multilabel,
    "regress": Regress,
}
"""The task of each kind of single target."""


class Several(Task):
    """The sum of the losses of several targets, each weighed by what it cannot know.

        L = sum over the known targets t of exp(-s_t) L_t + s_t / 2

    with s_t = log sigma_t^2 learned beside the heads, so that a noisy target, or one in units that
    make its loss large, does not drown the others (Kendall, Gal and Cipolla, CVPR 2018, section 3;
    the factor of 1/2 before a squared error is left in its loss). With `weighting="equal"` s stays
    at 0. A row teaches the targets that are known of it.
    """

    def __init__(self, width: int, target: Target, config: HeadConfig, members: int = 1) -> None:
        super().__init__(width, target, config, members)
        learned = config.weighting == "uncertainty"
        self.log_variances = nn.Parameter(torch.zeros(len(target.parts)), requires_grad=learned)

    def _build(self, width: int) -> nn.Module:
        return _Heads(SINGLE[p.kind](width, p, self.config) for p in self.target.parts)

    def row_losses(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return (b)."""
        return self._sum(scores, target, lambda task, own, truth: task.row_losses(own, truth))

    def soft_losses(self, scores: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """Return (b)."""
        return self._sum(
            scores, teacher, lambda task, own, soft: task.soft_losses(own, soft, temperature)
        )

    def _sum(
        self, scores: Tensor, target: Tensor, loss: Callable[[Task, Tensor, Tensor], Tensor]
    ) -> Tensor:
        losses = []
        for place, (task, columns) in enumerate(self._tasks()):
            truth = target[:, columns]
            there = ~truth.isnan().any(dim=1)
            own = loss(task, scores[:, columns], torch.where(there[:, None], truth, 0.0))
            weighed = (-self.log_variances[place]).exp() * own + self.log_variances[place] / 2
            losses.append(torch.where(there, weighed, 0.0))
        return torch.stack(losses).sum(dim=0)

    def to_scores(self, scores: Tensor) -> Tensor:
        """Return (b c), the scores of each target side by side."""
        parts = [t.to_scores(scores[:, columns]).double() for t, columns in self._tasks()]
        return torch.cat(parts, dim=1)

    def _tasks(self) -> Iterator[tuple[Task, slice]]:
        """Yield each task with its columns of the scores."""
        heads = cast(_Heads, self.head)
        for task, (_, columns) in zip(heads.tasks(), self.target.each, strict=True):
            yield task, columns


class _Heads(nn.ModuleList):
    """Tasks, whose heads' scores stand side by side."""

    def forward(self, values: Tensor) -> Tensor:
        return torch.cat([task.head(values) for task in self.tasks()], dim=1)

    def tasks(self) -> Iterator[Task]:
        return cast(Iterator[Task], iter(self))
