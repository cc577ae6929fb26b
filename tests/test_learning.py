"""What the target holds decides what is learned."""

from __future__ import annotations

from pathlib import Path

import pytest

import plait
from plait.errors import ColumnError, ConfigError
from plait.learning import written_targets
from plait.model import Model


def test_texts_are_written_and_all_else_is_predicted(things: Path) -> None:
    table = plait.read(str(things))
    assert written_targets(table, "kind", {}) == []
    assert written_targets(table, "price", {}) == []
    assert written_targets(table, "kind:text", {}) == ["kind:text"]
    assert written_targets(table, "text", {}) == ["text"]
    assert written_targets(table, "text", {"text": "category"}) == []
    assert written_targets(table, ["kind", "price"], {}) == []
    assert written_targets(table, ["kind", "text"], {}) == ["text", "kind"]


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
