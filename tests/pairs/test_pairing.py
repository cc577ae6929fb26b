"""Pairs: columns, keys, files; a comparison learns them, better from mined strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

import plait
from plait.contrastive import late_cosines
from plait.errors import ColumnError, ConfigError, TableError
from plait.evaluate.sides import Tokens
from plait.pairs.given import with_similarity
from plait.pairs.pairing import Paired, pair_rows
from plait.pairs.sides import Seen, similarities, similarity_of
from plait.progress import Progress
from plait.spaces.space import AlignConfig, Space
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig
from plait.types import Features

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


def learned(pairs: Paired, similarity: bool = False) -> plait.Model:
    config = plait.FitConfig(fusion="comparison", folds=1)
    columns = {n: v for n, v in pairs.columns.items() if similarity or n != "similarity"}
    return plait.fit(columns, "match", split="group:pair_group", ignore=["pair_group"],
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
    hard = pair_rows(things(120, 1), "here", "there", space=space, hard=2, random=0, unseen=True)
    near = {"space": space, "hard": 3, "random": 1}
    mined = learned(pair_rows(things(300, 0), "here", "there", unseen=True, **near))
    drawn = learned(pair_rows(things(300, 0), "here", "there", random=4))
    board = {line["name"]: line["score"]["value"] for line in mined.facts["board"]["lines"]}
    assert mined.entrant.name == "comparison"
    assert board["comparison"] > board["vector (2 columns)"] + 0.1  # a linear model of both sides
    print(board, taken_in(mined, hard), taken_in(drawn, hard))
    assert sum(taken_in(mined, hard)) < 0.6 * sum(taken_in(drawn, hard))
    assert taken_in(mined, hard)[0] < 0.1
    # What the space says of a pair is one of its columns: no worse than the space alone.
    both = learned(pair_rows(things(300, 0), "here", "there", **near), similarity=True)
    truth = np.array(hard.columns["match"]) == "yes"
    alone = roc_auc_score(truth, hard.columns["similarity"])
    place = list(both.target.labels).index("yes")
    with_it = roc_auc_score(truth, both.predict(hard.columns).scores[:, place])
    assert with_it > alone
    assert sum(taken_in(both, hard)) < 0.1


def test_the_columns(space: Space) -> None:
    table = things(100, 1)
    table["here"][4] = None  # type: ignore[call-overload]
    found = pair_rows(table, "here", "there", space=space, hard=2, random=1, seed=3, unseen=True)
    assert (found.positives, found.left_out) == (99, 1)
    columns = found.columns
    assert list(columns) == ["left.here", "right.there", "similarity", "match", "pair_group"]
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
    again = pair_rows(table, "here", "there", space=space, hard=2, random=1, seed=3, unseen=True)
    assert again.columns == columns


def cosine(space: Space, columns: dict[str, list[Any]]) -> np.ndarray:
    left = space.vectors({"here": columns["left.here"]}, "here", QUIET)
    right = space.vectors({"there": columns["right.there"]}, "there", QUIET)
    found: np.ndarray = (left * right).sum(axis=1)
    return found


def test_similarity_is_that_of_a_space_which_has_not_seen_the_pair(space: Space) -> None:
    table = things(100, 1)
    found = pair_rows(table, "here", "there", space=space, seed=3, progress=QUIET).columns
    blocks = np.array([int(name.split()[1]) for name in found["pair_group"]])
    rows = blocks % 5 == 3
    learned_from = [row for row in range(100) if blocks[row] % 5 != 3]  # matches come first
    cells = {name: [values[row] for row in learned_from] for name, values in table.items()}
    without = plait.align(cells, "here", "there", modalities=SAID, config=space.config,
                          progress=QUIET)  # fmt: skip
    expected = cosine(without, found)
    np.testing.assert_allclose(np.array(found["similarity"])[rows], expected[rows], atol=1e-5)
    assert np.abs(np.array(found["similarity"]) - expected)[~rows].max() > 0.01
    seen = pair_rows(table, "here", "there", space=without, seed=3, unseen=True).columns
    np.testing.assert_allclose(seen["similarity"], cosine(without, seen), atol=1e-5)


def test_new_pairs_get_the_same_column(space: Space) -> None:
    made = pair_rows(things(40, 2), "here", "there", space=space, unseen=True).columns
    new = {name: made[name] for name in ("left.here", "right.there", "match")}
    found = with_similarity(new, "here", "there", space, progress=QUIET)
    assert list(found) == ["left.here", "right.there", "match", "similarity"]
    assert found["left.here"] == made["left.here"]
    np.testing.assert_allclose(found["similarity"], made["similarity"], atol=1e-6)
    plain = {"here": made["left.here"][:50], "there": [None, *made["right.there"][1:50]],
             "id": list(range(50))}  # fmt: skip
    again = with_similarity(plain, "here", "there", space, progress=QUIET)
    assert list(again) == ["left.here", "right.there", "id", "similarity"]
    assert again["similarity"][0] is None
    np.testing.assert_allclose(again["similarity"][1:], found["similarity"][1:50], atol=1e-6)
    with pytest.raises(ColumnError, match="Column 'there' is not in the table"):
        with_similarity({"here": plain["here"]}, "here", "there", space)
    with pytest.raises(ConfigError, match="Group of columns 'hear' is not known.*'here'"):
        with_similarity(plain | {"hear": plain["here"]}, "hear", "there", space)


def test_similarities_of_tokens_are_late_cosines() -> None:
    random = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 6, 4, 5, generator=random)
    mask = torch.rand(2, 6, 4, generator=random) > 0.3
    mask[0, 2], mask[1, 5] = False, False
    sides = [Tokens(Features.of_tokens(t, m)) for t, m in zip(tokens, mask, strict=True)]
    pairs = np.array([[0, 1], [5, 0], [0, 3], [2, 1], [4, 5], [5, 4]])
    found = similarities(sides[0], sides[1], pairs)
    whole = late_cosines(tokens[0], mask[0], tokens[1], mask[1]).numpy()
    assert [score is None for score in found] == [False, False, False, True, True, False]
    for (one, other), score in zip(pairs, found, strict=True):
        assert score is None or score == pytest.approx(whole[one, other])
    assert similarities(sides[0], sides[1], pairs[3:5]) == [None, None]
    parts = (np.array([0, 2, 4, 5]), np.array([1, 3]))
    seen = [Seen(rows, sides[0].take(rows), sides[1].take(rows)) for rows in parts]
    pairs = np.array([[3, 1], [0, 4], [1, 1], [4, 0]])
    np.testing.assert_allclose(
        similarity_of(seen, pairs), whole[pairs[:, 0], pairs[:, 1]], rtol=1e-5
    )
    near = seen[0].nearest(np.arange(6), np.zeros(6, int), 1)
    assert near[:, 0].tolist() == [0, 4, 5]  # row 2 has no tokens on the left
    assert 5 not in near[:, 1]


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
    with pytest.raises(TableError, match="12 rows are too few to learn the space again without"):
        pair_rows(things(12, 0), "here", "there", space=space)
    with pytest.raises(ConfigError, match="Group of columns 'there,other' is not known"):
        pair_rows(table | {"other": table["here"]}, "here", "there,other", space=space)
    same = {"here": table["here"], "there": table["there"], "of": ["one"] * 20}
    with pytest.raises(
        TableError, match="20 rows have both 'here' and 'there', of 1 different thin"
    ):
        pair_rows(same, "here", "there", key="of")
