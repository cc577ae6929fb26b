"""Classes of the values of masks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from plait.config import from_json, to_json
from plait.data.pixel_classes import PixelClasses, read_classes
from plait.errors import ConfigError, TableError

ONE = np.array([[0, 7, 7], [255, 3, 0]], np.int32)
TWO = np.array([[0, 9]], np.int32)


def test_classes_are_the_values_in_order() -> None:
    found = PixelClasses.learn([ONE, TWO], {7: "road", 3: ("sky", (1, 2, 3))}, (255,))
    assert found.values == (0, 3, 7, 9)
    assert found.names == ("0", "sky", "road", "9")
    assert found.void == (255,)
    assert found.palette[3] == (1, 2, 3)
    assert len(found) == len(set(found.colours)) == 4


def test_numbers_of_classes_and_back() -> None:
    classes = PixelClasses.learn([ONE], void=(255, 254))
    other = np.array([[3, 9, -4], [255, 0, 7], [254, 300, 7]], np.int32)
    numbers = classes.encode(other)
    assert numbers.tolist() == [[1, -1, -1], [-1, 0, 2], [-1, -1, 2]]
    assert numbers.dtype == np.int64
    assert classes.unknown(other) == 3
    assert classes.unknown(ONE) == 0
    back = classes.decode(numbers)
    assert back.tolist() == [[3, 255, 255], [255, 0, 7], [255, 255, 7]]
    assert back.dtype == np.int32
    assert PixelClasses.learn([TWO]).decode(np.array([[-1, 1]])).tolist() == [[-1, 9]]


def test_two_values_are_an_object_and_its_background() -> None:
    assert PixelClasses.learn([TWO]).names == ("background", "object")
    assert PixelClasses.learn([TWO], {9: "crack"}).names == ("background", "crack")
    assert PixelClasses.learn([TWO + 1]).names == ("1", "10")


def test_colours_of_the_palette_of_masks_and_of_values() -> None:
    found = PixelClasses.learn(
        [TWO], {9: ("crack", (5, 5, 5))}, palette={0: (7, 7, 7), 9: (1, 1, 1)}
    )
    assert found.colours == ((7, 7, 7), (5, 5, 5))
    assert PixelClasses.learn([np.array([[0, 0x804020]])]).colours == ((0, 0, 0), (128, 64, 32))


def test_saved_and_read() -> None:
    found = PixelClasses.learn([ONE, TWO], {7: "Straße"}, (255,))
    again = from_json(PixelClasses, json.loads(json.dumps(to_json(found))))
    assert again == found
    assert (again.encode(ONE) == found.encode(ONE)).all()
    with pytest.raises(ConfigError, match="Setting 'voids' is not known"):
        from_json(PixelClasses, {**to_json(found), "voids": []})


def test_masks_that_give_no_classes() -> None:
    many = [np.arange(200).reshape(2, 100), np.arange(100, 300).reshape(2, 100)]
    with pytest.raises(TableError, match="The first 2 masks have more than 256 values"):
        PixelClasses.learn(many)
    for masks, message in (
        ([TWO * 0, TWO * 0], "2 masks for training: besides void ones, only the value 0 is in"),
        ([], "0 masks for training: besides void ones, no value is in them"),
    ):
        with pytest.raises(TableError, match=message):
            PixelClasses.learn(masks)
    with pytest.raises(TableError, match="only the value 0"):
        PixelClasses.learn([TWO], void=(9,))
    with pytest.raises(ConfigError, match="None of the named values 1, 2 is .* which have 0, 9;"):
        PixelClasses.learn([TWO], {1: "a", 2: "b"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "value,name,colour\n0,road,#ff0080\n0x10, sky ,\n#0000ff,car,blue\n"),
        (
            "a.csv",
            "\ufeffvalue , name,colour\r\n0,road,#f08\r\n16,sky,\r\n255,car,blue\r\n",
        ),
        (
            "a.json",
            '[{"value": 0, "name": "road", "colour": "#ff0080"}, {"value": 16, "name": "sky"},'
            '{"value": "255", "name": "car", "colour": "#00f"}]',
        ),
    ],
)
def test_files_of_classes(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = read_classes(tmp_path / name)
    assert found[0] in (("road", (255, 0, 128)), ("road", (255, 0, 136)))
    assert found[16] == ("sky", None)
    assert found[255] == ("car", (0, 0, 255))


def test_an_object_of_names(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"0": "road", "#010203": "sky"}')
    assert read_classes(tmp_path / "a.json") == {0: ("road", None), 0x010203: ("sky", None)}


BROKEN = {
    "no file": (None, "Classes cannot be read from .*No such file"),
    "a.json": ("[1, 2]", "expected an object of names by value, or a list of objects"),
    "b.json": ("{", "Classes cannot be read from .*Expecting property"),
    "empty.csv": ("value,name\n", "has no classes; it needs rows of value,name"),
    "column.csv": ("value,name,color\n0,a,red\n", "'color' is not known. Did you mean 'colour'"),
    "value.csv": ("value,name\nx,a\n", "Row 0 of 'value.csv': value 'x' is no whole number"),
    "none.csv": ("name\na\n", "Row 0 of 'none.csv': value '' is no whole number"),
    "name.csv": ("value,name\n0,a\n1,\n", "Row 1 of 'name.csv' has no name"),
    "twice.csv": ("value,name\n0,a\n0,b\n", "value 0 or name 'b' comes twice"),
    "names.csv": ("value,name\n0,a\n1,a\n", "value 1 or name 'a' comes twice"),
    "colour.csv": ("value,name,colour\n0,a,reddish\n", "colour 'reddish' is not known; write it"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_are_no_classes(tmp_path: Path, name: str) -> None:
    text, message = BROKEN[name]
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_classes(tmp_path / name)
