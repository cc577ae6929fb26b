"""Fewer tokens: what a fusion may attend to, of the hundreds that a pretrained network makes."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from plait.types import Features


def fewer(features: Features, most: int) -> Features:
    """Return one row's tokens, averaged over spans or over cells of its grid.

    Args:
        features: of one row, without padding.
        most: tokens that are left, at most.
    """
    count = features.tokens.shape[1]
    if count <= most:
        return features
    side = int(most**0.5)
    if features.place is not None and features.time is None:
        rows = len(features.place[0, :, 0].unique())
        if rows > 1 and count % rows == 0:
            return _cells(features, rows, count // rows, side)
    return _spans(features, most)


def fewer_spans(spans: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Return the characters of the tokens that `fewer` leaves of a text's.

    Args:
        spans: of each token, first and one past the last; empty ones stand for no character.
        most: tokens that are left, at most.
    """
    count = len(spans)
    if count <= most:
        return spans
    joined = []
    for part in range(most):
        own = [span for token, span in enumerate(spans)
               if token * most // count == part and span[1] > span[0]]  # fmt: skip
        joined.append((min(a for a, _ in own), max(b for _, b in own)) if own else (0, 0))
    return joined


def _cells(features: Features, height: int, width: int, side: int) -> Features:
    """Return the means over a grid of at most side by side cells."""
    new = (min(side, height), min(side, width))

    def pooled(values: Tensor) -> Tensor:
        grid = values.transpose(1, 2).unflatten(2, (height, width))
        return adaptive_avg_pool2d(grid, new).flatten(2).transpose(1, 2)

    assert features.place is not None
    return _with(features, pooled(features.tokens), None, pooled(features.place))


def _spans(features: Features, most: int) -> Features:
    """Return the means over spans of neighbouring tokens, as equal in length as can be."""
    count = features.tokens.shape[1]
    span = torch.arange(count) * most // count
    share = torch.zeros(most, count)
    share[span, torch.arange(count)] = 1
    share = share / share.sum(dim=1, keepdim=True)
    time = None if features.time is None else features.time @ share.T
    place = None if features.place is None else share @ features.place
    return _with(features, share @ features.tokens, time, place)


def _with(
    features: Features, tokens: Tensor, time: Tensor | None, place: Tensor | None
) -> Features:
    mask = tokens.new_ones(tokens.shape[:2]).bool()
    return replace(
        features, tokens=tokens, mask=mask, source=mask.long() * 0, time=time, place=place
    )
