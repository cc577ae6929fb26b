"""A space judged by classes it never learned, and by a probe; groups kept whole; bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from spaces.test_aligning import COLOURS, CONFIG, QUIET, SAID, things

import plait
from plait.encoders.config import choose_encoders
from plait.errors import ColumnError, ConfigError, TableError
from plait.evaluate.retrieve import retrieve
from plait.evaluate.sides import Tokens
from plait.spaces.judging import probe_space, zero_shot
from plait.spaces.space import Space
from plait.tasks.align import Align, AlignTaskConfig
from plait.train.config import TrainConfig
from plait.types import Features


def rows(count: int = 400) -> dict[str, list[object]]:
    table = things(count)
    pairs = zip(table["colour"], table["shape"], strict=True)
    return {**table, "words": [f"{c} {s}" for c, s in pairs]}


@pytest.fixture(scope="module")
def space() -> Space:
    return plait.align(rows(), "code", "words", modalities=SAID | {"words": "text"}, config=CONFIG,
                       progress=QUIET)  # fmt: skip


def test_zero_shot_with_truth(space: Space) -> None:
    found = zero_shot(space, rows(150), templates=["{}", "a {}"], truth="colour", progress=QUIET)
    assert set(found.labels) == set(COLOURS)
    assert found.accuracy is not None
    assert found.accuracy.value > 0.5  # of seven
    assert found.judged == 150
    right = [a == b for a, b in zip(found.values, rows(150)["colour"], strict=True)]
    assert found.accuracy.value == pytest.approx(np.mean(right))
    without = zero_shot(space, rows(20), ["red", "blue"], progress=QUIET)
    assert without.accuracy is None
    few = zero_shot(space, rows(150), ["red", "blue"], truth="colour", progress=QUIET)
    assert few.judged == sum(c in ("red", "blue") for c in rows(150)["colour"])


def test_labels_are_compared_token_by_token_after_filip() -> None:
    """By hand: each of a row's tokens finds its nearest of the label; templates are averaged."""
    task = AlignTaskConfig("filip", width=16, noise=0.0)
    deep = TrainConfig(epochs=1, least_steps=3, batch_size=64, modality_dropout=0.0)
    encoders = choose_encoders(["text=transformer"])
    encoders = replace(encoders, trained=replace(encoders.trained, width=16, layers=1, heads=2))
    config = replace(CONFIG, task=task, deep=deep, encoders=encoders)
    space = plait.align(rows(120), "code,colour", "words", modalities=SAID | {"words": "text"},
                        config=config, progress=QUIET)  # fmt: skip
    table, labels, templates = rows(30), COLOURS[:3], ["a {}", "{} thing of a colour"]
    table["code"][4] = table["colour"][4] = None
    table["colour"][5] = table["colour"][3]
    table["code"][5] = None  # a token less
    found = space.classify(table, labels, templates)
    texts = [t.replace("{}", label) for label in labels for t in templates]
    words = space.tokens({"words": texts}, "words")
    things = space.tokens({name: table[name] for name in ("code", "colour")}, "code,colour")
    assert things.mask[3].sum() == things.mask[5].sum() + 1 > 1
    assert words.mask[0].sum() > 1
    scores = np.array([[nearest(things, row, words, text) for text in range(6)] for row in (3, 5)])
    task_of = space.network.task
    assert isinstance(task_of, Align)
    expected = np.exp(task_of.scale().item() * scores.reshape(2, 3, 2).mean(axis=2))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found[[3, 5]], expected, atol=1e-5)
    assert np.isnan(found[4]).all()
    assert not np.isnan(np.delete(found, 4, 0)).any()
    late, pooled = (
        [one["scores"]["MRR"]["value"] for one in space.facts[p]] for p in ("retrieval", "pooled")
    )
    assert late != pooled
    judged = {one.query: one.scores["MRR"].value for one in space.evaluate(rows(60))}
    sides = [Tokens(part) for part in (space.tokens(rows(60), g) for g in space.groups)]
    keys = [np.unique(rows(60)[name], return_inverse=True)[1] * 1.0 for name in ("words", "words")]
    again = retrieve(("a", "b"), (sides[1], sides[0]), (keys[0], np.arange(60.0)),
                     np.arange(60), 0)  # fmt: skip
    assert judged["words"] == pytest.approx(again.scores["MRR"].value)


def nearest(one: Features, row: int, other: Features, column: int) -> float:
    a, b = one.tokens[row][one.mask[row]].numpy(), other.tokens[column][other.mask[column]].numpy()
    a, b = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (a, b))
    return float((a @ b.T).max(axis=1).mean())


def test_a_probe_of_classes(space: Space) -> None:
    found = probe_space(space, rows(), "colour", "code", shots=(1, 8), draws=4, progress=QUIET)
    assert found.accuracy.value > 0.8
    assert found.shots[0].accuracy.value < found.shots[1].accuracy.value
    assert found.judged == 80
    table = rows()
    table["colour"][:50] = [None] * 50
    table["code"][50:60] = [None] * 10
    assert probe_space(space, table, "colour", "code", shots=(), progress=QUIET).judged == 68
    # The words are the first group that this table has a column of.
    only = {name: rows()[name] for name in ("words", "colour")}
    assert probe_space(space, only, "colour", shots=(), progress=QUIET).accuracy.value > 0.9


def test_groups_and_parts_are_kept_whole(space: Space) -> None:
    table = rows()
    table["owner"] = [f"owner {n // 8}" for n in range(400)]
    found = probe_space(space, table, "colour", "code", "group:owner", (), progress=QUIET)
    assert found.judged % 8 == 0
    parts = probe_space(space, table, "colour", "code", "column:part", (), progress=QUIET)
    assert parts.judged == table["part"].count("test")


def test_bad_input(space: Space, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"two different labels are needed, found \['red'\]"):
        zero_shot(space, rows(9), ["red"])
    with pytest.raises(ConfigError, match="two different labels are needed"):
        zero_shot(space, rows(9), ["red", "red"])
    with pytest.raises(ColumnError, match="Column 'color' is not in the table. Did you mean"):
        zero_shot(space, rows(9), ["red", "blue"], truth="color")
    with pytest.raises(ConfigError, match="Shots and draws must be 1 or more, found"):
        probe_space(space, rows(9), "colour", shots=(0,))
    with pytest.raises(ConfigError, match="Group of columns 'foto' is not known"):
        probe_space(space, rows(9), "colour", "foto")
    with pytest.raises(TableError, match="2 rows have both the group and 'colour'; 4 are needed"):
        probe_space(space, rows(2), "colour")
    with pytest.raises(TableError, match="has no column of any group of the space"):
        probe_space(space, {"colour": ["red"]}, "colour")
