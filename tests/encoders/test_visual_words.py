"""RootSIFT, visual words and VLAD against plain NumPy loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.encoders.visual_words import VisualWords, describe, root

RNG = np.random.default_rng(0)
DESCRIPTORS = RNG.integers(0, 120, (40, 128)).astype(np.uint8)


def fitted(pooling: str, words: int = 4) -> VisualWords:
    layer = VisualWords(words, pooling)
    layer.fit(np.concatenate([DESCRIPTORS, DESCRIPTORS[::-1] // 3]), seed=0)
    return layer


def nearest(centres: np.ndarray, values: np.ndarray) -> list[int]:
    return [int(np.argmin([((value - centre) ** 2).sum() for centre in centres]))
            for value in values]  # fmt: skip


def test_root_against_hand() -> None:
    found = root(np.array([[1, 3, 0, 0], [0, 0, 0, 0]], np.uint8))
    assert found == pytest.approx(np.array([[0.5, 0.75**0.5, 0, 0], [0, 0, 0, 0]]))
    assert np.linalg.norm(root(DESCRIPTORS), axis=1) == pytest.approx(1)


def test_words_against_a_loop() -> None:
    layer = fitted("words")
    counts = np.zeros(4)
    for word in nearest(layer.centres.numpy(), root(DESCRIPTORS)):
        counts[word] += 1
    assert (counts > 0).sum() > 1
    assert layer(DESCRIPTORS).numpy() == pytest.approx(np.sqrt(counts / 40), abs=1e-6)


def test_vlad_against_a_loop() -> None:
    layer = fitted("vlad")
    centres, values = layer.centres.numpy(), root(DESCRIPTORS)
    sums = np.zeros((4, 128))
    for word, value in zip(nearest(centres, values), values, strict=True):
        sums[word] += value - centres[word]
    sums = np.sign(sums) * np.sqrt(np.abs(sums))
    for row in sums:
        row /= max(np.linalg.norm(row), 1e-6)
    expected = (sums / np.linalg.norm(sums)).ravel()
    assert layer(DESCRIPTORS).numpy() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("pooling", ["words", "vlad"])
def test_a_picture_without_structure_is_zero(pooling) -> None:
    assert not fitted(pooling)(np.zeros((0, 128), np.uint8)).any()


@pytest.mark.parametrize("pooling", ["words", "vlad"])
def test_fewer_descriptors_than_words(pooling) -> None:
    layer = VisualWords(64, pooling)
    layer.fit(DESCRIPTORS, seed=0)
    assert layer(DESCRIPTORS).isfinite().all()


def test_describe_gives_at_most_so_many_and_none_of_a_blank() -> None:
    noise = RNG.integers(0, 256, (96, 96), dtype=np.uint8)
    assert describe(noise).dtype == np.uint8
    assert 20 < len(describe(noise)) <= 200
    assert len(describe(noise, most=5)) == 5
    assert len(describe(noise)) > 5  # the smaller number was not kept
    assert describe(np.zeros((50, 50), np.uint8)).shape == (0, 128)
    assert describe(np.zeros((1, 1), np.uint8)).shape == (0, 128)


def test_same_seed_same_vocabulary() -> None:
    assert torch.equal(fitted("vlad").centres, fitted("vlad").centres)
