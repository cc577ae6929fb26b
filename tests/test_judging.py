"""A space judged by classes it never learned, and by a probe; groups kept whole; bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_aligning import COLOURS, CONFIG, QUIET, SAID, things

import plait
from plait.errors import ColumnError, ConfigError, TableError
from plait.judging import probe_space, zero_shot
from plait.space import Space


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
