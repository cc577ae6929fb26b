"""Augmentation of Features: what a network is shown in training is less, or mixed.

What belongs to one modality alone (flips, noise, cut-outs) is done by its encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from plait.types import Features


def drop_sources(
    rows: dict[str, Features], share: float, generator: torch.Generator
) -> dict[str, Features]:
    """Hide sources at random, keeping at least one that is present in each row.

    Modality dropout (Neverova et al., ModDrop, TPAMI 2016, section 3.3).
    """
    if share == 0 or len(rows) == 1:
        return rows
    present = torch.stack([features.present for features in rows.values()], dim=1)
    drawn = torch.rand(present.shape, generator=generator).to(present.device)
    kept = (drawn >= share) & present
    kept = torch.where(kept.any(dim=1, keepdim=True), kept, present)
    return {
        name: features.keep(kept[:, position])
        for position, (name, features) in enumerate(rows.items())
    }


def drop_tokens(
    rows: dict[str, Features], share: float, generator: torch.Generator
) -> dict[str, Features]:
    """Hide tokens at random, keeping at least one of each source that a row has.

    The pooled vector stays: it is the encoder's, and may be no mean of tokens.
    """
    if share == 0:
        return rows
    return {name: _drop_tokens(features, share, generator) for name, features in rows.items()}


def _drop_tokens(features: Features, share: float, generator: torch.Generator) -> Features:
    drawn = torch.rand(features.mask.shape, generator=generator).to(features.mask.device)
    kept = (drawn >= share) & features.mask
    kept = torch.where(kept.any(dim=1, keepdim=True), kept, features.mask)
    return replace(features, mask=kept, tokens=features.tokens * kept[:, :, None])


def mix(
    rows: Mapping[str, Features], alpha: float, generator: torch.Generator
) -> tuple[dict[str, Features], Tensor, float]:
    """Blend each row with another: x = s x_i + (1 - s) x_j, s ~ Beta(alpha, alpha).

    All modalities of a row are blended with the same row and by the same share, so one blended
    target stays true for all of them (Zhang et al., mixup, ICLR 2018; on what encoders give, as in
    Verma et al., Manifold Mixup, ICML 2019). What only one of the two rows has is taken whole.

    Returns:
        The blended rows; (b) the numbers of the other rows; the share s.
    """
    count = len(next(iter(rows.values())))
    seed = int(torch.randint(2**31, (), generator=generator))  # torch's Beta takes no generator
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    other = torch.randperm(count, generator=generator)
    mixed = {
        name: _mix(part, part.take(other.to(part.mask.device)), share)
        for name, part in rows.items()
    }
    return mixed, other, share


def _mix(one: Features, two: Features, share: float) -> Features:
    def blend(a: Tensor, b: Tensor, has_a: Tensor, has_b: Tensor) -> Tensor:
        part = torch.where(has_a & has_b, share, has_a.to(a.dtype))[..., None]
        return part * a + (1 - part) * b

    def either(a: Tensor | None, b: Tensor | None) -> Tensor | None:
        if a is None or b is None:
            return None
        real = one.mask if a.ndim == 2 else one.mask[:, :, None]
        return torch.where(real, a, b)

    return replace(
        one,
        pooled=blend(one.pooled, two.pooled, one.present, two.present),
        tokens=blend(one.tokens, two.tokens, one.mask, two.mask),
        mask=one.mask | two.mask,
        time=either(one.time, two.time),
        place=either(one.place, two.place),
        maps=None,
    )
