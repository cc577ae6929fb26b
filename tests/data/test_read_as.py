"""A table for a model: its own names, or files of the kind that is meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import plait
from plait.data.loader import Source
from plait.data.read_as import read_as
from plait.types import Column, Modality


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        pixels = np.full((8, 8, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return tmp_path


def source(name: str, modality: Modality) -> Source:
    return Source(name, modality.value, (Column(name, modality),))


PHOTO, CAPTION = source("photo", Modality.IMAGE), source("caption", Modality.TEXT)


def test_pictures_of_a_folder_are_those_that_are_meant(folder: Path) -> None:
    table = plait.read(folder)
    found = read_as(folder, [PHOTO, CAPTION])
    assert found.columns == ["photo"]
    assert found.values("photo") == table.values("image")


def test_a_table_with_a_column_of_the_model_stays(folder: Path) -> None:
    table = plait.read({"picture": ["0.png"], "caption": ["a"]}, folder=folder)
    assert read_as(table, [PHOTO, CAPTION]) is table


def test_what_else_a_folder_has_stays(folder: Path) -> None:
    """Names of folders are a column `label`, which the model may read too."""
    table = plait.read({"image": ["0.png"], "label": ["a"]}, folder=folder)
    label = source("label", Modality.TEXT)
    assert read_as(table, [PHOTO, label]).columns == ["photo", "label"]


def test_nothing_is_guessed(folder: Path) -> None:
    """Of two pictures, of another kind or name, or of a joined table by itself."""
    table = plait.read(folder)
    assert read_as(table, [PHOTO, source("other", Modality.IMAGE)]) is table
    assert read_as(table, [source("sound", Modality.AUDIO)]) is table
    assert read_as(table, [PHOTO, source("image", Modality.TEXT)]) is table
    assert read_as(table, [source("film.still", Modality.IMAGE)]) is table
    named = plait.read({"picture": ["0.png"]}, folder=folder)
    assert read_as(named, [PHOTO]) is named
