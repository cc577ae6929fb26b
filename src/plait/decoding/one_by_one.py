"""A token after the other: the most probable one, or one that is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from plait.decoding.config import DecodingConfig
from plait.decoding.decoder import Decoder
from plait.decoding.written import Written
from plait.types import Features

if TYPE_CHECKING:
    from plait.constraints import Constraint


@dataclass(frozen=True)
class Step:
    """One token for each text that has not ended yet.

    Attributes:
        rows: (k) numbers of these texts.
        tokens: (k), the end among them.
        log_probabilities: (k).
    """

    rows: Tensor
    tokens: Tensor
    log_probabilities: Tensor


@torch.no_grad()
def stream(
    decoder: Decoder,
    features: Features,
    config: DecodingConfig,
    generator: torch.Generator | None = None,
    constraint: Constraint | None = None,
) -> Iterator[Step]:
    """Yield the tokens of b texts as they are written.

    Texts that have ended take no further part, so that a short one never waits for a long one.

    Args:
        decoder: gives the scores.
        features: of b rows.
        config: `greedy` or `sample`, and how.
        generator: of what is drawn; torch's own by default.
        constraint: on what may be written.
    """
    state, scores = decoder.start(features)
    rows = torch.arange(len(features), device=scores.device)
    allowed = None if constraint is None else [constraint.start()] * len(features)
    for length in range(1, config.longest + 1):
        likely = scores.float().log_softmax(dim=1)
        open_to = likely
        if constraint is not None and allowed is not None:
            forbidden = ~torch.stack([constraint.allowed(a) for a in allowed]).to(likely.device)
            open_to = likely.masked_fill(forbidden, -torch.inf)
        tokens = _next(open_to, config, generator)
        yield Step(rows, tokens, likely.gather(1, tokens[:, None])[:, 0])
        going = (tokens != decoder.end).nonzero()[:, 0]
        if not len(going) or length == config.longest:
            return
        if constraint is not None and allowed is not None:
            left = zip(going.tolist(), tokens[going].tolist(), strict=True)
            allowed = [constraint.advance(allowed[row], token) for row, token in left]
        if len(going) < len(tokens):
            state.select(going)
            rows, tokens = rows[going], tokens[going]
        scores = decoder.step(state, tokens)


def one_by_one(
    decoder: Decoder,
    features: Features,
    config: DecodingConfig,
    generator: torch.Generator | None = None,
    constraint: Constraint | None = None,
) -> list[Written]:
    """Return b texts; see `stream`."""
    count = len(features)
    tokens: list[list[int]] = [[] for _ in range(count)]
    sure: list[list[float]] = [[] for _ in range(count)]
    for step in stream(decoder, features, config, generator, constraint):
        said = zip(
            step.rows.tolist(), step.tokens.tolist(), step.log_probabilities.tolist(), strict=True
        )
        for row, token, log_probability in said:
            tokens[row].append(token)
            sure[row].append(log_probability)
    return [_written(t, s, decoder.end) for t, s in zip(tokens, sure, strict=True)]


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
