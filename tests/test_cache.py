"""Encoded rows: blocks, taking, hiding, no rows at all; training rows out of fold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.cache import encode, fit_and_encode
from plait.encoders.classical_table import ClassicalTable
from plait.encoders.classical_text import ClassicalText, ClassicalTextConfig
from plait.types import Column, Modality

RNG = np.random.default_rng(0)
N = 1500  # more than one block
SAMPLES = {
    "text": [None if i % 50 == 0 else f"{['red', 'blue', 'old'][i % 3]} thing {i % 7}"
             for i in range(N)],
    "table": [None if i % 40 == 0 else (f"v{RNG.integers(60)}", float(i)) for i in range(N)],
}  # fmt: skip
TARGET = RNG.normal(size=(N, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    columns = (Column("a", Modality.CATEGORY), Column("b", Modality.NUMBER))
    encoders = {"text": ClassicalText(ClassicalTextConfig(width=8)),
                "table": ClassicalTable(columns)}  # fmt: skip
    rows = np.arange(N)
    return encoders, fit_and_encode(encoders, SAMPLES, rows, TARGET, seed=0)


def test_blocks_are_joined_in_order(fitted) -> None:
    encoders, _ = fitted
    rows = RNG.permutation(N)[:1300]
    found = encode(encoders, SAMPLES, rows)
    assert len(found) == 1300
    for name, encoder in encoders.items():
        some = [0, 1023, 1024, 1299]
        samples = [SAMPLES[name][rows[row]] for row in some]
        assert torch.allclose(found.features[name].pooled[some], encoder(samples).pooled, atol=1e-6)
        expected = encoder.matrix(samples)
        apart = found.matrices[name][some] - expected
        assert np.nanmax(np.abs(apart if isinstance(apart, np.ndarray) else apart.toarray())) == 0
    assert found.codes == {"text": [], "table": [0]}


def test_training_rows_are_out_of_fold_and_later_ones_not(fitted) -> None:
    encoders, trained = fitted
    later = encode(encoders, SAMPLES, np.arange(N))
    assert not torch.equal(trained.features["table"].pooled, later.features["table"].pooled)
    assert torch.equal(trained.features["text"].pooled, later.features["text"].pooled)


def test_taking_rows_by_number_and_by_mask(fitted) -> None:
    _, rows = fitted
    numbers = np.array([700, 3, 3])
    taken = rows.take(numbers)
    assert torch.equal(taken.features["text"].pooled, rows.features["text"].pooled[[700, 3, 3]])
    assert np.array_equal(taken.matrices["table"], rows.matrices["table"][numbers])
    mask = np.arange(N) % 3 == 0
    assert len(rows.take(mask)) == mask.sum()
    assert (rows.take(mask).matrices["text"] != rows.matrices["text"][mask]).nnz == 0


def test_hiding_a_source_leaves_the_other(fitted) -> None:
    _, rows = fitted
    without = rows.without(["table"])
    assert not without.features["table"].present.any()
    assert not without.features["table"].pooled.any()
    assert np.isnan(without.matrices["table"]).all()
    assert torch.equal(without.features["text"].pooled, rows.features["text"].pooled)
    assert abs(rows.without(["text"]).matrices["text"]).sum() == 0
    expected = torch.tensor([i % 50 != 0 or i % 40 != 0 for i in range(N)])
    assert torch.equal(rows.present(["text", "table"]), expected)
    assert torch.equal(without.present(["text", "table"]), rows.present(["text"]))


def test_no_rows_have_the_same_widths(fitted) -> None:
    encoders, rows = fitted
    none = encode(encoders, SAMPLES, np.arange(0))
    assert len(none) == 0
    for name in encoders:
        assert none.features[name].pooled.shape == (0, rows.features[name].width)
        assert none.matrices[name].shape == (0, rows.matrices[name].shape[1])
