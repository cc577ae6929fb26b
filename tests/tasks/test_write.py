"""The loss of texts: by hand, in parts, with smoothing; and what is written."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from plait.decoding.decoder import NOTHING, Decoder, State
from plait.errors import ConfigError
from plait.tasks.transformer_decoder import TransformerDecoder
from plait.tasks.write import ReinforceConfig, Write, WriteConfig, padded
from plait.types import Features


class Fixed(Decoder):
    """The same scores whatever it reads."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores, self.end = scores, 0

    @property
    def size(self) -> int:
        return self.scores.shape[-1]

    def forward(self, features: Features, tokens: Tensor) -> Tensor:
        return self.scores[: len(tokens), : tokens.shape[1]]

    def start(self, features: Features) -> tuple[State, Tensor]:
        raise NotImplementedError

    def step(self, state: State, tokens: Tensor) -> Tensor:
        raise NotImplementedError


def features(rows: int, tokens: int = 3, width: int = 6) -> Features:
    torch.manual_seed(0)
    mask = torch.ones(rows, tokens).bool()
    mask[-1, 1:] = False
    return Features.of_tokens(torch.randn(rows, tokens, width), mask)


def decoder() -> TransformerDecoder:
    torch.manual_seed(1)
    return TransformerDecoder(6, 9, begin=1, end=0, width=16, layers=2, heads=2, dropout=0.0)


def test_the_loss_is_that_of_hand_computation() -> None:
    probabilities = torch.tensor([
        [[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]],
        [[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]],
    ])  # fmt: skip
    task = Write(Fixed(probabilities.log()), smoothing=0.0, length=2.0)
    target = torch.tensor([[2, 1], [0, NOTHING]])
    found = task.loss(features(2), target, torch.tensor([1.0, 3.0]))
    by_hand = -(torch.tensor(0.7 * 0.25).log() + 3 * torch.tensor(0.6).log()) / (2.0 * 4.0)
    assert float(found) == pytest.approx(float(by_hand))


def test_smoothing_is_for_training_alone() -> None:
    probabilities = torch.tensor([[[0.1, 0.2, 0.7]]])
    task = Write(Fixed(probabilities.log()), smoothing=0.3, length=1.0)
    target, weight = torch.tensor([[2]]), torch.ones(1)
    smoothed = -(0.7 * probabilities[0, 0, 2].log() + 0.3 * probabilities.log().mean())
    assert float(task.train().loss(features(1), target, weight)) == pytest.approx(float(smoothed))
    plain = -probabilities[0, 0, 2].log()
    assert float(task.eval().loss(features(1), target, weight)) == pytest.approx(float(plain))


def test_the_loss_of_a_batch_is_that_of_its_parts() -> None:
    task = Write(decoder(), smoothing=0.1, length=2.5).train()
    own, weight = features(4), torch.tensor([1.0, 2.0, 0.5, 1.0])
    target = torch.tensor([[2, 3, 0], [4, 0, NOTHING], [0, NOTHING, NOTHING], [5, 6, 7]])
    whole = task.loss(own, target, weight)
    parts = sum(
        task.loss(own.take(rows), target[rows], weight[rows]) * weight[rows].sum() / weight.sum()
        for rows in (torch.tensor([0, 1]), torch.tensor([2, 3]))
    )
    torch.testing.assert_close(whole, parts)


def test_predict_is_as_wide_as_the_longest_text() -> None:
    task = Write(decoder(), longest=5).eval()
    found = task.predict(features(3))
    assert found.shape == (3, 5)
    for row in found.tolist():
        ended = row.index(0) if 0 in row else 4
        assert all(token == NOTHING for token in row[ended + 1 :])


def test_padded() -> None:
    assert padded([[1, 2], [3]]).tolist() == [[1, 2], [3, NOTHING]]
    assert padded([[1]], 3).tolist() == [[1, NOTHING, NOTHING]]


def test_settings_that_contradict_themselves() -> None:
    with pytest.raises(ConfigError, match="group must be 2 or more"):
        ReinforceConfig(way="group", group=1)
    with pytest.raises(ConfigError, match=r"there is none: name one in language_model"):
        WriteConfig(as_is=True)
