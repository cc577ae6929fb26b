"""Segment: the class of every pixel, by all that a row has."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits

from plait.losses import boundary_loss, dice_loss, pixel_cross_entropy
from plait.tasks.mask_decoder import MaskDecoder
from plait.tasks.segment_config import SegmentConfig
from plait.tasks.task import Objective
from plait.types import Features

VOID = 255
"""In a target: a pixel that is not judged."""


class Segment(Objective):
    """A class for every pixel; with phrases, whether anything is meant, too.

        L = CE + a Dice + b Boundary + p BCE(meant), the first three means over a row's pixels
        P(class > 0) = P(meant) P(class > 0 | meant)

    Pixels that are void do not count. Whether anything is meant is a question of its own, as in
    GRES (Liu et al., CVPR 2023, section 4.1): pixels one by one rarely agree that nothing is.

    Args:
        decoder: that makes the masks.
        config: settings.
    """

    def __init__(self, decoder: MaskDecoder, config: SegmentConfig) -> None:
        super().__init__()
        self.decoder, self.config = decoder, config

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted mean loss, a scalar.

        Args:
            features: of b rows, with maps.
            target: (b side side) uint8 numbers of classes; `VOID` where a pixel is not judged.
            weight: (b) weights of the rows.
        """
        config, (scores, meant) = self.config, self.decoder(features)
        scores = scores.float()
        losses = pixel_cross_entropy(scores, target, VOID)
        shares = scores.softmax(dim=1)
        if config.dice:
            losses = losses + config.dice * dice_loss(shares, target, VOID)
        if config.boundary:
            # At half the resolution, which is what the finest map has: a quarter of the time.
            half, known = avg_pool2d(shares, 2), target[:, ::2, ::2]
            losses = losses + config.boundary * boundary_loss(half, known, VOID)
        if meant is not None:
            known = target != VOID
            there = ((target > 0) & known).flatten(1).any(dim=1).float()
            unsure = binary_cross_entropy_with_logits(meant.float(), there, reduction="none")
            losses = losses + config.presence * unsure * known.flatten(1).any(dim=1)
        return (losses * weight).sum() / weight.sum().clamp_min(1e-12)

    def predict(self, features: Features) -> Tensor:
        """Return (b c side side) probabilities."""
        scores, meant = self.decoder(features)
        shares: Tensor = scores.float().softmax(dim=1)
        if meant is None:
            return shares
        something = shares[:, 1:] * meant.float().sigmoid()[:, None, None, None]
        return torch.cat([1 - something.sum(dim=1, keepdim=True), something], dim=1)
