"""What is learned from, what is held out, what is said, and a run that goes on where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from drawer_settings import SIDE, make_pictures, small
from PIL import Image

import plait
from plait.data.image import read_pictures
from plait.drawer.canvas import square
from plait.drawer.drawer import Drawer
from plait.drawer.learning import draw
from plait.drawer.sheet import Growing, due
from plait.encoders.pretrained.tuned import learned_of
from plait.errors import ColumnError, ConfigError, TableError
from plait.progress import Progress
from plait.tasks.draw_config import DrawConfig
from plait.train import checkpoint
from plait.train.record import Track

QUICK = {"drawing__epochs": 2, "drawing__least_steps": 1, "draw__judged": 5}
TEXT = {"name": "text"}


def test_facts_and_scores(drawer: Drawer) -> None:
    facts = drawer.facts
    assert facts["rows"] == 180
    assert facts["apart"]
    scores = facts["judged"]["scores"]
    assert facts["judged"]["rows"] == 12
    assert scores["loss"] < 1.0  # to say nothing costs 1 + the mean square of the pictures
    assert scores["kernel distance of real"] < scores["frechet distance"]
    assert 0 <= scores["copied"] <= 1


def test_sheets_grow_while_it_learns(drawer: Drawer, sheets: Path) -> None:
    rows = sorted(path.name for path in (sheets / "samples").iterdir())
    epochs = [int(name[6:12]) for name in rows]
    assert epochs[:3] == [4, 8, 12]
    assert epochs[-1] == len((sheets / "training.csv").read_text().splitlines()) - 1
    with (
        Image.open(sheets / "samples.png") as whole,
        Image.open(sheets / "samples" / rows[0]) as one,
    ):
        assert whole.height == len(rows) * one.height + 16
    assert (sheets / "drawn.png").is_file()


def test_columns_of_the_sheet_have_what_was_asked_for_under_them(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts, and categories and numbers of the table."""
    said: list[str] = []
    grown = Growing.__init__

    def told(sheet: Growing, folder: Path, words: list[str]) -> None:
        said.extend(words)
        grown(sheet, folder, words)

    monkeypatch.setattr(Growing, "__init__", told)
    rows = pd.read_csv(pictures).assign(size=1.5)
    rows["name"] += "\nor so"  # a sheet has one line for it
    draw(
        plait.read(rows, folder=pictures.parent), "picture:image", config=small(**QUICK),
        modalities={"name": "text", "place": "category", "size": "number"}, track=Track(tmp_path),
    )  # fmt: skip
    names = rows["name"].str.replace("\n", " ")
    assert said
    assert set(said) <= set(names + ", " + rows["place"] + ", 1.5")


def test_gaps_between_rows_of_the_sheet_double() -> None:
    assert [e for e in range(1, 61) if due(e, 1, 60)] == [
        1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 36, 44, 52, 60,
    ]  # fmt: skip
    assert [e for e in range(1, 12) if due(e, 3, 11)] == [3, 6, 9, 11]


def test_rows_of_one_prompt_need_not_stay_together_and_those_of_one_picture_must(
    tmp_path: Path,
) -> None:
    table = make_pictures(tmp_path, 40, seed=1)
    table["name"] = ["a red bar of paint"] * 40
    table["place"] = [str(number % 5) for number in range(40)]
    table["picture"] = table["picture"][:8] * 5  # each five times
    model = draw(plait.read(table, folder=tmp_path), "picture:image", modalities=TEXT,
                 config=small(**QUICK))  # fmt: skip
    assert model.facts["rows"] % 5 == 0
    assert 0 < model.facts["rows"] < 40


