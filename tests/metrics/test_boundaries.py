"""F1 of boundaries, beside a loop over pixels that is written from the paper."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from plait.metrics.boundaries import boundary_f1, edges

RNG = np.random.default_rng(2)
CLASSES = 4


def blocks(shape: tuple[int, int], side: int, void: float = 0.0) -> np.ndarray:
    rows, columns = -(-shape[0] // side), -(-shape[1] // side)
    coarse = RNG.integers(0, CLASSES - 1, (rows, columns))  # the last class is not there
    fine = np.repeat(np.repeat(coarse, side, 0), side, 1)[: shape[0], : shape[1]]
    return np.where(RNG.random(shape) < void, -1, fine)


def boundary(classes: np.ndarray, number: int) -> list[tuple[int, int]]:
    """Return the pixels of a class that have another one, not void, above, below or beside."""
    high, wide = classes.shape
    return [
        (y, x)
        for y, x in itertools.product(range(high), range(wide))
        if classes[y, x] == number
        and any(
            0 <= y + down < high
            and 0 <= x + right < wide
            and classes[y + down, x + right] not in (number, -1)
            for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))
        )
    ]


def share(ones: list[tuple[int, int]], others: list[tuple[int, int]], reach: float) -> float:
    near = [any(np.hypot(y - v, x - u) < reach for v, u in others) for y, x in ones]
    return sum(near) / len(near) if near else 0.0


def slow(truth: np.ndarray, predicted: np.ndarray, tolerance: float) -> list[float]:
    predicted = np.where(truth < 0, -1, predicted)
    reach = tolerance * (truth.shape[0] ** 2 + truth.shape[1] ** 2) ** 0.5
    found = []
    for number in range(CLASSES):
        true, said = boundary(truth, number), boundary(predicted, number)
        precision, recall = share(said, true, reach), share(true, said, reach)
        if not true and not said:
            found.append(float("nan"))
        else:
            total = precision + recall
            found.append(2 * precision * recall / total if total else 0.0)
    return found


@pytest.mark.parametrize("tolerance", [0.0075, 0.03, 0.08])
@pytest.mark.parametrize(("shape", "void"), [((24, 31), 0.0), ((30, 30), 0.05)])
def test_equal_to_a_loop(shape: tuple[int, int], void: float, tolerance: float) -> None:
    truth = blocks(shape, 9, void)
    predicted = np.roll(blocks(shape, 9) if tolerance > 0.05 else np.maximum(truth, 0), 1, 1)
    expected = slow(truth, predicted, tolerance)
    assert boundary_f1(truth, predicted, CLASSES, tolerance) == pytest.approx(
        expected, abs=1e-9, nan_ok=True
    )
    assert np.isnan(expected[-1])
    assert 0 < np.nanmin(expected) < 1


def test_by_hand() -> None:
    truth = np.zeros((40, 40), int)
    truth[:, 20:] = 1
    predicted = np.zeros((40, 40), int)
    predicted[:, 23:] = 1
    # Edges are columns 19 and 20, and 22 and 23; the diagonal is 56.57.
    assert boundary_f1(truth, predicted, 2, 3.01 / 56.57).tolist() == [1, 1]
    assert boundary_f1(truth, predicted, 2, 2.99 / 56.57).tolist() == [0, 0]
    predicted[:20, 20:] = 1
    assert boundary_f1(truth, predicted, 2, 1 / 56.57)[1] == pytest.approx(2 * 20 / (40 + 42))


def test_a_perfect_mask_is_1_and_void_is_no_class() -> None:
    truth = blocks((30, 30), 9, 0.1)
    found = boundary_f1(truth, np.maximum(truth, 0), CLASSES)
    assert np.nanmin(found) == 1
    assert np.isnan(boundary_f1(truth * 0, truth * 0, CLASSES)).all()
    half = np.where(np.arange(30) < 15, 0, -1)[None].repeat(30, 0)
    assert np.isnan(boundary_f1(half, np.zeros_like(half), CLASSES)).all()


def test_a_class_in_one_alone_is_0() -> None:
    truth = np.zeros((20, 20), int)
    predicted = truth.copy()
    predicted[:, 10:] = 2
    assert boundary_f1(truth, predicted, 3) == pytest.approx([0, np.nan, 0], nan_ok=True)


def test_edges() -> None:
    found = edges(np.array([[0, 0, 1, 1], [0, 0, -1, 1], [0, 0, 0, 1]]))
    assert found.astype(int).tolist() == [[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 1, 1]]
