"""A small table of pictures that need a name and a place, and a model of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import write_csv
from drawer_settings import make_pictures, small

from plait.drawer.drawer import Drawer
from plait.drawer.learning import draw
from plait.train.record import Track


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 200 rows."""
    folder = tmp_path_factory.mktemp("pictures")
    return write_csv(folder / "pictures.csv", make_pictures(folder, 200, seed=0))


@pytest.fixture(scope="session")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the sheets that were drawn while the model learned."""
    return tmp_path_factory.mktemp("sheets")


@pytest.fixture(scope="session")
def drawer(pictures: Path, sheets: Path) -> Drawer:
    """A model of it."""
    return draw(
        str(pictures), "picture:image", modalities={"name": "text"}, config=small(),
        track=Track(sheets),
    )  # fmt: skip
