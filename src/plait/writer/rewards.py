"""A model that writes learns from what its texts are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from plait.cache import Encoded
from plait.decoding.decoder import NOTHING
from plait.ensemble.config import FitConfig
from plait.errors import ConfigError, unknown
from plait.making.material import Material
from plait.metrics.cider import Cider
from plait.metrics.language import distinct, lengths
from plait.metrics.text import TEXT_METRICS
from plait.network import Network
from plait.subwords import Vocabulary
from plait.train.record import Record
from plait.writer.references import references_of
from plait.writer.writer import Writer

Judge = Callable[[Sequence[str], Sequence[Sequence[str]]], np.ndarray]
"""From n texts and their references to (n) rewards."""


@dataclass(frozen=True)
class Stage:
    """What held-out texts were like after an epoch; the first is before any.

    Attributes:
        reward: mean of the rows.
        distinct: share of pairs of words that are different: falls when all texts become one.
        length: mean words.
    """

    reward: float
    distinct: float
    length: float


@dataclass(frozen=True)
class Rewards:
    """What texts of rows are worth.

    Attributes:
        vocabulary: that they are written in.
        references: of each row.
        judge: of texts.
    """

    vocabulary: Vocabulary
    references: Sequence[Sequence[str]]
    judge: Judge

    def __call__(self, texts: Sequence[Sequence[int]], rows: Tensor) -> Tensor:
        """Return (n) rewards of n texts as tokens, for (n) numbers of rows."""
        said = [self.vocabulary.decode(own) for own in texts]
        known = [self.references[int(row)] for row in rows]
        return torch.from_numpy(self.judge(said, known)).float()

    def stage(self, tokens: Tensor, rows: Tensor) -> Stage:
        """Return what (n t) texts are like, `NOTHING` after each."""
        texts = [[t for t in own if t != NOTHING] for own in tokens.tolist()]
        said = [self.vocabulary.decode(own) for own in texts]
        reward = float(self(texts, rows).mean())
        return Stage(reward, distinct(said, 2), float(lengths(said).mean()))


def require_reward(name: str) -> None:
    """Refuse a reward that is no metric of texts.

    Raises:
        ConfigError: naming those that are.
    """
    if name and name not in TEXT_METRICS:
        raise ConfigError(unknown("Reward", name, TEXT_METRICS))


def judge_of(name: str, references: Sequence[Sequence[str]]) -> Judge:
    """Return the reward of a name; CIDEr with the document frequencies of these references."""
    return Cider(references) if name == "cider" else TEXT_METRICS[name].rows


def rewarded(
    model: Writer,
    encoded: Encoded,
    material: Material,
    rows: np.ndarray,
    unseen: np.ndarray,
    config: FitConfig,
    record: Record,
) -> tuple[Stage, ...]:
    """Let the decoder of a model learn from rewards, in place; return how held-out texts changed.

    It stays as it was where no epoch earned more on the rows that are held out on the way.

    Args:
        model: that has learned from texts.
        encoded: the rows, as its network reads them.
        material: of all rows.
        rows: (k) that are learned from; those with the same inputs are one.
        unseen: those of them that the texts were not learned from. They alone say whether rewards
            rise: what was learned by heart is worth more than anything that comes after it.
        config: all settings.
        record: of the training.
    """
    from plait.train.loop import train, validate
    from plait.train.optimise import put_weights, weights_of
    from plait.train.reinforce import Reinforced
    from plait.train.step import Lesson

    network, own = model.network, config.write.reinforce
    first, references = references_of(material.keys, rows, material.values)
    place = {int(row): number for number, row in enumerate(rows)}
    taken = encoded.take(np.array([place[int(row)] for row in first]))
    rewards = Rewards(model.vocabulary, references, judge_of(own.reward, references))
    stages: list[Stage] = []

    def cost(tokens: Tensor, target: Tensor) -> float:
        stages.append(rewards.stage(tokens, target[:, 0]))
        return -stages[-1].reward

    learns = {weight: weight.requires_grad for weight in network.parameters()}
    task = model.task
    for part in (network.encoders, network.fusion):
        part.requires_grad_(False)
    whole = Network(network.by_name, network.fusion, Reinforced(task, rewards, own))
    lesson = Lesson(
        taken.inputs(network.fusion.widths, network.by_name),
        torch.arange(len(first))[:, None].float(),
        torch.ones(len(first)),
        material.groups[first],
        held=torch.from_numpy(np.isin(material.keys[first], material.keys[unseen])),
    )
    settings, before = replace(config.rewarded, precision="float32"), weights_of(task)
    validate(whole, lesson, settings, config.seed, cost)
    train(whole, lesson, settings, config.seed, cost, record)
    earned = max((stage.reward for stage in stages[1:]), default=-np.inf)
    if stages and earned <= stages[0].reward:
        put_weights(task, before)
    for weight, learned in learns.items():
        weight.requires_grad_(learned)
    return tuple(stages)
