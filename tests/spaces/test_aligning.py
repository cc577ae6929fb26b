"""align: a space is learned, judged on held-out rows, saved, and used; bad input is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.errors import ColumnError, ConfigError, ModelError, TableError
from plait.progress import Progress
from plait.spaces.space import AlignConfig, Space
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
COLOURS = ["red", "green", "blue", "white", "black", "yellow", "brown"]
SHAPES = ["cup", "bowl", "plate", "fork", "spoon", "knife", "glass"]
SAID = {"colour": "text", "shape": "text", "code": "vector", "weight": "number"}
TRAIN = TrainConfig(epochs=60, batch_size=128, learning_rate=5e-3, modality_dropout=0.0)
CONFIG = AlignConfig(task=AlignTaskConfig(width=32), train=TRAIN)


def things(rows: int = 400) -> dict[str, list[object]]:
    """Return colours and shapes in words, and a vector that is a code of both, with noise."""
    random = np.random.default_rng(0)
    codes = random.normal(size=(2, 7, 12))
    colour, shape = random.integers(0, 7, (2, rows))
    code = codes[0, colour] + codes[1, shape] + 0.3 * random.normal(size=(rows, 12))
    return {
        "colour": [COLOURS[c] for c in colour],
        "shape": [SHAPES[s] for s in shape],
        "code": [row.tolist() for row in code],
        "weight": [f"{10 * c + s + 0.5}" for c, s in zip(colour, shape, strict=True)],
        "part": [
            "test" if c + s in (3, 8) else "train" for c, s in zip(colour, shape, strict=True)
        ],
    }


def learned(left: str = "colour,shape", config: AlignConfig = CONFIG, **more: object) -> Space:
    return plait.align(things(), left, "code", modalities=SAID, config=config, progress=QUIET,
                       **more)  # fmt: skip


def first(space: Space, query: str) -> dict[str, float]:
    (one,) = (one for one in space.facts["retrieval"] if one["query"] == query)
    return {name: score["value"] for name, score in one["scores"].items()}


@pytest.fixture(scope="module")
def space() -> Space:
    return learned()


def test_combinations_that_were_never_seen_are_found(space: Space) -> None:
    """A code belongs to a colour and a shape; which, neither of them alone can say."""
    (one,) = (one for one in space.facts["retrieval"] if one["query"] == "code")
    assert one["found"] == "colour,shape"
    assert 5 < one["gallery"] < 20  # combinations, each once, and none of them learned from
    assert first(space, "code")["recall@1"] > 0.6
    for alone in ("colour", "shape"):
        rows = things()
        table = {name: rows[name] for name in (alone, "code")}
        said = {name: SAID[name] for name in table}
        part = plait.align(table, alone, "code", modalities=said, config=CONFIG, progress=QUIET)
        keys = np.unique(np.array(things()["colour"]) + np.array(things()["shape"]))
        vectors = part.vectors(table, "code"), part.vectors(table, alone)
        nearest = (vectors[0] @ vectors[1].T).argmax(axis=1)
        both = np.array([a + b for a, b in zip(rows["colour"], rows["shape"], strict=True)])
        assert (both[nearest] == both).mean() < 0.5
        assert len(keys) == 49


def test_losses_and_widths(space: Space) -> None:
    for loss in ("siglip", "filip"):
        task = AlignTaskConfig(loss, width=16, hidden=24)
        other = learned(config=replace(CONFIG, task=task))
        assert other.vectors(things(10), "code").shape == (10, 16)
        assert first(other, "code")["recall@1"] > 3 * 0.1


def test_vectors_have_length_one_and_missing_ones_are_nan(space: Space) -> None:
    rows = things(20)
    rows["code"][3] = None
    found = space.vectors(rows, "code")
    assert np.isnan(found[3]).all()
    np.testing.assert_allclose(np.linalg.norm(np.delete(found, 3, 0), axis=1), 1, atol=1e-5)
    half = {"colour": rows["colour"]}
    assert np.isfinite(space.vectors(half, "colour,shape")).all()


def test_a_saved_space_gives_the_same_vectors(space: Space, tmp_path: Path) -> None:
    space.save(tmp_path / "space")
    again = plait.load(tmp_path / "space")
    for group in space.groups:
        np.testing.assert_array_equal(
            space.vectors(things(30), group), again.vectors(things(30), group)
        )
    assert again.facts == space.facts
    card = (tmp_path / "space" / "README.md").read_text()
    assert "# A plait space of `colour,shape` and `code`" in card
    assert "before the space was learned again from all rows" in card
    with pytest.raises(ModelError, match="exists already; choose another folder"):
        space.save(tmp_path / "space")
    with pytest.raises(ModelError, match="holds a space, and a model is needed"):
        plait.model.load(tmp_path / "space")


def test_a_model_is_no_space(tmp_path: Path) -> None:
    (tmp_path / "plait.json").write_text('{"format": 1}')
    with pytest.raises(ModelError, match="holds a model, and a space is needed"):
        Space.load(tmp_path)


def test_the_same_seed_gives_the_same_space(space: Space) -> None:
    np.testing.assert_array_equal(
        learned().vectors(things(9), "code"), space.vectors(things(9), "code")
    )


def test_a_test_part_is_kept_apart() -> None:
    space = learned(split="column:part")
    assert space.facts["apart"]
    assert space.facts["judged"] == things()["part"].count("test")
    assert first(space, "code")["recall@1"] > 0.5


def test_more_than_two_groups_and_numbers() -> None:
    rows = things()
    rows["code"][:100] = [None] * 100  # pairs of the others are learned from all the same
    space = plait.align(
        rows, "colour,shape", "code", others=["weight"], modalities=SAID, config=CONFIG,
        progress=QUIET,
    )  # fmt: skip
    pairs = {(one["query"], one["found"]) for one in space.facts["retrieval"]}
    assert len(pairs) == 6
    assert space.vectors(rows, "weight").shape == (400, 32)
    assert np.isnan(space.vectors(rows, "code")).all(axis=1).sum() == 100


def test_rows_of_one_key_are_held_out_together() -> None:
    rows = things()
    rows["owner"] = [f"owner {n % 30}" for n in range(400)]
    space = plait.align(rows, "weight", "code", key="owner", modalities=SAID, config=CONFIG,
                        progress=QUIET)  # fmt: skip
    assert space.facts["judged"] == 80


def test_trained_encoders() -> None:
    rows = {name: cells[:120] for name, cells in things().items()}
    rows["words"] = [f"a {c} {s}" for c, s in zip(rows["colour"], rows["shape"], strict=True)]
    deep = TrainConfig(epochs=3, least_steps=10, batch_size=32, modality_dropout=0.0)
    encoders = plait.encoders.config.choose_encoders(["text=lstm"])  # type: ignore[attr-defined]
    space = plait.align(
        rows, "words", "code", modalities=SAID | {"words": "text"}, progress=QUIET,
        config=replace(CONFIG, deep=deep, encoders=encoders),
    )  # fmt: skip
    assert list(space.network.by_name) == ["words"]
    assert np.isfinite(space.vectors({"words": ["a red cup", "a blue fork"]}, "words")).all()


def test_labels_that_are_words() -> None:
    rows = things()
    rows["words"] = [f"{c} {s}" for c, s in zip(rows["colour"], rows["shape"], strict=True)]
    space = plait.align(rows, "code", "words", modalities=SAID | {"words": "text"}, config=CONFIG,
                        progress=QUIET)  # fmt: skip
    scores = space.classify(rows, COLOURS, ["{}", "a {}"])
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    right = [COLOURS[best] == said for best, said in
             zip(scores.argmax(axis=1), rows["colour"], strict=True)]  # fmt: skip
    assert np.mean(right) > 0.5  # of seven
    with pytest.raises(ConfigError, match="Template 'a cup' has no {} for the label"):
        space.classify(rows, COLOURS, ["a cup"])
    with pytest.raises(TableError, match="none of the columns that words can be matched with"):
        space.classify({"words": ["red cup"]}, COLOURS)


def test_evaluating_other_rows(space: Space) -> None:
    found = {one.query: one for one in space.evaluate(things(150))}
    assert found["code"].scores["recall@1"].value > 0.5
    assert found["code"].queries == 150
    with pytest.raises(TableError, match="No row has two of the groups"):
        space.evaluate({"code": things(20)["code"]})


def test_bad_input(space: Space) -> None:
    def run(left: str = "colour", right: str = "code", **more: object) -> None:
        plait.align(things(), left, right, modalities=SAID, progress=QUIET, **more)

    with pytest.raises(ColumnError, match="Column 'color' is not in the table. Did you mean"):
        run("color")
    with pytest.raises(ColumnError, match="Column 'code' is named twice; a column is of one"):
        run("code")
    with pytest.raises(ConfigError, match="Preset 'fast' is not known"):
        run(preset="fast")
    with pytest.raises(ConfigError, match="Fusion 'gate' is not known. Did you mean 'gated'"):
        AlignConfig(fusion="gate")
    with pytest.raises(ConfigError, match="Group of columns 'colour' is not known"):
        space.vectors(things(5), "colour")
    with pytest.raises(TableError, match="The table has none of the columns of 'code'"):
        space.vectors({"price": [1.0, 2.0]}, "code")
    with pytest.raises(ConfigError, match="No group is a single column of text"):
        space.classify(things(5), COLOURS)
    same = {"note": ["the same"] * 400, **things()}
    with pytest.raises(ColumnError, match="Column 'note' is not read"):
        plait.align(same, "note", "code", progress=QUIET)
    few = {name: cells[:6] for name, cells in things().items()}
    few["code"][2:] = [None] * 4
    with pytest.raises(TableError, match="2 rows have two of the groups"):
        plait.align(few, "colour", "code", modalities=SAID, progress=QUIET)
