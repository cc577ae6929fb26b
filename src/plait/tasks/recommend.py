"""Recommend: a user comes near what he chose, among what others chose."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.contrastive import cosines, info_nce, log_expected
from plait.tasks.align import Align, AlignTaskConfig
from plait.types import Features


class Recommend(Align):
    """-log exp(s_ii) / (exp(s_ii) + sum_j exp(s_ij) / (b_i q_j)), the mean over rows i.

    The negatives j are the items of the b_i rows of other users in the batch, which are drawn as
    often as they are chosen: q, which is counted, since all learning rows are there; see
    `plait.contrastive.log_expected`. s is the cosine over a learned temperature.

    The target (b 2) holds the numbers of users and of items. Other rows of the same user or the
    same item are no negatives.

    Args:
        config: settings; the loss must be `infonce`.
        share: (n), q of each item.
    """

    log_share: Tensor

    def __init__(self, config: AlignTaskConfig, share: Tensor) -> None:
        super().__init__(2, config)
        # What was never chosen is never in a batch, but in one that is only judged.
        self.register_buffer("log_share", share.clamp_min(1e-9).log().float())

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted mean loss of rows that have both sides; see `Objective`."""
        there = torch.nonzero(self._present(features, 0) & self._present(features, 1))[:, 0]
        if len(there) < 2:
            return features.tokens.sum() * 0
        features, target, weight = features.take(there), target[there], weight[there]
        found = self.scale() * cosines(*(self._pooled(features, side) for side in (0, 1)))
        same = target[:, None] == target[None]
        expected = log_expected(self.log_share[target[:, 1].long()], ~same[:, :, 0])
        losses = info_nce(found - expected, same.any(dim=2))
        return (losses * weight).sum() / weight.sum().clamp_min(1e-12)
