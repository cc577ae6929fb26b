"""Rewards: the gradient is that of the expected reward, and what is rewarded is written more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from plait.decoding.decoder import Decoder, State
from plait.tasks.transformer_decoder import TransformerDecoder
from plait.tasks.write import ReinforceConfig, Write
from plait.train.reinforce import Reinforced
from plait.types import Features


class Bandit(Decoder):
    """Texts of one token, with learned scores: what they are worth can be computed."""

    def __init__(self, scores: Sequence[float]) -> None:
        super().__init__()
        self.scores, self.end = nn.Parameter(torch.tensor(scores)), 99

    @property
    def size(self) -> int:
        return len(self.scores)

    def forward(self, features: Features, tokens: Tensor) -> Tensor:
        return self.scores.expand(len(tokens), tokens.shape[1], -1)

    def start(self, features: Features) -> tuple[State, Tensor]:
        return Nothing(), self.scores.expand(len(features), -1)

    def step(self, state: State, tokens: Tensor) -> Tensor:
        raise NotImplementedError


class Nothing(State):
    def select(self, rows: Tensor) -> None:
        """There is nothing to select from."""


WORTH = torch.tensor([1.0, 0.0, 3.0])


def worth(texts: Sequence[Sequence[int]], rows: Tensor) -> Tensor:
    return torch.stack([WORTH[text[0]] for text in texts])


def test_the_gradient_is_that_of_the_expected_reward() -> None:
    decoder = Bandit([0.3, -0.2, 0.1])
    config = ReinforceConfig("worth", "self_critical", group=500, kl=0.0)
    task = Reinforced(Write(decoder, longest=1), worth, config)
    torch.manual_seed(0)
    loss = task.loss(Features.of_vectors(torch.zeros(80, 2)), torch.zeros(80, 1), torch.ones(80))
    (found,) = torch.autograd.grad(loss, decoder.scores)
    expected_reward = (decoder.scores.softmax(dim=0) * WORTH).sum()
    (exact,) = torch.autograd.grad(-expected_reward, decoder.scores)
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0.02)


def test_a_group_is_judged_by_its_own_mean_and_spread() -> None:
    decoder = Bandit([0.3, -0.2, 0.1])
    task = Reinforced(
        Write(decoder, longest=1), worth, ReinforceConfig("worth", "group", group=4, kl=0.0)
    )
    rewards = torch.tensor([1.0, 2.0, 3.0, 6.0, 5.0, 5.0, 5.0, 5.0])
    found = task._advantages(
        Features.of_vectors(torch.zeros(2, 1)), torch.tensor([0, 1]), rewards
    ).view(2, 4)
    own = rewards[:4]
    torch.testing.assert_close(found[0], (own - own.mean()) / own.std())
    assert (found[1] == 0).all(), "a group that agrees teaches nothing"


def test_the_distance_from_before_is_zero_at_first_and_grows() -> None:
    decoder = Bandit([0.3, -0.2, 0.1])
    task = Reinforced(Write(decoder, longest=1), worth, ReinforceConfig("worth", kl=1.0))
    own, tokens = Features.of_vectors(torch.zeros(3, 1)), torch.tensor([[0], [1], [2]])
    there = tokens >= 0

    def drift() -> Tensor:
        return task._drift(own, tokens, -task.task.token_losses(own, tokens), there)

    assert drift().tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    with torch.no_grad():
        decoder.scores += torch.tensor([1.0, 0.0, -1.0])
    before = torch.tensor([0.3, -0.2, 0.1]).log_softmax(dim=0)
    ratio = before - decoder.scores.detach().log_softmax(dim=0)
    torch.testing.assert_close(drift().detach(), ratio.exp() - ratio - 1)
    assert (drift() > 0).all()


@pytest.mark.parametrize("way", ["self_critical", "group"])
def test_what_is_rewarded_is_written_more(way: str) -> None:
    torch.manual_seed(0)
    decoder = TransformerDecoder(4, 7, 1, 0, 16, 1, 2, 0.1)
    task = Write(decoder, length=4.0, longest=4)

    def fives(texts: Sequence[Sequence[int]], rows: Tensor) -> Tensor:
        """The number of the row is the token that is wanted there."""
        wanted = [5 if row % 2 else 6 for row in rows.tolist()]
        return torch.tensor([float(t.count(w)) for t, w in zip(texts, wanted, strict=True)])

    config = ReinforceConfig("fives", way, group=8, kl=0.0)  # type: ignore[arg-type]
    learner = Reinforced(task, fives, config).train()
    own = Features.of_vectors(torch.eye(4))
    rows = torch.arange(4)[:, None].float()
    optimiser = torch.optim.Adam(decoder.parameters(), lr=3e-3)
    before = fives([t.tolist() for t in learner.predict(own)], rows[:, 0]).mean()
    for _ in range(150):
        optimiser.zero_grad()
        learner.loss(own, rows, torch.ones(4)).backward()
        optimiser.step()
    after = fives([t.tolist() for t in learner.predict(own)], rows[:, 0]).mean()
    assert before < 2
    assert after > 3.5
