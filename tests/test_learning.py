"""What the target holds decides what is learned."""

from __future__ import annotations

from pathlib import Path

import pytest

import plait
from plait.errors import ColumnError, ConfigError
from plait.learning import text_target
from plait.model import Model


def test_texts_are_written_and_all_else_is_predicted(things: Path) -> None:
    table = plait.read(str(things))
    assert text_target(table, "kind", {}) is None
    assert text_target(table, "price", {}) is None
    assert text_target(table, "kind:text", {}) == "kind:text"
    assert text_target(table, "text", {}) == "text"
    assert text_target(table, "text", {"text": "category"}) is None
    assert text_target(table, ["kind", "price"], {}) is None


def test_a_text_is_learned_alone(things: Path) -> None:
    with pytest.raises(ColumnError, match="Target 'text' is a text .* learned alone"):
        plait.fit(str(things), ["text", "kind"])


def test_what_texts_do_not_have(things: Path) -> None:
    with pytest.raises(ConfigError, match="for which there is no 'trials' yet"):
        plait.fit(str(things), "text", trials=3)
    with pytest.raises(ConfigError, match="for which there is no 'start' yet"):
        plait.fit(str(things), "text", start="model")


def test_classes_go_where_they_went(things: Path) -> None:
    model = plait.fit(str(things), "kind", ignore=["photo", "text", "price"])
    assert isinstance(model, Model)
