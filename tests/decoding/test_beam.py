"""Beams: as transformers looks for texts, and as trying all of them finds."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch
from made_models import causal

from plait.decoding.beam import beams
from plait.decoding.config import DecodingConfig
from plait.encoders.pretrained.config import FineTuneConfig
from plait.tasks.language_model import LanguageModel, load_language_model
from plait.tasks.transformer_decoder import TransformerDecoder
from plait.types import Features

TEXTS = ["a small blue thing on a table", "a big red thing under the sofa"] * 5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder: Path = causal(tmp_path_factory.mktemp("causal"), TEXTS)
    return load_language_model(str(folder), "", FineTuneConfig()).eval()


@pytest.mark.parametrize(("count", "penalty"), [(3, 1.0), (4, 0.0), (2, 2.0)])
def test_beams_are_what_transformers_finds(
    model: LanguageModel, count: int, penalty: float
) -> None:
    torch.manual_seed(2)
    mask = torch.arange(5)[None] < torch.randint(1, 6, (4, 1))
    own = Features.of_tokens(torch.randn(4, 5, model.width), mask)
    config = DecodingConfig("beam", beams=count, length_penalty=penalty, longest=10)
    found = beams(model, own, config)
    embeds, there = model._prompt(own)
    theirs = model.backbone.generate(
        inputs_embeds=embeds, attention_mask=there.long(), max_new_tokens=10, do_sample=False,
        num_beams=count, length_penalty=penalty, num_return_sequences=count, early_stopping=False,
        return_dict_in_generate=True, output_scores=True,
    )  # fmt: skip
    rows = theirs.sequences.view(4, count, -1).tolist()
    for row, texts in enumerate(found):
        best = rows[row][0]
        expected = best[: best.index(model.end) + 1] if model.end in best else best
        assert texts[0].with_end(model.end) == expected
        score = texts[0].log_probability / len(texts[0].log_probabilities) ** penalty
        assert score == pytest.approx(float(theirs.sequences_scores[row * count]), abs=1e-4)


def test_enough_beams_find_the_most_probable_text_of_all() -> None:
    torch.manual_seed(3)
    decoder = TransformerDecoder(4, 5, begin=1, end=0, width=8, layers=1, heads=2, dropout=0.0)
    with torch.no_grad():
        decoder.vectors.weight.mul_(4)
    decoder.eval()
    own = Features.of_vectors(torch.randn(2, 4))
    config = DecodingConfig("beam", beams=60, length_penalty=0.0, longest=3)
    found = beams(decoder, own, config)
    texts = [(0,), *((a, 0) for a in range(1, 5))]
    texts += [(a, b, c) for a, b, c in product(range(1, 5), range(1, 5), range(5))]
    for row in range(2):
        scores = {}
        for text in texts:
            tokens = torch.tensor([text])
            with torch.no_grad():
                likely = decoder(own.take(torch.tensor([row])), tokens).log_softmax(dim=2)
            scores[text] = float(likely.gather(2, tokens[:, :, None]).sum())
        best = max(scores, key=scores.__getitem__)
        assert tuple(found[row][0].with_end(0)) == best
        assert found[row][0].log_probability == pytest.approx(scores[best], abs=1e-5)
        assert len(found[row]) == 60


def test_one_beam_is_greedy(model: LanguageModel) -> None:
    from plait.decoding.one_by_one import one_by_one

    own = Features.of_tokens(torch.randn(3, 2, model.width), torch.ones(3, 2).bool())
    config = DecodingConfig("beam", beams=1, longest=9)
    greedy = one_by_one(model, own, DecodingConfig(longest=9))
    assert [texts[0].tokens for texts in beams(model, own, config)] == [t.tokens for t in greedy]
