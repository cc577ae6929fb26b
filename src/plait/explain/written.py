"""What each word that was written rests on: parts of a picture, moments of a sound or a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np
import torch

from plait.explain.words import words_of
from plait.network import Network
from plait.tasks.write_beside import writes
from plait.types import Features, Raw


def rests_on(
    network: Network, row: Mapping[str, Features | Raw], source: str, tokens: Sequence[int]
) -> tuple[np.ndarray, Features]:
    """Return what each token of a text owes to each token of a source, and the source's Features.

        relevance_ij = max(0, sum_d x_jd d log p(y_i | y_<i, x) / d x_jd)

    Gradient times input (Shrikumar et al., ICML 2017, section 2.2), of what the encoder gives to
    the fusion, so that it means the same in every fusion; what speaks against a token is left out.

    Args:
        network: that wrote.
        row: of which it wrote, alone.
        source: that is looked at.
        tokens: (t) of the text.

    Returns:
        (t s) relevance, and Features of s tokens.
    """
    task = writes(network.eval().task)
    with torch.no_grad():
        encoded = network.encode(row)
    own = encoded[source]
    leaf = own.tokens.detach().clone().requires_grad_()
    # Most encoders' pooled vector is the mean of their tokens; what is not, cannot be told apart.
    joined = network.fusion({**encoded, source: replace(own, tokens=leaf)})
    losses = task.token_losses(joined, torch.tensor([list(tokens)]))[0]
    found = []
    for loss in losses:
        (slope,) = torch.autograd.grad(-loss, leaf, retain_graph=True)
        found.append((slope * leaf).detach().sum(dim=2)[0])
    return torch.stack(found).clamp_min(0).numpy(), own


def of_words(
    relevance: np.ndarray, text: str, pieces: Sequence[str]
) -> tuple[list[str], np.ndarray]:
    """Return the words of a text, and what each owes (words s): the sum over its tokens.

    Args:
        relevance: (t s), of each token.
        text: the tokens together.
        pieces: what each token added to the text, (t) or fewer.
    """
    ends = list(accumulate(len(piece) for piece in pieces))
    whole = "".join(pieces)
    shift = len(whole) - len(whole.lstrip())
    spans = [
        (max(end - len(piece) - shift, 0), max(end - shift, 0))
        for end, piece in zip(ends, pieces, strict=True)
    ]
    words = words_of(text, spans)
    return list(words), np.stack([relevance[own].sum(axis=0) for own in words.values()])
