"""The training loop: it knows Features and a loss, and no task by name."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plait.network import Network
from plait.train.config import TrainConfig
from plait.types import Features, Raw

Rows = Mapping[str, Features | Raw]

ROWS_A_BATCH = 512
"""Rows that are judged at a time."""


@dataclass(frozen=True)
class History:
    """The losses of each epoch, and the epoch whose weights were kept."""

    training: tuple[float, ...]
    validation: tuple[float, ...]
    best: int


def train(
    network: Network,
    rows: Rows,
    target: Tensor,
    weight: Tensor,
    config: TrainConfig,
    generator: torch.Generator,
) -> History:
    """Train a network in place: the fusion, the task, and the encoders that are its own.

    The weights of the epoch with the lowest validation loss are kept; with too few rows for a
    validation part (under 20), those of the last epoch.

    Args:
        network: with the encoders that are trained.
        rows: of n training rows, by source: Features, or samples for an encoder of the network.
        target: (n c).
        weight: (n), weights of the rows.
        config: settings.
        generator: of all that is random.
    """
    learning, held_out = _split(len(target), config.validation_share, generator)
    steps = -(-len(learning) // config.batch_size)
    epochs = max(config.epochs, -(-config.least_steps // steps))
    patience = config.patience * epochs // config.epochs
    optimizer, schedule = _optimizer(network, config, epochs * steps)
    training, validation = [], []
    best = copy.deepcopy(network.state_dict())
    best_epoch, lowest = 0, math.inf
    for epoch in range(epochs):
        network.train()
        total = 0.0
        order = learning[torch.randperm(len(learning), generator=generator)]
        for batch in order.split(config.batch_size):
            features = network.encode(_take(rows, batch))
            features = _drop(features, config.modality_dropout, generator)
            loss = network.loss(features, target[batch], weight[batch])
            optimizer.zero_grad()
            loss.backward()
            if config.clip:
                nn.utils.clip_grad_norm_(network.parameters(), config.clip)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        training.append(total / len(learning))
        validation.append(_loss(network, rows, target, weight, held_out))
        if not len(held_out) or validation[epoch] < lowest:
            best, best_epoch = copy.deepcopy(network.state_dict()), epoch
            lowest = validation[epoch]
        if epoch - best_epoch >= patience:
            break
    network.load_state_dict(best)
    network.eval()
    return History(tuple(training), tuple(validation), best_epoch)


def _split(rows: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    order = torch.randperm(rows, generator=generator)
    held_out = round(rows * share) if rows >= 20 else 0
    return order[held_out:], order[:held_out]


def _optimizer(
    network: Network, config: TrainConfig, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    weights = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        weights, lr=config.learning_rate, weight_decay=config.weight_decay
    )
    warm_up = max(steps // 10, 1)

    def share(step: int) -> float:
        """Return the share of the highest rate: rising in a line, then falling as a cosine."""
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(steps - warm_up, 1)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def _take(rows: Rows, batch: Tensor) -> dict[str, Features | Raw]:
    return {name: part.take(batch) for name, part in rows.items()}


def _drop(
    rows: dict[str, Features], share: float, generator: torch.Generator
) -> dict[str, Features]:
    """Hide sources at random, keeping at least one that is present in each row."""
    if share == 0 or len(rows) == 1:
        return rows
    present = torch.stack([features.present for features in rows.values()], dim=1)
    kept = (torch.rand(present.shape, generator=generator) >= share) & present
    kept = torch.where(kept.any(dim=1, keepdim=True), kept, present)
    return {
        name: features.keep(kept[:, position])
        for position, (name, features) in enumerate(rows.items())
    }


@torch.no_grad()
def _loss(network: Network, rows: Rows, target: Tensor, weight: Tensor, held_out: Tensor) -> float:
    if not len(held_out):
        return float("nan")
    network.eval()
    total = 0.0
    for batch in held_out.split(ROWS_A_BATCH):
        features = network.encode(_take(rows, batch))
        total += float(network.loss(features, target[batch], weight[batch])) * len(batch)
    return total / len(held_out)
