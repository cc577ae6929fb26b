"""A token after the other: the most probable one, or one that is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from plait.decoding.config import DecodingConfig
from plait.decoding.decoder import Decoder, State
from plait.decoding.written import Written
from plait.types import Features, one_below_other

if TYPE_CHECKING:
    from plait.constraints import Constraint


@dataclass(frozen=True)
class Step:
    """One token for each text that is under way.

    Attributes:
        rows: (k) numbers of these texts.
        tokens: (k), the end among them.
        log_probabilities: (k).
        last: (k), True where the text has its last token.
    """

    rows: Tensor
    tokens: Tensor
    log_probabilities: Tensor
    last: Tensor


@dataclass
class _UnderWay:
    """Texts that are being written.

    Attributes:
        state: what the decoder remembers of them.
        scores: (k v) of their next tokens.
        rows: (k) their numbers.
        lengths: (k) tokens that they have.
        allowed: where each is in what may be written; empty where everything may.
    """

    state: State
    scores: Tensor
    rows: Tensor
    lengths: Tensor
    allowed: list[Any]

    def __len__(self) -> int:
        return len(self.rows)

    def join(self, other: _UnderWay) -> None:
        """Take in other texts, after these."""
        self.state.join(other.state)
        self.scores = torch.cat([self.scores, other.scores])
        self.rows = torch.cat([self.rows, other.rows])
        self.lengths = torch.cat([self.lengths, other.lengths])
        self.allowed += other.allowed


@torch.no_grad()
def stream(
    decoder: Decoder,
    pieces: Iterable[Features],
    config: DecodingConfig,
    generator: torch.Generator | None = None,
    constraint: Constraint | None = None,
) -> Iterator[Step]:
    """Yield the tokens of texts as they are written, `config.batch_size` of them at a time.

    Texts that have ended take no further part, and the next piece comes in as soon as it has room,
    so that a short text never waits for a long one (iteration-level scheduling: Yu et al., Orca,
    OSDI 2022, section 3.1). Where texts cannot join (see `State.can_join`), as many pieces as a
    batch has room for begin together when the last ones have ended.

    Args:
        decoder: gives the scores.
        pieces: rows to write from; taken when there is room for as many as the piece before had,
            the first whatever its size.
        config: `greedy` or `sample`, and how.
        generator: of what is drawn; torch's own by default.
        constraint: on what may be written.
    """
    writer = _Writer(decoder, config, generator, constraint)
    waiting, first, size = iter(pieces), 0, 0
    while True:
        while writer.has_room(size):
            wanted = 1 if writer.joins else config.batch_size // max(size, 1)
            taken = list(islice(waiting, max(wanted, 1)))
            if not taken:
                break
            piece = taken[0] if len(taken) == 1 else one_below_other(taken)
            writer.begin(piece, first)
            first, size = first + len(piece), len(taken[0])
        if writer.texts is None:
            return
        yield writer.step()


class _Writer:
    """Writes a token of each text that is under way; see `stream`."""

    def __init__(
        self,
        decoder: Decoder,
        config: DecodingConfig,
        generator: torch.Generator | None,
        constraint: Constraint | None,
    ) -> None:
        self.decoder, self.config = decoder, config
        self.generator, self.constraint = generator, constraint
        self.texts: _UnderWay | None = None
        self.tokens: Tensor | None = None
        self.joins = True

    def has_room(self, size: int) -> bool:
        """Return whether so many texts more can be written."""
        if self.texts is None:
            return True
        return self.joins and len(self.texts) + size <= self.config.batch_size

    def begin(self, piece: Features, first: int) -> None:
        """Take in texts to be written from some rows, numbered from `first`."""
        self._look()
        state, scores = self.decoder.start(piece)
        self.joins = state.can_join
        rows = torch.arange(first, first + len(piece), device=scores.device)
        start = [] if self.constraint is None else [self.constraint.start()] * len(piece)
        texts = _UnderWay(state, scores, rows, torch.zeros_like(rows), start)
        if self.texts is None:
            self.texts = texts
        else:
            self.texts.join(texts)

    def _look(self) -> None:
        """Let the decoder look at the tokens that were written last, which it has not seen."""
        if self.texts is not None and self.tokens is not None:
            self.texts.scores = self.decoder.step(self.texts.state, self.tokens)
        self.tokens = None

    def step(self) -> Step:
        """Write a token of each text, and let go of those that have ended."""
        self._look()
        texts = self.texts
        assert texts is not None
        likely = texts.scores.float().log_softmax(dim=1)
        tokens = _next(self._allowed(texts, likely), self.config, self.generator)
        texts.lengths = texts.lengths + 1
        last = (tokens == self.decoder.end) | (texts.lengths >= self.config.longest)
        step = Step(texts.rows, tokens, likely.gather(1, tokens[:, None])[:, 0], last)
        self._go_on((~last).nonzero()[:, 0], tokens)
        return step

    def _allowed(self, texts: _UnderWay, likely: Tensor) -> Tensor:
        """Return (k v) log probabilities, out of reach where a token may not be written."""
        if self.constraint is None:
            return likely
        allowed = torch.stack([self.constraint.allowed(own) for own in texts.allowed])
        return likely.masked_fill(~allowed.to(likely.device), -torch.inf)

    def _go_on(self, going: Tensor, tokens: Tensor) -> None:
        """Keep some texts, (g) numbers in what is under way, which have these (k) new tokens."""
        texts = self.texts
        assert texts is not None
        if not len(going):
            self.texts = self.tokens = None
            return
        if self.constraint is not None:
            left = zip(going.tolist(), tokens[going].tolist(), strict=True)
            texts.allowed = [self.constraint.advance(texts.allowed[row], t) for row, t in left]
        if len(going) < len(texts):
            texts.state.select(going)
            texts.rows, texts.lengths = texts.rows[going], texts.lengths[going]
            tokens = tokens[going]
        self.tokens = tokens


def as_they_end(
    decoder: Decoder,
    pieces: Iterable[Features],
    config: DecodingConfig,
    generator: torch.Generator | None = None,
    constraint: Constraint | None = None,
) -> Iterator[tuple[int, Written]]:
    """Yield the number of each row and its text, as texts end; takes what `stream` takes."""
    tokens: dict[int, list[int]] = {}
    sure: dict[int, list[float]] = {}
    for step in stream(decoder, pieces, config, generator, constraint):
        said = zip(
            step.rows.tolist(), step.tokens.tolist(), step.log_probabilities.tolist(),
            step.last.tolist(), strict=True,
        )  # fmt: skip
        for row, token, log_probability, last in said:
            tokens.setdefault(row, []).append(token)
            sure.setdefault(row, []).append(log_probability)
            if last:
                yield row, _written(tokens.pop(row), sure.pop(row), decoder.end)


def one_by_one(
    decoder: Decoder,
    features: Features,
    config: DecodingConfig,
    generator: torch.Generator | None = None,
    constraint: Constraint | None = None,
) -> list[Written]:
    """Return b texts, all of which are written at a time; see `stream`."""
    found = dict(as_they_end(decoder, [features], config, generator, constraint))
    return [found[row] for row in range(len(features))]


def _written(tokens: Sequence[int], sure: Sequence[float], end: int) -> Written:
    ended = bool(tokens) and tokens[-1] == end
    return Written(tuple(tokens[: len(tokens) - ended]), tuple(sure), ended)


def _next(likely: Tensor, config: DecodingConfig, generator: torch.Generator | None) -> Tensor:
    """Return (b) tokens for (b v) log probabilities."""
    if config.way == "greedy":
        return likely.argmax(dim=1)
    probable, order = (likely / config.temperature).softmax(dim=1).sort(dim=1, descending=True)
    before = probable.cumsum(dim=1) - probable
    probable = probable.masked_fill(before >= config.top_p, 0.0)
    drawn = torch.multinomial(probable, 1, generator=generator)
    return order.gather(1, drawn)[:, 0]
