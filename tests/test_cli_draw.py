"""`plait fit` of a picture, `draw`, `predict`, `evaluate`, `check --watermark`: as a user does."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from command_line import here as plait
from conftest import write_csv
from drawer_settings import make_pictures, paint, small
from PIL import Image

from plait.config import to_json
from plait.provenance.files import inspect


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, settings, and a model that was fitted on the command line."""
    folder = tmp_path_factory.mktemp("draw")
    write_csv(folder / "pictures.csv", make_pictures(folder, 60, seed=0))
    config = small(drawing__epochs=4, drawing__least_steps=20, draw__judged=6)
    (folder / "settings.json").write_text(json.dumps(to_json(config)))
    said = plait(
        "fit", folder / "pictures.csv", "-t", "picture:image", "--text", "name",
        "--config", folder / "settings.json", "-o", folder / "model",
    )  # fmt: skip
    assert "KID on this encoder" in said
    assert "6 held-out rows drawn; vectors of 'classical'" in said
    assert "draw" in said.splitlines()[-1]
    assert (folder / "model" / "training" / "samples.png").is_file()
    assert (folder / "model" / "training" / "drawn.png").is_file()
    return folder


def test_draw(folder: Path) -> None:
    out = folder / "out"
    said = plait(
        "draw", folder / "model", "a red bar of paint", "above", "-o", out, "--count", "2",
        "--seed", "5", "--steps", "4", "--guidance", "2", "--sampler", "heun",
    )  # fmt: skip
    assert said.splitlines()[:2] == [str(out / "0001-seed-5.png"), str(out / "0002-seed-6.png")]
    found = inspect(out / "0002-seed-6.png")
    assert found.statement is not None
    assert (found.statement.model, found.statement.seed) == ("model", 6)
    assert found.statement.prompt == "a red bar of paint, above"
    assert found.statement.settings == {"steps": 4, "guidance": 2.0, "sampler": "heun"}
    assert found.watermark.marked
    assert "exists already" in plait(
        "draw", folder / "model", "name=x", "-o", out, "--seed", "5", ok=False
    )  # fmt: skip
    again = json.loads(plait(
        "draw", folder / "model", "name=x", "place=below", "-o", out, "--overwrite", "--json",
        "--negative", "place=above",
    ))  # fmt: skip
    assert again == [str(out / "0001-seed-0.png")]


def test_edit_and_turn_off_what_is_said(folder: Path) -> None:
    begin = folder / "begin.png"
    Image.fromarray(paint("red", "above", np.random.default_rng(0))).save(begin)
    plait(
        "draw", folder / "model", "a blue bar", "-o", folder / "edited", "--start", begin,
        "--strength", "0.1", "--no-watermark", "--no-metadata",
    )  # fmt: skip
    found = inspect(folder / "edited" / "0001-seed-0.png")
    assert found.statement is None
    assert not found.watermark.marked
    drawn = np.asarray(Image.open(folder / "edited" / "0001-seed-0.png")).astype(int)
    assert np.abs(drawn - np.asarray(Image.open(begin))).mean() < 30


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a red bar", "--steps", "0"], "'steps' must be between 1 and 10000, found 0"),
        (["a red bar", "--guidance", "-1"], "'guidance' must be between 0.0"),
        (["a red bar", "--sampler", "ddim"], "'sampler' must be one of 'euler', 'heun'"),
        ([" "], "What is to be drawn is empty"),
        (["name="], "What is to be drawn is empty"),
        (["a red bar", "--strength", "0.5"], "--strength is of editing"),
        (["a red bar", "--start", "none.png"], "cannot be started from"),
        (["a", "b", "c"], "There is no column left for 'c'"),
        (["a", "--side", "64"], "--side is for pipelines of diffusers; a model of plait has its"),
        (["a", "--lora", "x"], "--lora is for pipelines of diffusers"),
    ],
)
def test_what_cannot_be_drawn(folder: Path, words: list[str], message: str) -> None:
    out = folder / "wrong"
    said = plait("draw", folder / "model", *words, "-o", out, ok=False)
    assert message in said
    assert not out.exists()


