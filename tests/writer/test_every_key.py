"""Every key of the settings of writing has the effect that its name says.

As `tests/ensemble/test_every_key.py`, for `write`, `writing` and `rewarded`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from made_models import causal
from small_network import stirred
from writer_settings import small

import plait
from plait import FitConfig
from plait.decoding.config import DecodingConfig
from plait.errors import ConfigError
from plait.progress import Progress
from plait.subwords import Vocabulary
from plait.tasks.transformer_decoder import TransformerDecoder
from plait.tasks.write import ReinforceConfig, Write, WriteConfig
from plait.train import loop
from plait.train.config import TrainConfig
from plait.train.record import Record
from plait.train.reinforce import Reinforced
from plait.types import Features
from plait.writer.building import build
from plait.writer.learning import learn
from plait.writer.material import gather
from plait.writer.writer import Writer

QUIET = Progress(show=False)
TEXTS = ["a small blue thing on a table", "what is it?", "two dogs, one cat"] * 5


def keys(kind: type, before: str = "") -> Iterator[str]:
    for field in dataclasses.fields(kind):
        default = getattr(kind(), field.name)
        if dataclasses.is_dataclass(default):
            yield from keys(type(default), f"{before}{field.name}.")
        else:
            yield before + field.name


def with_key(path: str, value: Any, config: Any) -> Any:
    name, _, rest = path.partition(".")
    return replace(
        config, **{name: with_key(rest, value, getattr(config, name)) if rest else value}
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(causal(tmp_path_factory.mktemp("model"), TEXTS))


@pytest.fixture(scope="module")
def seen(captions: Path) -> Callable[[FitConfig], tuple[Writer, list[tuple[Any, ...]]]]:
    """Give the model of some settings, and what its trainings were asked for; no step is taken."""

    def look(config: FitConfig) -> tuple[Writer, list[tuple[Any, ...]]]:
        asked: list[tuple[Any, ...]] = []

        def train(network: Any, lesson: Any, settings: TrainConfig, *rest: Any) -> None:
            asked.append((settings, lesson, type(network.task).__name__))

        table = plait.read(str(captions)).take(range(20))
        material, _ = gather(table, "caption:text", {"text": "text"}, (), None, config, QUIET)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "train", train)
            return learn(material, material.rows, config, Record(), QUIET), asked

    return look


def features() -> Features:
    torch.manual_seed(0)
    return Features.of_tokens(torch.randn(6, 3, 8), torch.ones(6, 3).bool())


def decoder() -> TransformerDecoder:
    torch.manual_seed(1)
    made = stirred(TransformerDecoder(8, 12, 1, 0, 16, 1, 2, 0.0), 0.3)
    with torch.no_grad():
        made.norm.weight.mul_(0.4)  # none of the tokens is sure
        made.norm.bias.add_(2.0 * made.vectors.weight[made.end])  # and texts end
    return made


def texts(config: DecodingConfig, candidates: int = 3) -> list[list[tuple[int, ...]]]:
    """Return what a small decoder writes."""
    from plait.decoding.beam import beams
    from plait.decoding.one_by_one import one_by_one

    generator = torch.Generator().manual_seed(0)
    if config.way == "beam":
        return [[t.tokens for t in own] for own in beams(decoder(), features(), config)]
    return [[t.tokens] for t in one_by_one(decoder(), features(), config, generator)]


DECODING = {
    "way": "beam", "beams": 2, "length_penalty": -3.0, "temperature": 3.0, "top_p": 0.2,
    "longest": 3,
}  # fmt: skip
"""A value of each key that changes what is written."""


@pytest.mark.parametrize("key", DECODING)
def test_keys_of_decoding(key: str) -> None:
    way = {"beams": "beam", "length_penalty": "beam", "temperature": "sample", "top_p": "sample"}
    start = DecodingConfig(way.get(key, "greedy"), longest=8)  # type: ignore[arg-type]
    before, after = texts(start), texts(replace(start, **{key: DECODING[key]}))
    assert before != after
    if key == "longest":
        assert max(len(text) for own in after for text in own) <= 3
    if key == "beams":
        assert {len(own) for own in after} == {2}


def test_rows_that_are_written_at_a_time(writer: Writer, captions: Path) -> None:
    table, under_way, pieces = plait.read(str(captions)).take(range(20)), [], []
    joined, step = Writer.joined, TransformerDecoder.step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "joined", lambda s, r: pieces.append(len(r)) or joined(s, r))
        patch.setattr(
            TransformerDecoder, "step", lambda s, a, t: under_way.append(len(t)) or step(s, a, t)
        )
        found = writer.predict(table, QUIET, DecodingConfig(batch_size=8))
        assert pieces == [2] * 10
        assert max(under_way) == 8
        pieces.clear()
        writer.predict(table, QUIET, DecodingConfig("sample", batch_size=8), candidates=4)
        assert pieces == [1] * 20
        pieces.clear()
        writer.predict(table, QUIET, DecodingConfig("beam", batch_size=8))
        assert pieces == [8, 8, 4]
    whole = writer.predict(table, QUIET, DecodingConfig(batch_size=64))
    assert found.values == whole.values


def test_keys_of_the_decoder(seen: Any) -> None:
    config = small(dropout=0.2, smoothing=0.2, vocabulary=300, width=48, layers=3, heads=3)
    found, asked = seen(config)
    own = found.task.decoder
    assert (own.vectors.embedding_dim, len(own.blocks)) == (48, 3)
    assert (own.blocks[0].attention.heads, own.dropout.share) == (3, 0.2)
    assert own.blocks[0].attention.dropout == own.blocks[0].hidden[3].share == 0.2
    assert found.task.smoothing == 0.2
    sizes: list[int] = []
    learn_words = Vocabulary.learn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Vocabulary, "learn", lambda t, n: sizes.append(n) or learn_words(t, n))
        seen(small(vocabulary=301))
    assert sizes == [301]
    assert asked[0][1].target.shape[1] <= 12
    short, asked = seen(small(longest=2))
    assert asked[0][1].target.shape[1] == 2
    assert short.task.longest == 2


def test_keys_of_language_models(seen: Any, model: str, captions: Path) -> None:
    plain = small(language_model=model)
    found, _ = seen(plain)
    assert type(found.task.decoder).__name__ == "LanguageModel"
    asked = seen(small(language_model=model, instruction="Name it."))[0].task.decoder
    assert len(asked.after) > len(found.task.decoder.after)
    short = build(found.sources, small(language_model=model, longest_prompt=3))
    assert short.trained["text"](["a very long text of many words"]).mask.sum() == 3

    def rates(**tuning: Any) -> list[float]:
        model_ = seen(small(language_model=model, tuning=tuning))[0].task.decoder
        return sorted(set(model_.adapted.rates.values()))

    assert rates() == []
    assert len(rates(way="all")) > len(rates(way="last", layers=1)) > 0
    assert len(rates(way="last", layers=2)) > len(rates(way="last", layers=1))
    assert max(rates(way="all", rate=1e-3)) == pytest.approx(1e-3)
    assert min(rates(way="all", decay=0.5)) < min(rates(way="all", decay=0.9))
    small_, large = (
        build(found.sources, small(language_model=model, tuning={"way": "lora", "rank": rank}))
        for rank in (2, 4)
    )
    for made in (small_, large):
        assert made.language_model is not None
        made.language_model.begin_learning()
    counts = [sum(w.numel() for w in made.language_model.adapted.rates) for made in (small_, large)]
    assert counts[1] == 2 * counts[0]
    begun = build(found.sources, small(language_model=model, tuning={
        "way": "all", "checkpointing": True
    })).language_model  # fmt: skip
    assert begun is not None
    begun.begin_learning()
    assert begun.backbone.is_activation_checkpointing
    begun.finish()
    assert not begun.backbone.is_activation_checkpointing


def test_as_is_learns_nothing(seen: Any, model: str, captions: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read column 'photo' as it is"):
        seen(small(language_model=model, as_is=True))


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(TrainConfig)])
@pytest.mark.parametrize("part", ["writing", "rewarded"])
def test_keys_of_the_loops_reach_them(seen: Any, part: str, name: str) -> None:
    values = {"precision": "float16", "stop_on": "cider", "balanced": True, "noise": True}
    start = small(reinforce={"reward": "token_f1"})
    before = getattr(getattr(start, part), name)
    value = values.get(name)
    if value is None:
        value = before + 1 if isinstance(before, int) else (before or 0.1) / 2
    if part == "rewarded" and name == "precision":
        pytest.skip("rewards are learned from in float32")
    _, asked = seen(with_key(f"{part}.{name}", value, start))
    settings = {"Write": "writing", "Reinforced": "rewarded"}
    found = {settings[kind]: own for own, _, kind in asked}
    assert getattr(found[part], name) == value


def drawn(**reinforce: Any) -> float:
    """Return the loss of a batch."""
    config = ReinforceConfig("x", **reinforce)
    task = Reinforced(Write(decoder(), longest=4), _length, config)
    with torch.no_grad():
        for weight in task.task.decoder.parameters():
            weight.add_(0.05)
    torch.manual_seed(3)
    loss = task.loss(features(), torch.arange(6)[:, None].float(), torch.ones(6))
    return float(loss.detach())


def _length(texts: Any, rows: torch.Tensor) -> torch.Tensor:
    return torch.tensor([float(sum(text)) for text in texts])


@pytest.mark.parametrize(
    ("key", "value"), [("way", "group"), ("group", 8), ("temperature", 3.0), ("kl", 5.0)]
)
def test_keys_of_rewards(key: str, value: Any) -> None:
    assert drawn() == drawn()
    assert drawn() != drawn(**{key: value})


def test_every_key_is_in_a_test() -> None:
    """All keys of `write` are named above; `reward` is in `test_learning`."""
    text = Path(__file__).read_text(encoding="utf-8")
    names = [key.rpartition(".")[2] for key in keys(WriteConfig)]
    assert len(names) > 25
    assert [name for name in names if f"{name}=" not in text and f'"{name}"' not in text] == []


NUMBERS = {
    WriteConfig: {"width": 7, "layers": 0, "heads": 0, "dropout": 1.0, "vocabulary": 299,
                  "longest": 0, "longest_prompt": 0, "smoothing": 1.0},
    DecodingConfig: {"beams": 0, "length_penalty": 11.0, "temperature": 0.0, "top_p": 0.0,
                     "longest": 0, "batch_size": 0},
    ReinforceConfig: {"group": 0, "temperature": 0.0, "kl": -1.0},
}  # fmt: skip
"""A value of each number that is out of range."""


@pytest.mark.parametrize(
    ("kind", "key"), [(kind, key) for kind, own in NUMBERS.items() for key in own]
)
def test_numbers_out_of_range_are_refused(kind: Any, key: str) -> None:
    with pytest.raises(ConfigError, match=f"Setting '{key}' must be between"):
        kind(**{key: NUMBERS[kind][key]})


@pytest.mark.parametrize("kind", NUMBERS)
def test_every_number_has_a_range(kind: Any) -> None:
    default = kind()
    numbers = {f.name for f in dataclasses.fields(kind)
               if type(getattr(default, f.name)) in (int, float)}  # fmt: skip
    assert numbers == set(NUMBERS[kind])
