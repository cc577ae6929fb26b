"""Balance: between classes, by what is drawn; between modalities, by what moves."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from plait.network import Network
from plait.tasks.task import Task
from plait.train.config import TrainConfig
from plait.types import Features


def balancing_weights(target: Tensor) -> Tensor:
    """Return (n) weights with which every class of (n c) rows weighs the same; their mean is one.

    A row of several labels counts for the rarest of them, a row without any as a class of its own.
    """
    none = (target.sum(dim=1, keepdim=True) == 0).to(target.dtype)
    classes = torch.cat([target, none], dim=1)
    rarity = (classes / classes.sum(dim=0).clamp_min(1)).amax(dim=1)
    return rarity * len(target) / rarity.sum()


def modulate(
    network: Network,
    scores: Mapping[str, float],
    config: TrainConfig,
    generator: torch.Generator,
) -> dict[str, float]:
    """Scale the gradients of each source's encoder by k = 1 - tanh(alpha rho) where rho > 1.

    On-the-fly gradient modulation with generalisation enhancement, OGM-GE (Peng et al., CVPR 2022,
    equations 7 to 10): the quick modality does not silence the slow one.

    Args:
        network: with gradients of its encoders.
        scores: how well each source does alone, as `alone` says.
        config: of which `modulation` is alpha, and `noise` adds to each of these gradients noise of
            its own standard deviation.
        generator: of the noise.

    Returns:
        k by source, 1 for those that are not ahead.
    """
    factors = modulation(scores, config.modulation)
    for name, encoder in zip(network.names, network.encoders, strict=True):
        for parameter in encoder.parameters() if factors[name] < 1 else ():
            if parameter.grad is None:
                continue
            parameter.grad.mul_(factors[name])
            if config.noise and parameter.grad.numel() > 1:
                drawn = torch.randn(parameter.shape, generator=generator)
                parameter.grad.add_(drawn.to(parameter.grad) * parameter.grad.std())
    return factors


def modulation(scores: Mapping[str, float], alpha: float) -> dict[str, float]:
    """Return k by source; rho is its score over the mean of the others'."""
    factors = {}
    for name, score in scores.items():
        others = [other for key, other in scores.items() if key != name]
        ratio = score * len(others) / max(sum(others), 1e-12)
        factors[name] = 1 - math.tanh(alpha * ratio) if ratio > 1 else 1.0
    return factors


@torch.no_grad()
def alone(network: Network, rows: Mapping[str, Features], target: Tensor) -> dict[str, float]:
    """Return by source the sum over its rows of exp(-loss) of the prediction from it alone.

    For cross-entropy that is the probability of the true class, as in the paper; "alone" is the
    same network with the other sources missing, so it holds for any fusion.
    """
    task, scores = network.task, {}
    assert isinstance(task, Task)
    for name, part in rows.items():
        only = {k: p if k == name else p.keep(torch.zeros_like(p.present)) for k, p in rows.items()}
        likely = task.likelihoods(network.fusion(only), target)
        scores[name] = float(likely[part.present].sum())
    return scores
