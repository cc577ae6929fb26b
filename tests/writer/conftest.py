"""A small table of captions that need picture and text, and a model of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import write_csv
from writer_settings import make_captions, small

from plait.writer.learning import write
from plait.writer.writer import Writer


@pytest.fixture(scope="session")
def captions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 160 pictures and texts."""
    folder = tmp_path_factory.mktemp("captions")
    return write_csv(folder / "captions.csv", make_captions(folder, 160, seed=0))


@pytest.fixture(scope="session")
def writer(captions: Path) -> Writer:
    """A model of it; the last fifth of the rows is left for tests."""
    return write(str(captions), "caption:text", config=small())
