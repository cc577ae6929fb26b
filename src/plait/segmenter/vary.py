"""What is changed at random in training, of a picture and its mask alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from plait.tasks.segment import VOID
from plait.train.step import Lesson
from plait.types import Raw

SMALLEST = 0.5
"""Share of a picture's side that is cut out at least, and enlarged."""

LIGHT = 0.25
"""By how much contrast and brightness change at most."""


@dataclass(frozen=True)
class Varied:
    """Mirrors, enlarges and brightens pictures, and their masks with them.

    Args:
        picture: the source whose pixels have classes.
        moves: mirror and enlarge them; False where words name places.
    """

    picture: str
    moves: bool

    def __call__(self, lesson: Lesson, generator: torch.Generator) -> Lesson:
        """Return b rows, changed."""
        raw = lesson.rows[self.picture]
        assert isinstance(raw, Raw)
        seed = int(torch.randint(2**31, (), generator=generator))
        random = np.random.default_rng(seed)
        samples, masks = [], lesson.target.cpu().numpy().copy()
        for row in range(len(raw)):
            sample = raw[row]
            if sample is not None:
                sample = _lit(sample[0], random)
                if self.moves:
                    sample, masks[row] = _moved(sample, masks[row], random)
                sample = sample[None]
            samples.append(sample)
        own = Raw(samples, torch.arange(len(raw)), raw.present)
        target = torch.from_numpy(masks).to(lesson.target.device)
        return replace(lesson, rows={**lesson.rows, self.picture: own}, target=target)


def _lit(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return (h w 3) uint8 with another contrast and brightness."""
    contrast, brightness = 1 + LIGHT * (2 * random.random(2) - 1)
    mean = picture.mean()
    lit = (picture.astype(np.float32) - mean) * contrast + mean * brightness
    return lit.clip(0, 255).astype(np.uint8)


def _moved(
    picture: np.ndarray, mask: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture and its mask, mirrored by chance, and a part of them enlarged."""
    import cv2

    if random.random() < 0.5:
        picture, mask = picture[:, ::-1], mask[:, ::-1]
    side = picture.shape[0]
    size = round(side * random.uniform(SMALLEST, 1.0))
    top, left = random.integers(0, side - size + 1, 2)
    part = (slice(top, top + size), slice(left, left + size))
    return (
        cv2.resize(np.ascontiguousarray(picture[part]), (side, side)),
        cv2.resize(np.ascontiguousarray(mask[part]), (side, side),
                   interpolation=cv2.INTER_NEAREST),
    )  # fmt: skip


def shrunk(mask: np.ndarray, side: int) -> np.ndarray:
    """Return (side side) values of a mask (h w), each of the nearest pixel; compact in memory."""
    import cv2

    small = cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    return small.astype(np.uint8) if small.min() >= 0 and small.max() < 256 else small


def target_of(classes: np.ndarray) -> np.ndarray:
    """Return uint8 numbers of classes, -1 in them being `VOID`."""
    return np.where(classes < 0, VOID, classes).astype(np.uint8)
