"""Small tables of masks, and models of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from squares import by_words, make_classes, make_squares, small, write_table

from plait.segmenter.learning import segment
from plait.segmenter.segmenter import Segmenter


@pytest.fixture(scope="session")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 60 pictures and three phrases of each."""
    folder = tmp_path_factory.mktemp("phrases")
    return write_table(folder, make_squares(folder, 60))


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 40 pictures with two classes on a ground, and a row of void pixels."""
    folder = tmp_path_factory.mktemp("classes")
    return write_table(folder, make_classes(folder, 40))


@pytest.fixture(scope="session")
def of_phrases(phrases: Path) -> Segmenter:
    """A model of phrases."""
    return segment(str(phrases), "mask", modalities={"phrase": "text"}, config=by_words(small()))


@pytest.fixture(scope="session")
def of_classes(classes: Path) -> Segmenter:
    """A model of classes."""
    return segment(str(classes), "mask", config=small(void=[9]))
