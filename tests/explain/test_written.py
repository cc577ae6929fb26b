"""What words that were written rest on: the slope of their probability, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_network import stirred

from plait.explain.written import of_words, rests_on
from plait.fusion.fusion import FusionConfig
from plait.fusion.interaction import SelfAttention
from plait.network import Network
from plait.tasks.transformer_decoder import TransformerDecoder
from plait.tasks.write import Write
from plait.types import Features


def network() -> Network:
    torch.manual_seed(0)
    fusion = SelfAttention({"photo": 5, "text": 4}, FusionConfig(width=8, heads=2, layers=1))
    decoder = TransformerDecoder(8, 9, 1, 0, 16, 1, 2, 0.0)
    return stirred(Network({}, fusion, Write(decoder, smoothing=0.0)), 0.2)


def row() -> dict[str, Features]:
    torch.manual_seed(1)
    photo = Features.of_tokens(torch.randn(1, 3, 5), torch.tensor([[True, True, False]]))
    return {"photo": photo, "text": Features.of_tokens(torch.randn(1, 2, 4), torch.ones(1, 2) > 0)}


def test_relevance_is_the_slope_along_each_token() -> None:
    """A token that is made a little longer raises log p by its relevance, times how much longer."""
    made, own, tokens = network(), row(), [4, 2, 7]
    relevance, seen = rests_on(made, own, "photo", tokens)
    assert relevance.shape == (3, 3)
    assert (relevance[:, 2] == 0).all(), "what is masked is looked at by nothing"
    assert seen is own["photo"]
    made, step = made.double(), 1e-5
    wide = {name: part.to(torch.float64) for name, part in own.items()}

    def log_probabilities(place: int, longer: float) -> torch.Tensor:
        stretched = wide["photo"].tokens.clone()
        stretched[0, place] *= 1 + longer
        photo = replace(wide["photo"], tokens=stretched)
        joined = made.fusion({**wide, "photo": photo})
        return made.task.decoder(joined, torch.tensor([tokens])).log_softmax(dim=2)[
            0, torch.arange(3), tokens
        ]

    with torch.no_grad():
        for place in range(2):
            slope = (log_probabilities(place, step) - log_probabilities(place, -step)) / (2 * step)
            np.testing.assert_allclose(
                relevance[:, place], slope.clamp_min(0).numpy(), atol=2e-4, rtol=2e-3
            )


def test_words_have_what_their_tokens_have() -> None:
    relevance = np.arange(8, dtype=float).reshape(4, 2)
    words, owed = of_words(relevance, "two dogs!", [" two", " do", "gs", "!"])
    assert words == ["two", "dogs"]
    np.testing.assert_array_equal(owed, [relevance[0], relevance[1] + relevance[2]])


@pytest.mark.parametrize("pieces", [["生", "气"], [" 生", "气"]])
def test_scripts_without_spaces(pieces: list[str]) -> None:
    words, owed = of_words(np.eye(2), "生气", pieces)
    assert words == ["生", "气"]
    np.testing.assert_array_equal(owed, np.eye(2))
