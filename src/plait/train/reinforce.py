"""Learning from rewards: what was written is judged as a whole, and not a token at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from plait.decoding.config import DecodingConfig
from plait.decoding.one_by_one import one_by_one
from plait.tasks.task import Objective
from plait.tasks.write import ReinforceConfig, Write, padded
from plait.types import Features

Reward = Callable[[Sequence[Sequence[int]], Tensor], Tensor]
"""From n texts as tokens, and the (n) numbers of the rows that they are of, to (n) rewards."""


class Reinforced(Objective):
    """Makes texts more likely that are rewarded above a baseline.

        L = -mean over samples of A_s (1/T) sum_t log p(y_t) + k (1/T) sum_t KL_t

    `self_critical`: one sample a row, A = r(sample) - r(greedy) (Rennie et al., CVPR 2017, equation
    8). `group`: G samples a row, A = (r - mean of the group) / its deviation (Shao et al., GRPO,
    2024, section 4.1). KL_t = p0/p - log(p0/p) - 1 towards the decoder as it was (their equation
    4), which keeps the language.

    What the decoder reads stays as it is; it alone learns.

    Args:
        task: what writes.
        reward: of texts.
        config: how.
    """

    def __init__(self, task: Write, reward: Reward, config: ReinforceConfig) -> None:
        super().__init__()
        self.task, self.reward, self.config = task, reward, config
        # In a list, so that it neither learns nor is stored.
        self.before = [copy.deepcopy(task.decoder).eval().requires_grad_(False)]

    def train(self, mode: bool = True) -> Reinforced:
        """Leave dropout out: what is made more likely is what was drawn."""
        super().train(False)
        return self

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss, a scalar; its gradient is that of the expected reward.

        Args:
            features: of b rows.
            target: (b 1), the numbers of the rows.
            weight: (b).
        """
        rows, group = target[:, 0].long(), self.config.group
        each = features.take(torch.arange(len(features)).repeat_interleave(group))
        owners = rows.repeat_interleave(group)
        with torch.no_grad():
            texts = self._written(each, "sample")
            rewards = self.reward(texts, owners).to(weight.device)
            advantages = self._advantages(features, rows, rewards)
        tokens = padded(texts).to(owners.device)
        now = -self.task.token_losses(each, tokens)
        there = tokens >= 0
        losses = -(advantages[:, None] * now * there).sum(dim=1)
        if self.config.kl:
            losses = losses + self.config.kl * self._drift(each, tokens, now, there)
        by_row = losses.view(-1, group).mean(dim=1) / self.task.length
        return (by_row * weight).sum() / weight.sum().clamp_min(1e-12)

    def _advantages(self, features: Features, rows: Tensor, rewards: Tensor) -> Tensor:
        """Return (b*G)."""
        if self.config.way == "self_critical":
            greedy = self.reward(self._written(features, "greedy"), rows).to(rewards.device)
            return rewards - greedy.repeat_interleave(self.config.group)
        grouped = rewards.view(-1, self.config.group)
        apart = grouped - grouped.mean(dim=1, keepdim=True)
        # A group that agrees teaches nothing.
        return (apart / grouped.std(dim=1, keepdim=True).clamp_min(1e-4)).flatten()

    def _drift(self, features: Features, tokens: Tensor, now: Tensor, there: Tensor) -> Tensor:
        """Return (b), the sum over tokens of the KL divergence from what was written before."""
        (before,) = self.before
        before.to(tokens.device)
        with torch.no_grad():
            known = Write(before).token_losses(features, tokens)
        ratio = -known - now
        return ((ratio.exp() - ratio - 1) * there).sum(dim=1)

    def _written(self, features: Features, way: Literal["sample", "greedy"]) -> list[list[int]]:
        """Return texts with their ends."""
        config = DecodingConfig(
            way, top_p=1.0, temperature=self.config.temperature, longest=self.task.longest
        )
        decoder = self.task.decoder
        return [text.with_end(decoder.end) for text in one_by_one(decoder, features, config)]

    def predict(self, features: Features) -> Tensor:
        """Return (b t) tokens, as the task does."""
        return self.task.predict(features)
