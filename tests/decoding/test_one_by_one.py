"""A token after the other: as transformers writes, and as probabilities say."""

from __future__ import annotations

import pytest
import torch
from made_models import causal
from small_network import stirred
from tokenizers import Tokenizer
from torch import Tensor

from plait.constraints import OneOf, Tokens
from plait.decoding.config import DecodingConfig
from plait.decoding.decoder import Decoder, State
from plait.decoding.one_by_one import as_they_end, one_by_one, stream
from plait.encoders.pretrained.config import FineTuneConfig
from plait.tasks.language_model import LanguageModel, load_language_model
from plait.tasks.transformer_decoder import TransformerDecoder
from plait.types import Features

TEXTS = ["a small blue thing on a table", "a big red thing under the sofa"] * 5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = causal(tmp_path_factory.mktemp("causal"), TEXTS)
    model = load_language_model(str(folder), "What is it?", FineTuneConfig()).eval()
    with torch.no_grad():  # so that some texts end
        model.backbone.lm_head.weight[model.end] *= 3
    return model


def prompts(model: LanguageModel, rows: int = 6) -> Features:
    """Return Features of unequal length in the model's space."""
    torch.manual_seed(1)
    mask = torch.arange(7)[None] < torch.randint(1, 8, (rows, 1))
    return Features.of_tokens(torch.randn(rows, 7, model.width), mask)


