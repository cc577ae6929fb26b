"""A model that draws: it needs both columns, what lacks is missing, folders repeat it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawer_settings import COLOURS, PLACES, SIDE, make_pictures, paint, seen

import plait
from plait.data.table import Table
from plait.drawer.drawer import Drawer
from plait.drawing.config import DrawingConfig
from plait.errors import ColumnError, ConfigError, ModelError, TableError
from plait.provenance.watermark import detect

ASKED = [(colour, place) for colour in COLOURS for place in PLACES] * 2
RAW = DrawingConfig(steps=8, guidance=1.5)


@pytest.fixture(scope="module")
def asked() -> dict[str, list[str]]:
    return {
        "name": [f"a {colour} bar of paint" for colour, _ in ASKED],
        "place": [place for _, place in ASKED],
    }


def share(pictures: tuple[np.ndarray | None, ...], part: int) -> float:
    assert all(own is not None for own in pictures)
    return float(np.mean([seen(own)[part] == truth[part]  # type: ignore[arg-type]
                          for own, truth in zip(pictures, ASKED, strict=True)]))  # fmt: skip


def test_it_draws_what_both_columns_say(drawer: Drawer, asked: dict[str, list[str]]) -> None:
    found = drawer.predict(asked)
    assert share(found.pictures, 0) > 0.9
    assert share(found.pictures, 1) > 0.9
    assert found.seeds == tuple(range(12))
    assert not found.cut
    assert found.absent == ()


@pytest.mark.parametrize(("column", "part"), [("name", 0), ("place", 1)])
def test_one_alone_knows_its_own_part(
    drawer: Drawer, asked: dict[str, list[str]], column: str, part: int
) -> None:
    found = drawer.predict({column: asked[column]})
    assert share(found.pictures, part) > 0.9
    assert share(found.pictures, 1 - part) < 0.9
    assert found.absent == (("place",) if column == "name" else ("name",))


def test_seeds_repeat_and_do_not_depend_on_the_rows_beside(
    drawer: Drawer, asked: dict[str, list[str]]
) -> None:
    many = drawer.predict(asked, drawing=replace(RAW, batch_size=5, seed=3))
    one = drawer.predict(
        {name: cells[4:5] for name, cells in asked.items()}, drawing=replace(RAW, seed=7)
    )
    assert many.pictures[4] is not None
    assert np.abs(many.pictures[4].astype(int) - one.pictures[0]).max() <= 1  # sums of other sizes
    other = drawer.predict(
        {name: cells[4:5] for name, cells in asked.items()}, drawing=replace(RAW, seed=8)
    )
    assert np.abs(other.pictures[0].astype(int) - one.pictures[0]).max() > 20  # type: ignore[operator, union-attr]


def test_what_is_negative_is_gone_away_from(drawer: Drawer) -> None:
    names = ["a red bar of paint", "a green bar of paint", "a blue bar of paint"] * 4
    config = replace(RAW, guidance=3.0)

    def above(negative: dict[str, str] | None) -> float:
        """Return how much darker upper halves are than lower ones, nothing being said of that."""
        drawn = drawer.predict({"name": names}, None, config, negative, watermark=False).pictures
        return float(np.mean([
            own[SIDE // 2 :].mean() - own[: SIDE // 2].mean()
            for own in drawn if own is not None
        ]))  # fmt: skip

    assert above({"place": "below"}) > above(None) + 5 > above({"place": "above"}) + 10
    with pytest.raises(ConfigError, match=r"guidance 1 has none; raise it \(--guidance 3\)"):
        drawer.predict({"name": names}, None, replace(RAW, guidance=1.0), {"place": "above"})


def test_editing_keeps_more_of_a_picture_the_lower_its_strength(drawer: Drawer) -> None:
    begin = paint("red", "above", np.random.default_rng(1))
    distances = []
    for strength in (0.05, 0.5, 1.0):
        found = drawer.predict(
            {"name": ["a blue bar of paint"], "place": ["above"]},
            drawing=replace(RAW, strength=strength), start=[begin], watermark=False,
        )  # fmt: skip
        (drawn,) = found.pictures
        assert drawn is not None
        distances.append(float(np.abs(drawn.astype(int) - begin).mean()))
        assert found.statement.edited
        assert found.statement.settings["strength"] == strength
    assert distances[0] < 20
    assert distances[0] < distances[1] < distances[2] + 5
    assert seen(drawn)[0] == "blue"
    with pytest.raises(ConfigError, match="There are 2 pictures to start from, and 1 rows"):
        drawer.predict({"name": ["a"]}, start=[begin, begin])


def test_every_picture_is_marked_unless_that_is_turned_off(
    drawer: Drawer, asked: dict[str, list[str]]
) -> None:
    found, bare = drawer.predict(asked), drawer.predict(asked, watermark=False)
    assert found.marked == tuple(detect(own).marked for own in found.pictures if own is not None)
    assert np.mean(found.marked) > 0.9
    assert bare.marked == (False,) * 12
    assert not any(detect(own).marked for own in bare.pictures if own is not None)


def test_a_row_of_nothing_gets_no_picture(drawer: Drawer, tmp_path: Path) -> None:
    found = drawer.predict({"name": ["a red bar of paint", None], "place": [None, None]})
    assert found.pictures[0] is not None
    assert found.pictures[1] is None
    first, second = found.write(tmp_path / "out")
    assert first is not None
    assert first.name == "0001-seed-0.png"
    assert second is None
    with pytest.raises(ConfigError, match="0001-seed-0.png' exists already; choose another folder"):
        found.write(tmp_path / "out")
    with pytest.raises(TableError, match="has none of the columns that the model reads"):
        drawer.predict({"title": ["x"]})


def test_folders_repeat_it(drawer: Drawer, tmp_path: Path, asked: dict[str, list[str]]) -> None:
    folder = drawer.save(tmp_path / "model")
    loaded = plait.load(folder)
    assert isinstance(loaded, Drawer)
    one, other = drawer.predict(asked), loaded.predict(asked)
    for left, right in zip(one.pictures, other.pictures, strict=True):
        np.testing.assert_array_equal(left, right)
    assert one.statement == other.statement
    assert {p.suffix for p in folder.iterdir()} == {".json", ".safetensors", ".md"}
    card = (folder / "README.md").read_text()
    assert "draws `picture`" in card
    assert "| kernel distance |" in card
    document = json.loads((folder / "plait.json").read_text())
    document["facts"]["canvas"] = "f00d"
    (folder / "plait.json").write_text(json.dumps(document))
    with pytest.raises(ModelError, match="in the latents of another autoencoder than '' is now"):
        Drawer.load(folder).predict(asked)


def test_evaluation(drawer: Drawer, tmp_path: Path) -> None:
    table = plait.read(make_pictures(tmp_path, 14, seed=5), folder=tmp_path)
    found = drawer.evaluate(table)
    assert found.rows == 14
    assert found.encoder == "classical"
    assert set(found.scores) == {
        "frechet distance", "kernel distance", "precision", "recall"
    }  # fmt: skip
    few = drawer.evaluate(table.take(range(2)))
    assert few.scores == {}
    with pytest.raises(TableError, match="No row has both a picture in 'picture' and a cell to"):
        drawer.evaluate(Table.of({**dict(table.data), "name": [None] * 14, "place": [None] * 14},
                                 table.folder))  # fmt: skip
    with pytest.raises(ColumnError, match="'picture' is not in the table"):
        drawer.evaluate({"name": ["a"]})