def test_a_run_that_was_killed_goes_on_to_the_same_weights(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    table, config = plait.read(str(pictures)).take(range(60)), small(**QUICK)
    known = draw(table, "picture:image", modalities=TEXT, config=config)
    steps = []
    write = checkpoint.Checkpoint.write

    def stop(self: checkpoint.Checkpoint, course: checkpoint.Course) -> None:
        write(self, course)
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            draw(table, "picture:image", modalities=TEXT, config=config, journal=tmp_path / "j")
    again = draw(table, "picture:image", modalities=TEXT, config=config, journal=tmp_path / "j")
    for name, value in learned_of(known.network).items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(value, learned_of(again.network)[name], rtol=0, atol=0)
    assert not (tmp_path / "j").exists()


def test_what_is_said_of_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = make_pictures(tmp_path, 24, seed=2)
    Image.new("L", (40, 20), 9).save(tmp_path / "grey.png")
    Image.new("RGBA", (30, 60), (9, 9, 9, 0)).save(tmp_path / "clear.png")
    table["picture"][:3] = ["grey.png", "clear.png", "none.png"]
    model = draw(plait.read(table, folder=tmp_path), "picture:image", modalities=TEXT,
                 config=small(**QUICK), progress=Progress(lines=True))  # fmt: skip
    said = capsys.readouterr().err
    assert f"Pictures of 3 sizes ({SIDE}x{SIDE} (21), 40x20 (1), 30x60 (1)) become" in said
    assert "those that are no squares are cut to their middle" in said
    assert model.facts["skipped"] == {"picture": 1}


def test_a_list_of_pictures_is_drawn_as_its_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = make_pictures(tmp_path, 20, seed=3)
    opened = [read_pictures(path, tmp_path)[0] for path in table["picture"]]
    table["picture"] = [[opened[0], opened[1]], *[[own] for own in opened[1:]]]
    draw(table, "picture:image", modalities=TEXT, config=small(**QUICK),
         progress=Progress(lines=True))  # fmt: skip
    assert "1 row with several pictures: the first is drawn." in capsys.readouterr().err


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_squares(fit: str) -> None:
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[:, 10:30] = 200
    found = square(picture, DrawConfig(side=16, fit=fit))  # type: ignore[arg-type]
    assert found.shape == (16, 16, 3)
    if fit == "crop":
        assert (abs(found.astype(int) - 200) < 8).mean() > 0.8
    else:
        assert (found[:3] == 255).all()
        assert (abs(found[5:11, 6:10].astype(int) - 200) < 8).all()
        assert (found[5:11, :2] < 8).all()


def test_a_text_that_is_too_long_is_said(
    drawer: Drawer, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small(**QUICK)
    trained = plait.config.from_json(  # type: ignore[attr-defined]
        type(config.encoders.trained), {"width": 16, "heads": 2, "layers": 1, "longest": 6}
    )
    config = plait.config.from_json(type(config), {  # type: ignore[attr-defined]
        **plait.config.to_json(config),  # type: ignore[attr-defined]
        "encoders": {**plait.config.to_json(config.encoders),  # type: ignore[attr-defined]
                     "trained": plait.config.to_json(trained), "of_text": "transformer"},  # type: ignore[attr-defined]
    })  # fmt: skip
    table = plait.read(str(pictures)).take(range(40))
    names = table.values("name")
    names[3] = "a red bar of paint and a lot of other words that nobody reads"
    table = plait.read({**{n: table.values(n) for n in table.columns}, "name": names},
                       folder=table.folder)  # fmt: skip
    model = draw(table, "picture:image", modalities=TEXT, config=config,
                 progress=Progress(lines=True))  # fmt: skip
    said = capsys.readouterr().err
    assert "1 row with a text that is longer than its encoder reads (row 3: name is read" in said
    assert list(model.predict({"name": ["a red", names[3]]}).cut) == [1]
    assert drawer.predict({"name": [names[3]]}).cut == {}  # words are counted, however many


def test_what_is_refused(pictures: Path) -> None:
    table = plait.read(str(pictures)).take(range(12))
    with pytest.raises(ColumnError, match="Pictures are drawn alone, and 'place' is named beside"):
        draw(table, ["picture:image", "place"], modalities=TEXT, config=small(**QUICK))
    one = plait.read({"picture": table.values("picture")[:3], "name": ["a", None, None]},
                     folder=table.folder)  # fmt: skip
    with pytest.raises(TableError, match="Of 3 rows 0 are left to learn from and 1 to be judged"):
        draw(one, "picture:image", modalities=TEXT, config=small(**QUICK))
    with pytest.raises(ConfigError, match="What draws takes pretrained networks as they are"):
        draw(table, "picture:image", preset="best", config=small(**QUICK))
