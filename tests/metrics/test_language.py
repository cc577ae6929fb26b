"""What texts are like without a reference, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from plait.errors import TableError
from plait.metrics.language import distinct, lengths, perplexity, perplexity_statistics


def test_distinct_by_hand() -> None:
    texts = ["A dog runs.", "A dog sleeps."]
    assert distinct(texts, 1) == 4 / 6
    assert distinct(texts, 2) == 3 / 4
    assert distinct(texts, 4) == distinct([], 1) == 0
    assert distinct(["the same"] * 50, 2) == 1 / 50


def test_lengths_count_words() -> None:
    assert lengths(["A dog isn't here.", "", "!"]).tolist() == [5, 0, 0]


def test_perplexity_by_hand() -> None:
    rows = perplexity_statistics([np.log([0.5, 0.125]), np.log([0.25]), np.array([])])
    np.testing.assert_allclose(perplexity(rows), [4, 4, np.nan])
    uneven = perplexity_statistics([np.log([0.1]), np.log([0.5, 0.5, 0.5])])
    np.testing.assert_allclose(perplexity(uneven.sum(axis=0)), (0.1 * 0.5**3) ** (-1 / 4))


def test_logits_are_refused() -> None:
    with pytest.raises(TableError, match="Row 1 has the log probability 2.5, above 0"):
        perplexity_statistics([np.array([-1.0]), np.array([-1.0, 2.5])])
