"""The words of a text looked for among the tokens of a picture, a sound or a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from plait.errors import ConfigError
from plait.explain.regions import Moments, Regions, moments_of, regions_of
from plait.explain.words import Span, words_of
from plait.fusion.towers import Towers
from plait.network import Network
from plait.types import Features, Raw, mean_of

Row = Mapping[str, Features | Raw]
"""What a network reads of one row, by source."""


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a source, and the number of its group."""

    source: str
    group: int


def locate(
    network: Network, row: Row, asks: Side, seen: Side, text: str, spans: Sequence[Span] | None
) -> tuple[list[str], np.ndarray, Features]:
    """Return words, their cosines (words t) with the tokens of what is seen, and these tokens.

    The text is one word where the space was learned on pooled vectors, or its encoder does not keep
    the tokens apart.

    Args:
        network: towers, and the encoders that are trained with them.
        row: with both sides.
        asks: the text.
        seen: what is searched.
        text: itself.
        spans: the characters of each of its tokens; None where they are no pieces of it.
    """
    assert isinstance(network.fusion, Towers)
    words = words_of(text, spans) if spans and network.fusion.late else {}
    told = tokens_in_space(network, row, asks) if words else pooled_in_space(network, row, asks)
    found = tokens_in_space(network, row, seen)
    words = words or {text: [0]}
    cosines = word_cosines(told.tokens[0], list(words.values()), found.tokens[0])
    return list(words), cosines.float().numpy(), found


def located(
    text: str,
    words: Sequence[str],
    cosines: np.ndarray,
    found: Features,
    column: str,
    picture: np.ndarray | None,
    threshold: float,
) -> Regions | Moments:
    """Return the map of each word over a picture, or its moments where there is none.

    Raises:
        ConfigError: when the tokens have no places, or no times.
    """
    where = found.time if picture is None else found.place
    if where is None:
        raise ConfigError(
            f"The encoder of {column!r} keeps no parts of what it reads, so there is nothing to "
            "point at; learn the space with a trained encoder (--encoders trained) or a pretrained "
            "one, and --loss filip."
        )
    if picture is None:
        return moments_of(text, words, cosines, where[0].numpy(), threshold)
    return regions_of(text, words, cosines, where[0].numpy(), picture)


@torch.no_grad()
def tokens_in_space(network: Network, row: Row, side: Side) -> Features:
    """Return the tokens (1 t d) of a source where they lie in the common space.

    Where the space keeps tokens (FILIP), they are its own. Where it was learned on pooled vectors,
    each token takes the place of the pooled vector, as in MaskCLIP (Zhou, Loy and Dai, ECCV 2022,
    section 3.2), which leaves CLIP's pooling out likewise.
    """
    encoded = network.eval().encode(row)
    assert isinstance(network.fusion, Towers)
    if network.fusion.late:
        joined = network.fusion(encoded)
        return _only(joined, (joined.mask & (joined.source == side.group))[0])
    own = _only(encoded[side.source], encoded[side.source].mask[0])
    count = own.tokens.shape[1]
    nothing = torch.zeros(count, dtype=torch.bool)
    each = {
        name: Features.from_pooled(torch.zeros(count, width), nothing)
        for name, width in network.fusion.widths.items()
    }
    joined = network.fusion({**each, side.source: Features.of_vectors(own.tokens[0])})
    return own.with_tokens(joined.tokens[:, side.group][None])


@torch.no_grad()
def pooled_in_space(network: Network, row: Row, side: Side) -> Features:
    """Return the vector of a group as its one token (1 1 d)."""
    joined = network.eval().fusion(network.encode(row))
    return Features.of_vectors(mean_of(joined.tokens, joined.mask & (joined.source == side.group)))


def _only(features: Features, kept: Tensor) -> Features:
    """Return the one row with some of its tokens (t) alone."""
    return Features(
        features.pooled, features.tokens[:, kept], features.mask[:, kept],
        features.source[:, kept],
        None if features.time is None else features.time[:, kept],
        None if features.place is None else features.place[:, kept],
    )  # fmt: skip


def word_cosines(text: Tensor, words: Sequence[Sequence[int]], seen: Tensor) -> Tensor:
    """Return (words t), the mean over a word's tokens of their cosines with each token seen.

    Args:
        text: (s d) tokens of the text.
        words: the tokens of each word, by their numbers.
        seen: (t d) tokens of the picture, sound or video.
    """
    each = normalize(text, dim=-1) @ normalize(seen, dim=-1).T
    return torch.stack([each[list(own)].mean(dim=0) for own in words])
