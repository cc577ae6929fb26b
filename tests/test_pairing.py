"""Pairs: columns, keys, files; a comparison learns them, better from mined strangers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import plait
from plait.errors import ColumnError, ConfigError, TableError
from plait.pairing import Paired, pair_rows
from plait.progress import Progress
from plait.space import AlignConfig, Space
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
SAID = {"here": "vector", "there": "vector"}
READ = {"left.here": "vector", "right.there": "vector"}


def things(rows: int, seed: int) -> dict[str, list[list[float]]]:
    """Return two views of each thing by two instruments; things come in eight families."""
    fixed, random = np.random.default_rng(9), np.random.default_rng(seed)
    here, there = fixed.normal(size=(2, 10, 14))
    families = 4 * fixed.normal(size=(8, 10))
    thing = families[random.integers(0, 8, rows)] + 0.4 * random.normal(size=(rows, 10))
    noise = 0.1 * random.normal(size=(2, rows, 14))
    return {
        "here": (thing @ here + noise[0]).tolist(),
        "there": (thing @ there + noise[1]).tolist(),
    }


@pytest.fixture(scope="module")
def space() -> Space:
    train = TrainConfig(epochs=20, batch_size=128, learning_rate=5e-3, modality_dropout=0.0)
    config = AlignConfig(task=AlignTaskConfig(width=24), train=train)
    return plait.align(things(300, 0), "here", "there", modalities=SAID, config=config,
                       progress=QUIET)  # fmt: skip


def learned(pairs: Paired, fusion: str = "comparison") -> plait.Model:
    config = plait.FitConfig(fusion=fusion, folds=1)
    return plait.fit(pairs.columns, "match", split="group:pair_group", ignore=["pair_group"],
                     modalities=READ, config=config, progress=QUIET)  # fmt: skip


def taken_in(model: plait.Model, pairs: Paired) -> tuple[float, float]:
    """Return the share of strangers that are taken for matches, and of matches for strangers."""
    said = np.array(model.predict(pairs.columns).values)
    truth = np.array(pairs.columns["match"])
    return float((said[truth == "no"] == "yes").mean()), float(
        (said[truth == "yes"] == "no").mean()
    )


def test_mined_strangers_teach_more_than_random_ones(space: Space) -> None:
    """Random ones differ by family alone; what tells members apart only near ones show."""
    hard = pair_rows(things(120, 1), "here", "there", space=space, hard=2, random=0)
    mined = learned(pair_rows(things(300, 0), "here", "there", space=space, hard=3, random=1))
    drawn = learned(pair_rows(things(300, 0), "here", "there", random=4))
    board = {line["name"]: line["score"]["value"] for line in mined.facts["board"]["lines"]}
    assert mined.entrant.name == "comparison"
    assert board["comparison"] > board["vector (2 columns)"] + 0.1  # a linear model of both sides
    print(board, taken_in(mined, hard), taken_in(drawn, hard))
    assert sum(taken_in(mined, hard)) < 0.6 * sum(taken_in(drawn, hard))
    assert taken_in(mined, hard)[0] < 0.1


def test_the_columns(space: Space) -> None:
    table = things(100, 1)
    table["here"][4] = None  # type: ignore[call-overload]
    found = pair_rows(table, "here", "there", space=space, hard=2, random=1, seed=3)
    assert (found.positives, found.left_out) == (99, 1)
    columns = found.columns
    assert list(columns) == ["left.here", "right.there", "match", "pair_group"]
    assert columns["match"] == ["yes"] * 99 + ["no"] * (found.mined + found.drawn)
    assert found.mined == 2 * 99
    assert 60 < found.drawn <= 99  # some were mined already
    of = {tuple(cell): row for row, cell in enumerate(table["there"])}
    own = {tuple(cell): row for row, cell in enumerate(table["here"]) if cell is not None}
    pairs = [(own[tuple(a)], of[tuple(b)]) for a, b in
             zip(columns["left.here"], columns["right.there"], strict=True)]  # fmt: skip
    assert all((a == b) == (m == "yes") for (a, b), m in zip(pairs, columns["match"], strict=True))
    assert len(set(pairs)) == len(pairs)
    # Both rows of every pair are of its block alone: a split of blocks tears no thing apart.
    blocks: dict[int, set[str]] = {}
    for pair, block in zip(pairs, columns["pair_group"], strict=True):
        for row in pair:
            blocks.setdefault(row, set()).add(block)
    assert {len(own_blocks) for own_blocks in blocks.values()} == {1}
    assert len(set(columns["pair_group"])) == 12
    again = pair_rows(table, "here", "there", space=space, hard=2, random=1, seed=3)
    assert again.columns == columns


def test_rows_of_one_key_or_with_a_common_cell_are_no_strangers() -> None:
    table = {"a": [f"thing number {n // 2} seen" for n in range(40)],
             "b": [f"view {n} of it" for n in range(40)],
             "owner": [f"owner {n // 10}" for n in range(40)]}  # fmt: skip
    found = pair_rows(table, "a", "b", random=30).columns
    for a, b, match in zip(found["left.a"], found["right.b"], found["match"], strict=True):
        same = int(a.split()[2]) == int(b.split()[1]) // 2
        assert match == "yes" or not same
    with_key = pair_rows(table, "a", "b", key="owner", random=30).columns
    for a, b, match in zip(with_key["left.a"], with_key["right.b"], with_key["match"], strict=True):
        assert match == "yes" or int(a.split()[2]) // 5 != int(b.split()[1]) // 10


@pytest.fixture(name="photos")
def _photos(request: pytest.FixtureRequest) -> Path:
    """The shared table of pictures, whose name is taken here."""
    path: Path = request.getfixturevalue("things")
    return path


def test_paths_of_pictures_start_where_the_pairs_are(photos: Path, tmp_path: Path) -> None:
    found = pair_rows(photos, "photo", "text", folder=tmp_path).columns
    assert all((tmp_path / cell).is_file() for cell in found["left.photo"])


def test_bad_input(space: Space) -> None:
    table = things(20, 0)
    with pytest.raises(
        ConfigError, match="Each pair needs a stranger: found hard=2, random=0 and n"
    ):
        pair_rows(table, "here", "there", random=0)
    with pytest.raises(ColumnError, match="Column 'hear' is not in the table. Did you mean 'here'"):
        pair_rows(table, "hear", "there")
    with pytest.raises(ConfigError, match="Group of columns 'there,other' is not known"):
        pair_rows(table | {"other": table["here"]}, "here", "there,other", space=space)
    same = {"here": table["here"], "there": table["there"], "of": ["one"] * 20}
    with pytest.raises(
        TableError, match="20 rows have both 'here' and 'there', of 1 different thin"
    ):
        pair_rows(same, "here", "there", key="of")
