"""The text encoder against scikit-learn; empty, equal and Chinese texts."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy.sparse import hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from plait.data.text import words
from plait.encoders.classical_text import ClassicalText, ClassicalTextConfig

NOTHING = np.zeros((1, 1), np.float32)
TEXTS = [
    "A red bicycle, nearly new", "The blue bicycle", "Old red chairs and tables", "a table lamp",
    "Lamps of glass", "bicycle lamp", "nearly new chairs", "红色的自行车", "蓝色的自行车", "",
]  # fmt: skip


def fitted(texts: list[str | None], **settings) -> ClassicalText:
    encoder = ClassicalText(ClassicalTextConfig(**settings))
    encoder.fit(texts, NOTHING, 0)
    return encoder


@pytest.mark.parametrize("lower", [True, False])
def test_matrix_equals_tfidf_vectorizer(lower) -> None:
    shared = {"sublinear_tf": True, "lowercase": lower, "min_df": 1}
    theirs = [
        TfidfVectorizer(
            tokenizer=partial(words, lower=lower), token_pattern=None, ngram_range=(1, 2), **shared
        ),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **shared),
    ]
    expected = hstack([one.fit_transform(TEXTS) for one in theirs])
    found = fitted(TEXTS, lower=lower).matrix(TEXTS)
    assert found.shape == expected.shape
    assert abs(found - expected).max() < 1e-6
    new = "bicycle of glass 红"
    expected = hstack([one.transform([new]) for one in theirs])
    assert abs(fitted(TEXTS, lower=lower).matrix([new]) - expected).max() < 1e-6


def test_features_equal_truncated_svd_standardised() -> None:
    encoder = fitted(TEXTS, width=4)
    counts = encoder.matrix(TEXTS)
    expected = TruncatedSVD(4, n_iter=4, random_state=0).fit(counts).transform(counts)
    expected = expected - expected.mean(axis=0)
    expected /= np.sqrt(np.square(expected).sum(axis=1).mean())
    assert encoder(TEXTS).pooled.numpy() == pytest.approx(expected, abs=1e-4)


def test_rare_words_are_left_out_of_large_tables() -> None:
    texts = [f"red thing {n}" for n in range(200)]
    kept = fitted(texts, character_run=0).facts["words"]
    assert kept == ["red", "red thing", "thing"]
    assert len(fitted(texts[:199], character_run=0).facts["words"]) > 100
    unique = [f"word{n}" for n in range(200)]  # then all of them are kept
    assert len(fitted(unique, character_run=0).facts["words"]) == 200


STRANGE = {
    "empty": ["", ""],
    "one": ["a b c"],
    "none": [None, None],
    "chinese": ["这是一个红色的苹果", "蓝色的话", None],
    "same": ["a a"] * 250,
    "signs": ["!!!", "???"],
    "mixed": ["the red the话", "The blue don't", "x"],
}


@pytest.mark.parametrize("texts", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize(
    "settings",
    [{}, {"stop_words": "english"}, {"max_share": 0.0}, {"max_share": 0.5}, {"character_run": 0},
     {"max_share": 0.0, "character_run": 1}, {"stop_words": ("The", "的话"), "lower": False},
     {"stop_words": ()}, {"vocabulary": 1}],
    ids=str,
)  # fmt: skip
def test_strange_texts_stay_finite(texts, settings) -> None:
    encoder = fitted(texts, **settings)
    features = encoder([*texts, "new words 新"])
    assert features.pooled.shape == (len(texts) + 1, encoder.width)
    assert features.pooled.isfinite().all()
    assert encoder.width >= 1
    assert encoder.matrix(texts).shape[0] == len(texts)


def test_chinese_is_told_apart_without_spaces() -> None:
    red = [f"红色的{thing}" for thing in "车灯桌椅杯碗门窗"]
    blue = [f"蓝色的{thing}" for thing in "车灯桌椅杯碗门窗"]
    encoder = fitted(red + blue, width=8)
    new = encoder(["红色的花", "蓝色的花", "红色的花瓶"]).pooled
    assert torch.cdist(new, new)[2, 0] < torch.cdist(new, new)[2, 1]


def test_a_missing_text_is_a_row_of_zeros() -> None:
    encoder = fitted(TEXTS)
    assert encoder.matrix([None, "red"]).getnnz(axis=1).tolist()[0] == 0


def test_a_share_of_one_keeps_words_of_all_texts() -> None:
    assert "a" in fitted(["a b", "a c"], max_share=1).facts["words"]
