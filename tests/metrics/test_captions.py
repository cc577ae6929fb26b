"""Candidates beside their references."""

from __future__ import annotations

import pytest

from plait.errors import TableError
from plait.metrics.captions import ngrams, pairs


def test_pairs_are_words() -> None:
    assert list(pairs(["A dog."], [["The dog!", "Dogs"]])) == [
        (("a", "dog"), [("the", "dog"), ("dogs",)])
    ]


def test_ngrams_are_counted() -> None:
    assert ngrams(("a", "b", "a"), 2) == {("a",): 2, ("b",): 1, ("a", "b"): 1, ("b", "a"): 1}
    assert ngrams((), 4) == {}


def test_references_must_belong_to_the_candidates() -> None:
    with pytest.raises(TableError, match="1 candidate and 2 lists of references: give one list"):
        list(pairs(["a"], [["a"], ["b"]]))
    with pytest.raises(TableError, match=r"The references of row 1 are \[\]: give a list of at"):
        list(pairs(["a", "b"], [["a"], []]))
    with pytest.raises(TableError, match="The references of row 0 are 'a dog': give a list"):
        list(pairs(["a"], ["a dog"]))


def test_what_is_missing_is_no_text() -> None:
    with pytest.raises(
        TableError, match="The candidate of row 1 is None: give a text, '' for none"
    ):
        list(pairs(["a", None], [["a"], ["b"]]))  # type: ignore[list-item]
    with pytest.raises(TableError, match=r"The references of row 0 are \['a', nan\]: give a list"):
        list(pairs(["a"], [["a", float("nan")]]))  # type: ignore[list-item]
