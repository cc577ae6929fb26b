"""Segmenting on the command line, from a table to masks and a sheet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import here
from PIL import Image
from squares import make_classes, small, write_table

import plait
from plait.config import to_json
from plait.data.mask import read_mask


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of masks, the names of its classes, and settings."""
    folder = tmp_path_factory.mktemp("roads")
    write_table(folder, make_classes(folder, 24))
    (folder / "classes.csv").write_text("value,name,colour\n0,ground,\n3,car,#ff0000\n7,sky,blue\n")
    own = to_json(small(epochs=12))
    (folder / "settings.json").write_text(
        json.dumps({name: own[name] for name in ("segment", "segmenting", "encoders")})
    )
    return folder


def test_from_a_table_to_masks(roads: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    said = ("--classes", roads / "classes.csv", "--void", 9, "--config", roads / "settings.json")
    shown = here("fit", roads / "table.csv", "-t", "mask", "-o", model, *said)
    assert "mean_iou" in shown
    assert "car" in shown
    assert f"plait predict {model} new.csv" in shown
    out = tmp_path / "out" / "predictions.csv"
    shown = here("predict", model, roads / "table.csv", "-o", out)
    assert "24 predictions of 'mask'" in shown
    made = plait.read(str(out))
    assert {"mask_predicted", "share(ground)", "share(car)", "share(sky)"} <= set(made.columns)
    with Image.open(out.parent / made.values("mask_predicted")[0]) as first:
        assert first.mode == "P"
        assert set(np.unique(np.asarray(first))) <= {0, 3, 7}
        assert first.getpalette()[9:12] == [255, 0, 0]  # of value 3
    shares = [float(made.values(f"share({name})")[0]) for name in ("ground", "car", "sky")]
    assert sum(shares) == pytest.approx(1)
    coded = tmp_path / "out" / "coded.jsonl"
    here("predict", model, roads / "table.csv", "-o", coded, "--rle")
    for code, name in zip(
        plait.read(str(coded)).values("mask_predicted"), made.values("mask_predicted"), strict=True
    ):
        assert (read_mask(code) == read_mask(name, out.parent)).all()
    sheet = tmp_path / "sheet.png"
    shown = here("evaluate", model, roads / "table.csv", "--sheet", sheet)
    assert "24 masks judged" in shown
    with Image.open(sheet) as drawn:
        assert drawn.width > 500
    assert json.loads(here("evaluate", model, roads / "table.csv", "--json"))["rows"] == 24
    assert "exists already" in here("predict", model, roads / "table.csv", "-o", out, ok=False)
    assert "this model makes masks" in here(
        "predict", model, roads / "table.csv", "-o", tmp_path / "x.csv", "--explain", ok=False
    )


def test_a_sheet_is_of_masks(things: Path, tmp_path: Path) -> None:
    model = plait.fit(str(things), "kind", ignore=["photo", "text", "price"])
    folder = model.save(tmp_path / "model")
    shown = here("evaluate", folder, things, "--sheet", tmp_path / "sheet.png", ok=False)
    assert "--sheet shows masks, and this model makes none" in shown
    shown = here("predict", folder, things, "-o", tmp_path / "x.csv", "--rle", ok=False)
    assert "--rle is of masks, and this model makes none" in shown


def test_a_board_of_masks(roads: Path) -> None:
    shown = here("compare", roads / "table.csv", "-t", "mask", "--void", 9, "--config",
                 roads / "settings.json")  # fmt: skip
    assert "one mask for all" in shown
    assert "photo" in shown
