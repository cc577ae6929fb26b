"""Cells of a picture: where they are, what lies on their sides, what they read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.tasks.cells import Reading, Sides, waves
from plait.tasks.segment_config import SegmentConfig


def test_waves_by_hand() -> None:
    found = waves(torch.tensor([[0.25, 0.5]]))[0]
    angles = [np.pi * place * 2**octave for place in (0.25, 0.5) for octave in range(4)]
    assert found.numpy() == pytest.approx(
        np.concatenate([np.sin(angles), np.cos(angles)]), abs=1e-6
    )


def test_sides_by_hand() -> None:
    """Each cell gets the weighted maxima of what lies strictly on each of its sides."""
    torch.manual_seed(0)
    made = Sides(8)
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    values = torch.randn(2, 8, 3, 4)
    with torch.no_grad():
        found, seen = made(values), made.seen(made.norm(values)).relu()
        for y in range(3):
            for x in range(4):
                parts = (seen[:, :, :, :x], seen[:, :, :, x + 1 :], seen[:, :, :y],
                         seen[:, :, y + 1 :])  # fmt: skip
                most = [part.amax(dim=(2, 3)) if part.numel() else torch.zeros(2, 8)
                        for part in parts]  # fmt: skip
                told = sum(layer(own) for layer, own in zip(made.told, most, strict=True))
                assert torch.allclose(found[:, :, y, x], values[:, :, y, x] + told, atol=1e-5)


def test_rows_without_words_are_read_too() -> None:
    torch.manual_seed(0)
    config = SegmentConfig(width=16, heads=2, layers=2, dropout=0.0)
    made = Reading(16, 0, config).eval()
    values, vector = torch.randn(2, 16, 4, 4), torch.zeros(2, 0)
    none = made(values, torch.zeros(2, 0, 16), torch.zeros(2, 0).bool(), vector)
    hidden = made(values, torch.randn(2, 3, 16), torch.zeros(2, 3).bool(), vector)
    assert none.isfinite().all()
    assert torch.allclose(none, hidden, atol=1e-6)


def test_cells_know_where_they_are() -> None:
    made = Reading(16, 0, SegmentConfig(width=16, heads=2, layers=1, dropout=0.0)).eval()
    words = torch.zeros(1, 0, 16), torch.zeros(1, 0).bool(), torch.zeros(1, 0)
    found = made(torch.zeros(1, 16, 4, 4), *words)[0].flatten(1).T
    assert (torch.cdist(found, found) + torch.eye(16) > 1e-3).all()
