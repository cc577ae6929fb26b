"""The most probable text, looked for with a few of them at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from plait.decoding.config import DecodingConfig
from plait.decoding.decoder import Decoder
from plait.decoding.written import Written
from plait.types import Features

if TYPE_CHECKING:
    from plait.constraints import Constraint

NEVER = -torch.inf


@torch.no_grad()
def beams(
    decoder: Decoder,
    features: Features,
    config: DecodingConfig,
    constraint: Constraint | None = None,
) -> list[list[Written]]:
    """Return the most probable texts of b rows, `beams` of each, the best first.

        score = log p(text) / length^length_penalty

    As `transformers` ranks and stops: a row is done when the best text under way, as long as it is
    now, cannot beat the worst of those that ended (Graves, 2012; Wu et al., 2016, section 7).

    Args:
        decoder: gives the scores.
        features: of b rows.
        config: beams, length penalty and longest.
        constraint: on what may be written.
    """
    rows = [_Row(config) for _ in range(len(features))]
    state, scores = decoder.start(features)
    alive = [_Alive(row, constraint) for row in rows]
    for length in range(1, config.longest + 1):
        likely = scores.float().log_softmax(dim=1).split([len(own.beams) for own in alive])
        for own, scored in zip(alive, likely, strict=True):
            own.extend(scored, decoder.end, length)
        going, first = [], 0  # the rows of the state that go on, as often as they do
        for own in alive:
            parents = [] if own.row.is_done else [first + beam.parent for beam in own.beams]
            going += parents
            first += own.width
        alive = [own for own in alive if own.beams and not own.row.is_done]
        if not alive or length == config.longest:
            break
        state.select(torch.tensor(going, device=scores.device))
        last = [beam.text.tokens[-1] for own in alive for beam in own.beams]
        scores = decoder.step(state, torch.tensor(last, device=scores.device))
    for own in alive:
        for beam in own.beams:
            own.row.add(beam.total, config.longest, beam.text)
    return [[text for _, text in row.found] for row in rows]


@dataclass
class _Row:
    """The best texts of one row that have ended, with what they are ranked by."""

    config: DecodingConfig
    found: list[tuple[float, Written]] = field(default_factory=list)
    is_done: bool = False

    def add(self, total: float, length: int, text: Written) -> None:
        """Keep a text if it is among the best."""
        self.found.append((total / length**self.config.length_penalty, text))
        self.found.sort(key=lambda pair: -pair[0])
        del self.found[self.config.beams :]

    def settle(self, best: float, length: int) -> None:
        """Be done when no text that is under way can still be among the best."""
        reach = best / length**self.config.length_penalty
        self.is_done = len(self.found) == self.config.beams and self.found[-1][0] >= reach


@dataclass(frozen=True)
class _Beam:
    """A text under way: its log probability, the place of the one it came from, and its state."""

    text: Written
    total: float
    parent: int
    allowed: Any


class _Alive:
    """The texts under way of one row that is not done."""

    def __init__(self, row: _Row, constraint: Constraint | None) -> None:
        self.row, self.constraint = row, constraint
        start = None if constraint is None else constraint.start()
        self.beams = [_Beam(Written((), (), False), 0.0, 0, start)]
        self.width = 1

    def extend(self, likely: Tensor, end: int, length: int) -> None:
        """Go on with the best texts that are one token longer; keep those that end.

        Args:
            likely: (w v) log probabilities of the next token of each text.
            end: the token that ends a text.
            length: of the texts, with this token.
        """
        before, self.width, most = self.beams, len(self.beams), self.row.config.beams
        if self.constraint is not None:
            allowed = torch.stack([self.constraint.allowed(beam.allowed) for beam in before])
            likely = likely.masked_fill(~allowed.to(likely.device), NEVER)
        totals = likely + likely.new_tensor([beam.total for beam in before])[:, None]
        best, places = totals.flatten().topk(min(2 * most, totals.numel()))
        self.beams = []
        for rank, (total, place) in enumerate(zip(best.tolist(), places.tolist(), strict=True)):
            parent, token = divmod(place, totals.shape[1])
            if total == NEVER or len(self.beams) == most:
                break
            log_probability = float(likely[parent, token])
            if token != end:
                self.beams.append(self._longer(before, parent, token, total, log_probability))
            elif rank < most:  # as good as a text that goes on
                text = before[parent].text
                sure = (*text.log_probabilities, log_probability)
                self.row.add(total, length, Written(text.tokens, sure, True))
        if self.beams:
            self.row.settle(self.beams[0].total, length)

    def _longer(
        self, before: list[_Beam], parent: int, token: int, total: float, log_probability: float
    ) -> _Beam:
        old = before[parent]
        text = Written(
            (*old.text.tokens, token), (*old.text.log_probabilities, log_probability), False
        )
        allowed = None
        if self.constraint is not None:
            allowed = self.constraint.advance(old.allowed, token)
        return _Beam(text, total, parent, allowed)
