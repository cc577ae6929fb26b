"""Pictures and masks that change alike."""

from __future__ import annotations

import numpy as np
import torch

from plait.segmenter.vary import Varied, shrunk, target_of
from plait.tasks.segment import VOID
from plait.train.step import Lesson
from plait.types import Raw


def lesson(count: int = 40, side: int = 32) -> Lesson:
    """Pictures whose red says what the mask says."""
    random = np.random.default_rng(0)
    masks = np.kron(random.integers(0, 2, (count, 4, 4)), np.ones((8, 8))).astype(np.uint8)
    pictures = np.stack([masks * 200 + 20, masks * 0 + 90, masks * 0 + 90], axis=-1)[:, None]
    raw = Raw(list(pictures.astype(np.uint8)), torch.arange(count), torch.ones(count).bool())
    return Lesson({"photo": raw}, torch.from_numpy(masks), torch.ones(count))


def red(changed: Lesson) -> np.ndarray:
    pictures = np.stack([changed.rows["photo"][row][0] for row in range(len(changed.target))])
    return pictures[..., 0].astype(int) - pictures[..., 1] > 0


def test_masks_move_with_their_pictures() -> None:
    one = lesson()
    changed = Varied("photo", moves=True)(one, torch.Generator().manual_seed(0))
    masks = changed.target.numpy() > 0
    assert (red(changed) == masks).mean() > 0.95  # edges are blended
    assert (masks != (one.target.numpy() > 0)).any(axis=(1, 2)).mean() > 0.9
    assert one.target.equal(lesson().target), "what it was is not changed"


def test_words_keep_their_places() -> None:
    one = lesson()
    changed = Varied("photo", moves=False)(one, torch.Generator().manual_seed(0))
    assert changed.target.equal(one.target)
    pictures = [changed.rows["photo"][row] for row in range(40)]
    assert any((p != q).any() for p, q in zip(pictures, one.rows["photo"], strict=True))
    assert (red(changed) == (one.target.numpy() > 0)).all()


def test_the_same_generator_gives_the_same() -> None:
    vary = Varied("photo", moves=True)
    one, two = (vary(lesson(), torch.Generator().manual_seed(3)) for _ in range(2))
    assert one.target.equal(two.target)


def test_a_missing_picture_stays_missing() -> None:
    one = lesson(2)
    raw = one.rows["photo"].keep(torch.tensor([True, False]))
    gone = Lesson({"photo": raw}, one.target, one.weight)
    changed = Varied("photo", moves=True)(gone, torch.Generator().manual_seed(0))
    assert changed.rows["photo"][1] is None
    assert changed.target[1].equal(one.target[1])


def test_targets_are_small_and_know_void() -> None:
    mask = np.array([[0, 0, 300, 300], [0, 0, 300, 300]], np.int32).repeat(2, axis=0)
    assert (shrunk(mask, 2) == [[0, 300], [0, 300]]).all()
    assert shrunk(np.minimum(mask, 255), 2).dtype == np.uint8
    found = target_of(np.array([[-1, 0], [3, 1]]))
    assert found.tolist() == [[VOID, 0], [3, 1]]
    assert found.dtype == np.uint8


def test_a_picture_of_several_rows_changes_once_with_all_of_its_masks() -> None:
    one = lesson(4)
    raw = one.rows["photo"]
    assert isinstance(raw, Raw)
    shared = torch.tensor([2, 0, 2, 2, 1, 0])
    rows = Raw(raw.samples, shared, torch.ones(6).bool(), shared)
    six = Lesson({"photo": rows}, one.target[shared], torch.ones(6))
    changed = Varied("photo", moves=True)(six, torch.Generator().manual_seed(0))
    once, _ = changed.rows["photo"].once()
    assert len(once) == 3
    assert changed.rows["photo"][0] is changed.rows["photo"][3]
    assert changed.target[0].equal(changed.target[2])
    assert (red(changed) == (changed.target.numpy() > 0)).mean() > 0.95
