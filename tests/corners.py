"""Two pictures that the Features choose between, and a flow that has learned to draw them."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.drawing.config import DrawingConfig
from plait.drawing.flow import Flow, Shape
from plait.tasks.draw import Draw
from plait.types import Features

SHAPE = Shape(1, 4, 4)


def corners() -> Tensor:
    """Return (2 1 4 4) pictures, a quarter light in one corner each."""
    pictures = -torch.ones(2, *SHAPE)
    pictures[0, :, :2, :2], pictures[1, :, 2:, 2:] = 1.0, 1.0
    return pictures


def learned(flow: Flow, rate: float, steps: int) -> Draw:
    """Return the task of a flow of Features (b 2), one number a picture, when it has learned."""
    task = Draw(flow, unconditioned=0.2, drawing=DrawingConfig(steps=20, guidance=1.5))
    pictures, said = corners(), torch.eye(2)
    optimiser = torch.optim.AdamW(flow.parameters(), lr=rate)
    for _ in range(steps):
        which = torch.randint(0, 2, (64,))
        loss = task.train().loss(Features.of_vectors(said[which]), pictures[which], torch.ones(64))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return task.eval()


def drawn_as_asked(task: Draw) -> Tensor:
    """Assert that each picture is drawn where it is asked for, and not otherwise; return both."""
    pictures, drawn = corners(), task.predict(Features.of_vectors(torch.eye(2)))
    assert float((drawn - pictures).abs().mean()) < 0.2
    assert float((drawn - pictures.flip(0)).abs().mean()) > 0.8
    return drawn