def test_predict_and_evaluate(folder: Path) -> None:
    plait("predict", folder / "model", folder / "pictures.csv", "-o", folder / "new.csv")
    with (folder / "new.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert (folder / rows[7]["picture_drawn"]).is_file()
    assert inspect(folder / rows[7]["picture_drawn"]).watermark.marked
    said = json.loads(plait("evaluate", folder / "model", folder / "pictures.csv", "--json"))
    assert said["rows"] == 60
    wrong = plait("predict", folder / "model", folder / "pictures.csv", "-o", folder / "p.csv",
                  "--probabilities", ok=False)  # fmt: skip
    assert "this model draws pictures" in wrong


def test_a_space_says_whether_it_is_what_was_asked_for(folder: Path) -> None:
    plait(
        "align", folder / "pictures.csv", "--left", "picture", "--right", "name,place",
        "--text", "name", "-o", folder / "space",
    )  # fmt: skip
    said = json.loads(plait(
        "evaluate", folder / "model", folder / "pictures.csv", "--space", folder / "space", "--json"
    ))  # fmt: skip
    scores = said["scores"]
    assert scores["agreement"] - scores["agreement shuffled"] == pytest.approx(
        scores["agreement gain"], abs=1e-5
    )
    assert scores["agreement gain from"] <= scores["agreement gain"]
    wrong = plait("evaluate", folder / "space", folder / "pictures.csv", "--space", "x",
                  ok=False)  # fmt: skip
    assert "--space judges what a model draws" in wrong


def test_check_watermark(folder: Path) -> None:
    out = folder / "marked"
    plait("draw", folder / "model", "a red bar of paint", "-o", out)
    path = out / "0001-seed-0.png"
    Image.open(path).save(folder / "a.jpg", quality=75)
    real = next((folder / "pictures").iterdir())
    lines = plait("check", "--watermark", path, folder / "a.jpg", real).splitlines()
    assert [": watermark" in line for line in lines] == [True, True, False]
    assert "says it was drawn by model, seed 0" in lines[0]
    assert "says nothing of where it comes from" in lines[1]
    shown = plait("check", "--watermark", folder / "gone.png", path, ok=False)
    assert ": watermark" in shown, "one that cannot be read does not hide the others"
    assert "gone.png' cannot be looked at" in shown
    found = json.loads(plait("check", "--watermark", "--json", path))
    assert found[0]["watermark"]["marked"]
    assert "One table at a time is checked, and 2 are named" in plait(
        "check", folder / "pictures.csv", folder / "pictures.csv", ok=False
    )


def test_variation_of_a_picture(folder: Path) -> None:
    """A picture as an input; and rows that show one picture are on one side of the split."""
    cells = make_pictures(folder, 24, seed=3)
    write_csv(folder / "pairs.csv", {"sketch": cells["picture"], "picture": cells["picture"]})
    config = small(drawing__epochs=1, drawing__least_steps=1, draw__judged=2, draw__samples=0)
    (folder / "quick.json").write_text(json.dumps(to_json(config)))
    plait("fit", folder / "pairs.csv", "-t", "picture:image", "--config", folder / "quick.json",
          "-o", folder / "varies")  # fmt: skip
    out = folder / "varied"
    assert "0001-seed-0.png" in plait("draw", folder / "varies", folder / cells["picture"][0], "-o",
                                      out)  # fmt: skip
    (folder / "broken.png").write_text("no")
    said = plait("draw", folder / "varies", f"sketch={folder / 'broken.png'}", "-o", out, "--seed",
                 "9", ok=False)  # fmt: skip
    assert "There is nothing to draw from: not a picture that can be read" in said


def test_a_prompt_longer_than_any_name_of_a_file(folder: Path) -> None:
    said = plait("draw", folder / "model", "a red bar " * 100, "-o", folder / "long")
    assert "0001-seed-0.png" in said