class Script(Decoder):
    """Says what is written in a table of scores, whatever came before; rows end as they say."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores, self.end = scores, 0
        self.asked: list[int] = []

    @property
    def size(self) -> int:
        return self.scores.shape[-1]

    def forward(self, features: Features, tokens: Tensor) -> Tensor:
        raise NotImplementedError

    def start(self, features: Features) -> tuple[State, Tensor]:
        self.asked.append(len(features))
        return Place(torch.arange(len(features))), self.scores[: len(features), 0]

    def step(self, state: State, tokens: Tensor) -> Tensor:
        assert isinstance(state, Place)
        assert len(tokens) == len(state.rows)
        self.asked.append(len(tokens))
        state.length += 1
        return self.scores[state.rows, state.length]


class Place(State):
    def __init__(self, rows: Tensor) -> None:
        self.rows, self.length = rows, 0

    def select(self, rows: Tensor) -> None:
        self.rows = self.rows[rows]


def features(rows: int) -> Features:
    return Features.of_vectors(torch.zeros(rows, 2))


def test_greedy_is_what_transformers_generates(model: LanguageModel) -> None:
    own = prompts(model)
    found = one_by_one(model, own, DecodingConfig(longest=20))
    embeds, mask = model._prompt(own)
    theirs = model.backbone.generate(
        inputs_embeds=embeds, attention_mask=mask.long(), max_new_tokens=20, do_sample=False
    )
    assert len({len(text) for text in found}) > 1, "texts of unequal length are what is tested"
    for text, tokens in zip(found, theirs.tolist(), strict=True):
        expected = tokens[: tokens.index(model.end) + 1] if model.end in tokens else tokens
        assert text.with_end(model.end) == expected


def test_log_probabilities_are_those_of_the_whole_text_at_once(model: LanguageModel) -> None:
    own = prompts(model)
    found = one_by_one(model, own, DecodingConfig(longest=12))
    for row, text in enumerate(found):
        tokens = torch.tensor([text.with_end(model.end)])
        with torch.no_grad():
            scores = model(own.take(torch.tensor([row])), tokens)
        expected = scores.log_softmax(dim=2).gather(2, tokens[:, :, None])[0, :, 0]
        torch.testing.assert_close(
            torch.tensor(text.log_probabilities), expected, atol=1e-4, rtol=1e-4
        )
        assert text.confidence == pytest.approx(float(expected.mean().exp()), rel=1e-4)


def test_texts_that_have_ended_take_no_further_part() -> None:
    scores = torch.zeros(3, 5, 4)
    scores[..., 1] = 5.0
    scores[0, 1, 0] = scores[2, 3, 0] = 9.0  # the first ends with its 2nd token, the third at 4
    script = Script(scores)
    found = one_by_one(script, features(3), DecodingConfig(longest=5))
    assert [len(text) for text in found] == [1, 5, 3]
    assert [text.ended for text in found] == [True, False, True]
    assert script.asked == [3, 3, 2, 2, 1]


@pytest.mark.parametrize("kind", ["language model", "own decoder"])
def test_texts_that_come_in_later_are_those_that_are_written_alone(
    kind: str, model: LanguageModel
) -> None:
    decoder = model if kind == "language model" else own_decoder()
    rows, config = prompts(model, 23), DecodingConfig(longest=14, batch_size=6)
    pieces = [rows.take(torch.arange(23)[start : start + 2]) for start in range(0, 23, 2)]
    found, under_way = dict(as_they_end(decoder, pieces, config)), []
    for step in stream(decoder, pieces, config):
        under_way.append(len(step.rows))
    assert sorted(found) == list(range(23))
    assert list(found) != list(range(23)), "short ones end first"
    assert max(under_way) == 6
    # At all but the last steps there is no room for another piece of two.
    last = max(number for number, count in enumerate(under_way) if count > 4)
    assert min(under_way[: last + 1]) > 4
    assert len({len(text) for text in found.values()}) > 4
    for row, text in found.items():
        (alone,) = one_by_one(decoder, rows.take(torch.tensor([row])), config)
        assert text.tokens == alone.tokens
        assert text.ended == alone.ended
        torch.testing.assert_close(
            torch.tensor(text.log_probabilities), torch.tensor(alone.log_probabilities),
            atol=1e-4, rtol=1e-4,
        )  # fmt: skip


def own_decoder() -> TransformerDecoder:
    torch.manual_seed(2)
    made = stirred(TransformerDecoder(32, 12, 1, 0, 16, 2, 2, 0.0), 0.5)
    with torch.no_grad():
        made.norm.bias.add_(0.6 * made.vectors.weight[made.end])  # so that some texts end
    return made


def test_what_cannot_be_joined_waits_for_the_end_of_what_is_written() -> None:
    scores = torch.zeros(4, 5, 4)
    scores[..., 1] = 5.0
    scores[0, 1, 0] = 9.0
    script, pieces = Script(scores), [features(2), features(2)]
    found = dict(as_they_end(script, pieces, DecodingConfig(longest=5, batch_size=4)))
    assert [len(found[row]) for row in range(4)] == [1, 5, 1, 5]
    assert script.asked == [2, 2, 1, 1, 1, 2, 2, 1, 1, 1]


def test_what_cannot_be_joined_begins_in_whole_batches() -> None:
    scores = torch.zeros(4, 2, 4)
    scores[..., 1] = 5.0
    script, pieces = Script(scores), [features(1) for _ in range(8)]
    found = dict(as_they_end(script, pieces, DecodingConfig(longest=2, batch_size=4)))
    assert sorted(found) == list(range(8))
    assert script.asked == [1, 1, 4, 4, 3, 3]  # that they do not join is known after the first


def test_constraints_and_room_hold_for_what_comes_in_later(model: LanguageModel) -> None:
    names = ["a small blue thing", "a big red thing under the sofa", "table"]
    words = Tokens(Tokenizer.from_str(model.vocabulary.definition), model.end, model.size)
    constraint = OneOf(words, names)
    rows, config = prompts(model, 9), DecodingConfig(longest=20, batch_size=3)
    pieces = [rows.take(torch.tensor([row])) for row in range(9)]
    found = dict(as_they_end(model, pieces, config, constraint=constraint))
    assert {model.vocabulary.decode(text.tokens) for text in found.values()} <= set(names)
    assert all(text.ended for text in found.values())


def test_stream_gives_the_same_tokens_one_at_a_time(model: LanguageModel) -> None:
    own, config = prompts(model, 1), DecodingConfig(longest=15)
    (whole,) = one_by_one(model, own, config)
    streamed = [int(step.tokens[0]) for step in stream(model, [own], config)]
    assert streamed == whole.with_end(model.end)


def test_samples_follow_the_probabilities_of_the_nucleus() -> None:
    probabilities = torch.tensor([0.05, 0.5, 0.3, 0.15])
    script = Script(probabilities.log().expand(4000, 1, 4))
    config = DecodingConfig("sample", top_p=0.75, longest=1)
    found = one_by_one(script, features(4000), config, torch.Generator().manual_seed(0))
    counts = torch.tensor([text.with_end(0)[0] for text in found]).bincount(minlength=4) / 4000
    # 0.5 and 0.3 reach 0.75; what is left is drawn by its share.
    assert counts[[0, 3]].sum() == 0
    assert counts[1] == pytest.approx(0.5 / 0.8, abs=0.03)
    # Their probabilities are said as they were before anything was left out.
    assert min(text.log_probability for text in found) == pytest.approx(
        float(torch.tensor(0.3).log())
    )


def test_a_low_temperature_is_greedy() -> None:
    script = Script(torch.randn(5, 6, 9, generator=torch.Generator().manual_seed(0)))
    cold = DecodingConfig("sample", temperature=1e-3, top_p=1.0, longest=6)
    found, greedy = (one_by_one(script, features(5), c) for c in (cold, DecodingConfig(longest=6)))
    assert [text.tokens for text in found] == [text.tokens for text in greedy]


def test_the_same_seed_draws_the_same(model: LanguageModel) -> None:
    own, config = prompts(model), DecodingConfig("sample", longest=8)
    one, same, other = (
        [t.tokens for t in one_by_one(model, own, config, torch.Generator().manual_seed(seed))]
        for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other
