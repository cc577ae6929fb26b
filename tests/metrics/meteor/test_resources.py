"""The words that METEOR looks up."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from made_meteor import made_resources

from plait.errors import MissingExtraError
from plait.metrics.meteor import resources as module
from plait.metrics.meteor.resources import read_paraphrases, resources


def test_files_are_read(tmp_path: Path) -> None:
    known = made_resources(tmp_path)
    assert {"the", "a", "is"} <= known.function_words
    assert known.prefixes == {"Dr": False, "No": True}


@pytest.mark.parametrize(
    ("word", "senses"),
    [
        ("dog", {"11", "12"}),
        ("dogs", {"11", "12"}),  # a regular ending
        ("boxes", {"5"}),
        ("ran", {"7", "9"}),  # irregular, of two base forms
        ("sprinting", {"7", "8"}),
        ("cat", set()),
        ("ss", set()),
    ],
)
def test_senses_are_of_the_word_and_of_its_base_forms(
    word: str, senses: set[str], tmp_path: Path
) -> None:
    known = made_resources(tmp_path)
    assert known.senses(word) == senses
    assert known.senses(word) == senses  # remembered


def test_paraphrases_are_kept_where_both_phrases_occur(tmp_path: Path) -> None:
    path = made_resources(tmp_path).paraphrases
    assert read_paraphrases(path, {b"before", b"in front of", b"quickly"}) == {
        b"in front of": [b"before"],
        b"before": [b"in front of"],
    }
    assert read_paraphrases(path, set()) == {}


@pytest.mark.parametrize("missing", ["pycocoevalcap", "snowballstemmer"])
def test_what_is_missing_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> object:
        return None if name == missing else importlib.util.find_spec("json")

    monkeypatch.setattr(module, "find_spec", found)
    resources.cache_clear()
    with pytest.raises(MissingExtraError, match=rf"{missing} is not installed. pip install 'plait"):
        resources()
    resources.cache_clear()
