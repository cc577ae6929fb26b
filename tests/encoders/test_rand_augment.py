"""RandAugment: every change does what its name says, by the strength that is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from plait.encoders import rand_augment as r

ROWS, COLUMNS = np.mgrid[20:148:4, 30:190:4]  # smooth, so that a longer way is more
GRAIN = np.random.default_rng(0).integers(0, 9, (32, 40, 3))
PICTURE = (np.stack([ROWS, COLUMNS, ROWS + COLUMNS // 3], axis=2) + GRAIN).astype(np.uint8)
NAMES = [
    "identity",
    "autocontrast",
    "equalize",
    "rotate",
    "solarize",
    "colour",
    "posterize",
    "contrast",
    "brightness",
    "sharpness",
    "shear_x",
    "shear_y",
    "shift_x",
    "shift_y",
]
CHANGES = dict(zip(NAMES, r.OPERATIONS, strict=True))


def change(name: str, strength: float, sign: int = 1, picture: np.ndarray = PICTURE) -> np.ndarray:
    return np.asarray(CHANGES[name](Image.fromarray(picture), strength, sign)).astype(int)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"identity", "autocontrast", "equalize"}))
def test_nothing_without_strength_and_more_with_more(name) -> None:
    nothing, little, much = (np.abs(change(name, s) - PICTURE).mean() for s in (0.0, 0.2, 1.0))
    assert nothing < 1
    assert nothing < little < much


def test_changes_by_hand() -> None:
    assert (change("identity", 1) == PICTURE).all()
    assert (change("solarize", 1) == 255 - PICTURE.astype(int)).all()
    assert (change("posterize", 1) % 16 == 0).all()
    assert np.abs(change("brightness", 0.5, -1) - 0.55 * PICTURE).max() <= 1
    assert change("colour", 1, -1).std(axis=2).mean() < 0.12 * PICTURE.std(axis=2).mean()
    shifted = change("shift_x", 1)
    assert (shifted[:, :28] == PICTURE[:, 12:]).all()
    assert (shifted[:, 28:] == r.GREY).all()
    assert (change("shift_y", 0.625, -1)[6:] == PICTURE[:26]).all()
    assert change("autocontrast", 1).min() == 0
    assert change("autocontrast", 1).max() == 255


def test_it_repeats_with_the_seed_and_draws_all_changes() -> None:
    def drawn(seed: int) -> np.ndarray:
        torch.manual_seed(seed)
        return r.rand_augment(PICTURE, 2, 20)

    assert (drawn(0) == drawn(0)).all()
    assert drawn(0).shape == PICTURE.shape
    assert drawn(0).dtype == np.uint8
    different = {drawn(seed).tobytes() for seed in range(60)}
    assert len(different) > 50
    assert (r.rand_augment(PICTURE, 0, 20) == PICTURE).all()
