"""Queries: a weighted sum of terms, each read by the group that can."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_index import made_space

from plait.errors import ConfigError
from plait.search.query import UNKNOWN, Query, Term, joined, vector_of
from plait.spaces.space import Space


@pytest.fixture(scope="module")
def space() -> Space:
    return made_space()


def test_terms_add_up() -> None:
    query = Query.text("red") + 0.5 * Query.like(7) - 2.0 * Query.text("leather")
    assert [(t.kind, t.value, t.weight) for t in query.terms] == [
        ("text", "red", 1.0), ("like", 7, 0.5), ("text", "leather", -2.0)
    ]  # fmt: skip
    assert query.words == "red"
    assert query.rows == [7]


def test_the_sum_is_of_length_one_and_passes_over_nan() -> None:
    vectors = [np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([np.nan, np.nan])]
    found = joined(vectors, [2.0, -1.0, 1.0])
    assert found is not None
    np.testing.assert_allclose(found, np.array([2, -1]) / np.sqrt(5), rtol=1e-6)
    assert joined([vectors[0]], [-1.0]) is None
    assert joined([vectors[0], vectors[0]], [1.0, -1.0]) is None
    assert joined([vectors[2]], [1.0]) is None


def test_words_go_to_the_group_of_words_and_cells_to_theirs(space: Space) -> None:
    own = space.vectors({"words": ["red cup"]}, "words")[0]
    np.testing.assert_allclose(vector_of(space, Term("text", "red cup")), own, atol=1e-6)
    np.testing.assert_allclose(vector_of(space, Term("cells", {"words": "red cup"})), own)
    code = np.linspace(-1, 1, 12).tolist()
    np.testing.assert_array_equal(
        vector_of(space, Term("cells", {"code": code})), space.vectors({"code": [code]}, "code")[0]
    )


def test_words_that_the_space_does_not_know_have_no_vector(space: Space) -> None:
    assert np.isnan(vector_of(space, Term("text", "чашка"))).all()
    assert np.isfinite(vector_of(space, Term("text", "чашка red"))).all()
    assert np.isfinite(space.vectors({"words": [UNKNOWN]}, "words")).all()


def test_bad_queries(space: Space) -> None:
    for empty in (Query(), Query.text("  "), -1.0 * Query.text("red")):
        with pytest.raises(ConfigError, match="The query is empty. Give words, a picture"):
            empty.require()
    with pytest.raises(ConfigError, match="cannot be asked with a picture: none of its groups"):
        vector_of(space, Term("image", "q.jpg"))
    with pytest.raises(ConfigError, match="No group of the space reads any of"):
        vector_of(space, Term("cells", {"weight": 3}))


def test_of_several_languages_the_one_that_knows_the_words_is_asked() -> None:
    def source(name: str) -> Any:
        return SimpleNamespace(kind="text", columns=(SimpleNamespace(stored=name),))

    known = {"name": "cat", "name_zh": "猫"}

    def vectors(table: Any, group: str) -> np.ndarray:
        cells = table.values(group)
        return np.array([[1.0, 0.0] if cell == known[group] else [0.0, 1.0] for cell in cells])

    groups = {name: (source(name),) for name in known}
    space: Any = SimpleNamespace(groups=groups, vectors=vectors)
    for word in known.values():
        assert vector_of(space, Term("text", word)).tolist() == [1.0, 0.0]
    assert np.isnan(vector_of(space, Term("text", "perro"))).all()


def test_of_several_groups_the_one_with_fewest_columns_is_asked() -> None:
    def source(kind: str, name: str) -> Any:
        return SimpleNamespace(kind=kind, columns=(SimpleNamespace(stored=name),))

    asked = {}

    def vectors(table: Any, group: str) -> np.ndarray:
        asked[group] = table.columns
        return np.eye(2)[: len(table)]

    groups = {"both": (source("text", "title"), source("image", "photo")),
              "said": (source("text", "caption"),)}  # fmt: skip
    space: Any = SimpleNamespace(groups=groups, vectors=vectors)
    vector_of(space, Term("text", "red"))
    assert asked == {"said": ["caption"]}
    groups["said"] = (source("text", "caption"), source("text", "story"), source("audio", "voice"))
    groups["told"] = (source("text", "title"), source("text", "plot"), source("text", "end"))
    vector_of(space, Term("text", "red"))
    assert asked["told"] == ["title", "plot", "end"]  # no other column; and all columns of words
    picture = np.zeros((4, 4, 3), np.uint8)
    vector_of(space, Term("image", picture))
    assert asked["both"] == ["photo"]
    with pytest.raises(ConfigError, match=r"The query's picture 'none.jpg' cannot be read: "):
        vector_of(space, Term("image", "none.jpg"))
