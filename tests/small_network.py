"""A network with two encoders of its own, small enough to be trained in a moment."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from plait.encoders.encoder import Encoder
from plait.fusion.feature import Concat
from plait.fusion.fusion import FusionConfig
from plait.network import Network
from plait.tasks.classify import Classify
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.types import Features, Modality, Raw

TARGET = Target.learn("y", Modality.CATEGORY, ["0", "1", "2"])


Made = TypeVar("Made", bound=nn.Module)


def stirred(module: Made, spread: float) -> Made:
    """Return a module that has learned, none of whose weights is constant any more."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(spread * torch.randn_like(weight))
    return module.eval()


class Numbers(Encoder):
    """A linear layer on samples that are vectors: small, and truly an encoder."""

    trained = True

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    @property
    def width(self) -> int:
        return 3

    def preprocess(self, value):
        return value

    def fit(self, samples, target, seed) -> None:
        pass

    def encode(self, samples) -> Features:
        return Features.of_vectors(self.layer(torch.stack(list(samples))))


def made() -> tuple[Network, dict[str, Raw], torch.Tensor]:
    """Return a network, 20 rows of which 5 lack source `b`, and their target."""
    torch.manual_seed(0)
    fusion = Concat({"a": 3, "b": 3}, FusionConfig())
    task = Classify(fusion.width, TARGET, HeadConfig())
    nn.init.normal_(task.head.weight)
    network = Network({"a": Numbers(), "b": Numbers()}, fusion, task)
    rows = torch.arange(20)
    present = torch.ones(20).bool()
    missing = present.clone()
    missing[:5] = False
    samples = {"a": list(torch.randn(20, 4)), "b": list(3 * torch.randn(20, 4))}
    raw = {"a": Raw(samples["a"], rows, present), "b": Raw(samples["b"], rows, missing)}
    target = torch.nn.functional.one_hot(torch.randint(0, 3, (20,)), 3).float()
    return network, raw, target
