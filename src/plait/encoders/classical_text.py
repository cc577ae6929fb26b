"""The classical text encoder: TF-IDF of words and of character runs, reduced by a truncated SVD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from scipy.sparse import csr_matrix, hstack
from torch import Tensor

from plait.config import check_range
from plait.data.text import words
from plait.encoders.encoder import Encoder, Matrix
from plait.layers import Standardise
from plait.types import Features, Sample

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer


@dataclass(frozen=True)
class ClassicalTextConfig:
    """Settings of the classical text encoder.

    Attributes:
        lower: take upper and lower case as one.
        stop_words: words to leave out: `none`, `english`, or a list of your own.
        max_share: leave out words found in more than this share of the texts, in any language.
        word_run: longest run of words that is counted.
        character_run: longest run of characters that is counted; 0 counts none.
        vocabulary: most words, and most character runs, that are kept.
        width: components kept of the two together.
    """

    lower: bool = True
    stop_words: Literal["none", "english"] | tuple[str, ...] = "none"
    max_share: float = 1.0
    word_run: int = 2
    character_run: int = 5
    vocabulary: int = 50_000
    width: int = 256

    def __post_init__(self) -> None:
        check_range(self, "max_share", 0.0, 1.0)
        check_range(self, "word_run", 1, 5)
        check_range(self, "character_run", 0, 8)
        check_range(self, "vocabulary", 1, 10_000_000)
        check_range(self, "width", 1, 4096)


class ClassicalText(Encoder):
    """Texts to vectors without any pretrained weights, in any script."""

    components: Tensor
    word_weights: Tensor
    character_weights: Tensor

    def __init__(self, config: ClassicalTextConfig) -> None:
        super().__init__()
        self.config = config
        self.standardise = Standardise()
        self.learn(
            components=torch.zeros(0, 0),
            word_weights=torch.zeros(0),
            character_weights=torch.zeros(0),
        )
        self._vectorizers: list[TfidfVectorizer] = []

    @property
    def width(self) -> int:
        """The components kept: the wanted, or as many as the texts could give."""
        return len(self.components)

    def preprocess(self, value: str) -> str:
        """Return the text itself; it is taken apart when it is counted."""
        return value

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Learn the vocabulary, its weights and the components."""
        texts = [sample for sample in samples if sample is not None] or ["missing"]
        self._vectorizers = []
        vocabularies, weights = [], []
        for analyzer in ("word", "character"):
            vocabulary, weight = self._learn_words(analyzer, texts)
            vocabularies.append(vocabulary)
            weights.append(weight)
        self.facts = {"words": vocabularies[0], "characters": vocabularies[1]}
        self.learn(word_weights=weights[0], character_weights=weights[1])
        counts = self._count(texts)
        self.learn(components=_components(counts, self.config.width, seed))
        self.standardise.fit(self._project(counts))

    def _learn_words(self, analyzer: str, texts: list[str]) -> tuple[list[str], Tensor]:
        """Return a vocabulary in the order of its columns, and the weight of each."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        if analyzer == "character" and not self.config.character_run:
            return [], torch.zeros(0)
        least = 2 if len(texts) >= 200 else 1
        for attempt in (least, 1):
            vectorizer = TfidfVectorizer(
                max_features=self.config.vocabulary,
                min_df=attempt,
                max_df=float(self.config.max_share),  # as a whole number it would count texts
                **self._analysis(analyzer),
            )
            try:
                vectorizer.fit(texts)
            except ValueError:  # every word was too rare, too frequent, or a stop word
                continue
            return list(vectorizer.get_feature_names_out()), torch.from_numpy(vectorizer.idf_)
        return [], torch.zeros(0)

    def _analysis(self, analyzer: str) -> dict[str, object]:
        shared = {"sublinear_tf": True, "lowercase": False, "dtype": np.float32}
        if analyzer == "character":
            runs = (min(2, self.config.character_run), self.config.character_run)
            case = str.lower if self.config.lower else str
            return {**shared, "analyzer": "char_wb", "ngram_range": runs, "preprocessor": case}
        return {
            **shared,
            "tokenizer": partial(words, lower=self.config.lower),
            "token_pattern": None,
            "stop_words": self._stop_words(),
            "ngram_range": (1, self.config.word_run),
        }

    def _stop_words(self) -> list[str] | None:
        if self.config.stop_words == "none":
            return None
        if self.config.stop_words == "english":
            from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

            # Tokens keep no apostrophes, so neither may the list.
            return sorted({part for word in ENGLISH_STOP_WORDS for part in words(word)})
        return [part for word in self.config.stop_words for part in words(word, self.config.lower)]

    def _rebuild(self) -> list[TfidfVectorizer]:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizers = []
        for analyzer, key, weights in (
            ("word", "words", self.word_weights),
            ("character", "characters", self.character_weights),
        ):
            if not self.facts.get(key):
                continue
            vocabulary = {term: column for column, term in enumerate(self.facts[key])}
            vectorizer = TfidfVectorizer(vocabulary=vocabulary, **self._analysis(analyzer))
            vectorizer.idf_ = weights.numpy()
            vectorizers.append(vectorizer)
        return vectorizers

    def _count(self, texts: Sequence[str]) -> csr_matrix:
        if not self._vectorizers:
            self._vectorizers = self._rebuild()
        if not self._vectorizers:
            return csr_matrix((len(texts), 1), dtype=np.float32)
        parts = [vectorizer.transform(texts) for vectorizer in self._vectorizers]
        return hstack(parts, format="csr", dtype=np.float32)

    def _project(self, counts: csr_matrix) -> Tensor:
        return torch.from_numpy(counts @ self.components.numpy().T)

    def encode(self, samples: Sequence[str]) -> Features:
        """Return one token a row."""
        return Features.of_vectors(self.standardise(self._project(self._count(samples))))

    def matrix(self, samples: Sequence[str | None]) -> Matrix:
        """Return the sparse TF-IDF weights, (b vocabulary); a missing text is a row of zeros."""
        return self._count([sample or "" for sample in samples])


def _components(counts: csr_matrix, width: int, seed: int) -> Tensor:
    """Return the leading right singular vectors, (width vocabulary)."""
    from sklearn.decomposition import TruncatedSVD

    kept = max(min(width, min(counts.shape) - 1), 1)
    if counts.shape[1] < 2:
        return torch.ones(1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # shares of a variance that is zero
        svd = TruncatedSVD(kept, n_iter=4, random_state=seed).fit(counts)
    return torch.from_numpy(svd.components_)
