"""What the target holds decides what is learned."""

from __future__ import annotations

from pathlib import Path

import pytest

import plait
from plait.errors import ColumnError, ConfigError
from plait.learning import made_targets
from plait.model import Model
from plait.types import Modality


def test_texts_are_written_and_all_else_is_predicted(things: Path) -> None:
    table = plait.read(str(things))
    assert made_targets(table, "kind", {}) == (None, [])
    assert made_targets(table, "price", {}) == (None, [])
    assert made_targets(table, "kind:text", {}) == (Modality.TEXT, ["kind:text"])
    assert made_targets(table, "text", {}) == (Modality.TEXT, ["text"])
    assert made_targets(table, "text", {"text": "category"}) == (None, [])
    assert made_targets(table, ["kind", "price"], {}) == (None, [])
    assert made_targets(table, ["kind", "text"], {}) == (Modality.TEXT, ["text", "kind"])
    assert made_targets(table, "photo", {}) == (Modality.IMAGE, ["photo"])


def test_one_text_at_a_time(things: Path) -> None:
    with pytest.raises(ColumnError, match="Targets 'text', 'kind' are texts, and one can"):
        plait.fit(str(things), ["text", "kind:text"])


def test_what_texts_do_not_have(things: Path) -> None:
    with pytest.raises(ConfigError, match="for which there is no 'trials' yet"):
        plait.fit(str(things), "text", trials=3)
    with pytest.raises(ConfigError, match="for which there is no 'start' yet"):
        plait.fit(str(things), "text", start="model")


def test_classes_go_where_they_went(things: Path) -> None:
    model = plait.fit(str(things), "kind", ignore=["photo", "text", "price"])
    assert isinstance(model, Model)


def test_what_pictures_do_not_have(things: Path) -> None:
    with pytest.raises(ConfigError, match="'photo' is a picture, for which there is no 'trials'"):
        plait.fit(str(things), "photo", trials=3)
    with pytest.raises(ConfigError, match="'photo' is a picture, and there is no contest of what"):
        plait.compare(str(things), "photo")
