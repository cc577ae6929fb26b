"""A small table of captions that need picture and text, and a model of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import make_things, write_csv
from writer_settings import small

from plait.writer.learning import write
from plait.writer.writer import Writer


@pytest.fixture(scope="session")
def captions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 160 pictures and texts; the caption names what both of them know.

    Texts repeat, so that tests say `modalities={"text": "text"}`.
    """
    folder = tmp_path_factory.mktemp("captions")
    table = make_things(folder, 160, seed=0)
    table["text"] = [text.partition(" no ")[0] for text in table["text"]]
    table["caption"] = [f"A {kind} Thing." for kind in table["kind"]]
    for name in ("weight", "kind", "price"):
        table.pop(name)
    return write_csv(folder / "captions.csv", table)


@pytest.fixture(scope="session")
def writer(captions: Path) -> Writer:
    """A model of it; the last fifth of the rows is left for tests."""
    return write(str(captions), "caption:text", config=small())
