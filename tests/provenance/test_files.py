"""What a file says of its picture, and what can be read back of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plait.errors import TableError
from plait.provenance.files import inspect, write_png
from plait.provenance.statement import Statement, read_manifest, to_manifest
from plait.provenance.watermark import mark

SAID = Statement("model/", "f00d", 7, 'a red car & "ü"', {"steps": 20}, False, "plait 0.1.0")


def picture(side: int = 48) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)


def test_a_file_says_model_and_seed(tmp_path: Path) -> None:
    write_png(picture(), tmp_path / "a.png", SAID)
    found = inspect(tmp_path / "a.png")
    assert found.statement == SAID
    assert not found.watermark.marked
    with Image.open(tmp_path / "a.png") as file:
        texts = file.text  # type: ignore[attr-defined]
        np.testing.assert_array_equal(np.asarray(file), picture())
    assert texts["Software"] == "plait 0.1.0"
    assert "digitalsourcetype/trainedAlgorithmicMedia" in texts["XML:com.adobe.xmp"]
    action = json.loads(texts["c2pa"])["assertions"][0]["data"]["actions"][0]
    assert action["action"] == "c2pa.created"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_an_edited_picture_says_so(tmp_path: Path) -> None:
    write_png(picture(), tmp_path / "a.png", replace(SAID, edited=True))
    action = to_manifest(replace(SAID, edited=True))["assertions"][0]["data"]["actions"][0]
    assert action["action"] == "c2pa.edited"
    assert "compositeWithTrained" in action["digitalSourceType"]
    with Image.open(tmp_path / "a.png") as file:
        assert "compositeWithTrained" in file.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]


def test_a_jpeg_has_lost_its_texts_and_not_its_mark(tmp_path: Path) -> None:
    marked = mark(picture())
    assert marked is not None
    write_png(marked, tmp_path / "a.png", SAID)
    Image.open(tmp_path / "a.png").save(tmp_path / "a.jpg", quality=75)
    found = inspect(tmp_path / "a.jpg")
    assert found.statement is None
    assert found.watermark.marked


def test_nothing_is_said_where_that_is_turned_off(tmp_path: Path) -> None:
    write_png(picture(), tmp_path / "a.png", None)
    assert inspect(tmp_path / "a.png").statement is None


FOREIGN = '{"assertions": [{"label": "plait.drawing", "data": {"x": 1}}]}'


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"assertions": 3}', FOREIGN])
def test_what_is_no_manifest(text: str) -> None:
    assert read_manifest(text) is None


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(TableError, match=r"a.png' cannot be looked at: not a picture"):
        inspect(tmp_path / "a.png")
    with pytest.raises(TableError, match=r"b.png' cannot be looked at"):
        inspect(tmp_path / "b.png")
