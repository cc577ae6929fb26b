"""Re-ranking by late interaction, against the formula on each row by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_index import QUIET, made_space, things

import plait
from plait.errors import ConfigError
from plait.search.query import Query
from plait.spaces.space import Space


def texts(rows: int = 120) -> dict[str, list[object]]:
    """Return things whose group is of two columns of words, each a token."""
    table = things(rows)
    pairs = [words.split() for words in table["words"]]
    return {"colour": [c for c, _ in pairs], "shape": [s for _, s in pairs], "code": table["code"]}


@pytest.fixture(scope="module")
def space() -> Space:
    from plait.fusion.fusion import FusionConfig
    from plait.spaces.space import AlignConfig
    from plait.tasks.align import AlignTaskConfig
    from plait.train.config import TrainConfig

    config = AlignConfig(
        fusion="self_attention", task=AlignTaskConfig("filip", width=16),
        train=TrainConfig(epochs=1, least_steps=1, batch_size=64, modality_dropout=0.0),
        fusion_settings=FusionConfig(width=16, heads=2, layers=1),
    )  # fmt: skip
    said = {"colour": "text", "shape": "text", "code": "vector"}
    return plait.align(texts(), "colour,shape", "code", modalities=said, config=config,
                       progress=QUIET)  # fmt: skip


def plain(space: Space, table: dict[str, list[object]], code: object) -> np.ndarray:
    """Return for each row the mean over the query's tokens of the largest cosine with its own."""
    query = space.tokens({"code": [code]}, "code")
    theirs = space.tokens(table, "colour,shape")
    own = query.tokens[0][query.mask[0]].numpy()
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    scores = []
    for tokens, mask in zip(theirs.tokens, theirs.mask, strict=True):
        some = tokens[mask].numpy()
        some = some / np.linalg.norm(some, axis=1, keepdims=True)
        scores.append((own @ some.T).max(axis=1).mean())
    return np.array(scores)


def test_the_best_are_in_the_order_of_their_tokens(space: Space, tmp_path: Path) -> None:
    table = texts()
    index = plait.index(space, table, tmp_path / "i.lance", group="colour,shape", progress=QUIET)
    code = table["code"][11]
    query = Query.cells({"code": code})
    before = [hit.row for hit in index.search(query, k=120)]
    found = index.search(query, k=120, rerank=True)
    scores = plain(space, table, code)
    assert found.score == "late interaction"
    first = [hit.row for hit in found][:100]
    assert set(first) == set(before[:100])
    assert first != before[:100]
    np.testing.assert_allclose([h.score for h in found.hits[:100]], scores[first], atol=1e-5)
    assert (np.diff(scores[first]) <= 1e-6).all()
    assert [hit.row for hit in found][100:] == before[100:]
    mixed = index.search(Query.like(3) - 0.5 * query, k=5, rerank=True)
    assert len(mixed) == 5
    assert len(index.search(query, rerank=True, where="colour = 'none'")) == 0


def test_what_cannot_be_read_again(space: Space, tmp_path: Path) -> None:
    one_vector = made_space()
    index = plait.index(one_vector, things(20), tmp_path / "i.lance", group="code", progress=QUIET)
    with pytest.raises(ConfigError, match="needs the tokens of a space that learned by FILIP"):
        index.search("cup", rerank=True)
    index = plait.index(space, texts(20), tmp_path / "j.lance", group="code", progress=QUIET)
    with pytest.raises(ConfigError, match="Column 'code' is not kept in the index as plain cells"):
        index.search(Query.cells({"colour": "red"}), rerank=True)
