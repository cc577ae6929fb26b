"""Every key of the settings of segmenting has the effect that its name says.

As `tests/ensemble/test_every_key.py`, for `segment` and `segmenting`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from squares import small

import plait
from plait import FitConfig
from plait.errors import ConfigError
from plait.progress import Progress
from plait.segmenter.learning import gathered, learn
from plait.segmenter.segmenter import Segmenter
from plait.tasks.segment_config import SegmentConfig
from plait.train import loop
from plait.train.config import TrainConfig
from plait.train.record import Record

QUIET = Progress(show=False)

Seen = Callable[..., tuple[Segmenter, list[tuple[Any, ...]]]]


@pytest.fixture(scope="module")
def seen(classes: Path) -> Seen:
    """Give the model of some settings, and what its training was asked for; no step is taken."""

    def look(config: FitConfig) -> tuple[Segmenter, list[tuple[Any, ...]]]:
        asked: list[tuple[Any, ...]] = []

        def train(network: Any, lesson: Any, settings: TrainConfig, *rest: Any) -> None:
            asked.append((settings, lesson))

        table = plait.read(str(classes)).take(range(6))
        ready = gathered(table, "mask", {}, (), None, config, QUIET)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "train", train)
            rows = ready.material.rows
            return learn(ready.material, ready.classes, rows, config, Record(), QUIET), asked

    return look


def test_keys_of_the_masks(seen: Seen, tmp_path: Path) -> None:
    names = tmp_path / "classes.csv"
    names.write_text("value,name\n0,ground\n3,car\n")
    found, _ = seen(small(classes=str(names), void=[9, 7]))
    assert found.classes.names == ("ground", "car")
    assert found.classes.void == (9, 7)
    assert seen(small(picture="photo"))[0].picture == "photo"


def test_keys_of_the_network(seen: Seen) -> None:
    found, asked = seen(small(side=64, width=24, heads=3, dropout=0.25))
    task = found.network.task
    assert asked[0][1].target.shape[1:] == (64, 64)
    own = task.decoder
    assert own.blocks[0].one.in_channels == 24
    attention = {(one.block.attention.heads, one.block.attention.dropout)
                 for one in own.reading.rounds}  # fmt: skip
    assert attention == {(3, 0.25)}
    assert {m.p for m in task.modules() if isinstance(m, torch.nn.Dropout2d)} == {0.25}
    assert len(seen(small(layers=5))[0].network.task.decoder.reading.rounds) == 5
    assert seen(small(layers=0))[0].network.task.decoder.reading is None
    assert seen(small(modulate=False))[0].network.task.decoder.blocks[0].film is None
    assert own.blocks[0].film is not None


def test_keys_of_the_loss(seen: Seen) -> None:
    def loss(**segment: Any) -> float:
        model, asked = seen(small(**segment))
        lesson = asked[0][1]
        features = model.network.encode(lesson.rows)
        return float(model.network.loss(features, lesson.target, lesson.weight).detach())

    plain = loss(dice=0.0, boundary=0.0)
    assert loss(dice=1.0, boundary=0.0) > plain
    assert loss(dice=0.0, boundary=1.0) > plain
    assert loss(dice=2.0, boundary=0.0) - plain == pytest.approx(
        2 * (loss(dice=1.0, boundary=0.0) - plain), rel=1e-3
    )


def test_whether_anything_is_meant_is_asked_of_phrases(phrases: Path) -> None:
    table = plait.read(str(phrases)).take(range(12))

    def asked(**segment: Any) -> bool:
        config = small(epochs=1, **segment)
        ready = gathered(table, "mask", {"phrase": "text"}, (), None, config, QUIET)
        known = (ready.material, ready.classes, ready.material.rows, config)
        return learn(*known, Record(), QUIET).network.task.decoder.presence is not None

    assert asked(presence=1.0)
    assert not asked(presence=0.0)


def test_pictures_change_in_training_alone_and_only_if_asked(seen: Seen) -> None:
    assert seen(small(augment=True))[1][0][1].vary is not None
    assert seen(small(augment=False))[1][0][1].vary is None


def test_tiles_and_mirrored_pictures(seen: Seen, classes: Path) -> None:
    _, asked = seen(small(tile=32))
    assert len(asked[0][1].target) == 6 * 4  # pictures of 48 pixels
    model, _ = seen(small())
    table = plait.read(str(classes)).take([0])
    shown = []
    predict = model.network.task.predict
    for flip in (False, True):
        segment = replace(model.config.segment, flip=flip)
        own = replace(model, config=replace(model.config, segment=segment))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(model.network.task, "predict",
                          lambda features: shown.append(1) or predict(features))  # fmt: skip
            own.predict(table, QUIET)
    assert len(shown) == 3


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(TrainConfig)])
def test_keys_of_the_loop_reach_it(seen: Seen, name: str) -> None:
    values = {"precision": "float16", "stop_on": "x", "balanced": True, "noise": True}
    start = small()
    before = getattr(start.segmenting, name)
    value = values.get(name)
    if value is None:
        value = before + 1 if isinstance(before, int) else (before or 0.1) / 2
    _, asked = seen(replace(start, segmenting=replace(start.segmenting, **{name: value})))
    assert getattr(asked[0][0], name) == value


def test_every_key_is_in_a_test() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    names = [field.name for field in dataclasses.fields(SegmentConfig)]
    assert len(names) > 12
    assert [name for name in names if f"{name}=" not in text] == []


NUMBERS = {"side": 31, "width": 7, "dropout": 1.0, "layers": -1, "heads": 0, "dice": -1.0,
           "boundary": -1.0, "presence": -1.0, "tile": -1}  # fmt: skip
"""A value of each number that is out of range."""


@pytest.mark.parametrize("key", NUMBERS)
def test_numbers_out_of_range_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=f"Setting '{key}' must be between"):
        SegmentConfig(**{key: NUMBERS[key]})  # type: ignore[arg-type]


def test_every_number_has_a_range() -> None:
    default = SegmentConfig()
    numbers = {f.name for f in dataclasses.fields(SegmentConfig)
               if type(getattr(default, f.name)) in (int, float)}  # fmt: skip
    assert numbers == set(NUMBERS)
    assert np.isscalar(default.tile)
