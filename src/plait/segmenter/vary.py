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
class Change:
    """What is changed of one picture, and of all masks of it.

    Attributes:
        contrast: that its pixels' distance from their mean is multiplied with.
        brightness: that their mean is multiplied with.
        mirrored: left and right.
        part: (top, left, size) of what is enlarged, each as a share of what there is; None for all.
    """

    contrast: float
    brightness: float
    mirrored: bool = False
    part: tuple[float, float, float] | None = None

    @classmethod
    def drawn(cls, random: np.random.Generator, moves: bool) -> Change:
        """Return one at random."""
        contrast, brightness = 1 + LIGHT * (2 * random.random(2) - 1)
        if not moves:
            return cls(contrast, brightness)
        top, left = random.random(2)
        size = random.uniform(SMALLEST, 1.0)
        return cls(contrast, brightness, random.random() < 0.5, (top, left, size))

    def picture(self, picture: np.ndarray) -> np.ndarray:
        """Return (s s 3) uint8."""
        mean = picture.mean()
        lit = (picture.astype(np.float32) - mean) * self.contrast + mean * self.brightness
        return self._moved(lit.clip(0, 255).astype(np.uint8), blends=True)

    def mask(self, mask: np.ndarray) -> np.ndarray:
        """Return (s s) numbers of classes."""
        return self._moved(mask, blends=False)

    def _moved(self, values: np.ndarray, blends: bool) -> np.ndarray:
        import cv2

        if self.mirrored:
            values = values[:, ::-1]
        if self.part is None:
            return values
        side, (down, right, share) = len(values), self.part
        size = round(side * share)
        top, left = (int(way * (side - size + 1)) for way in (down, right))
        cut = np.ascontiguousarray(values[top : top + size, left : left + size])
        how = cv2.INTER_LINEAR if blends else cv2.INTER_NEAREST
        return cv2.resize(cut, (side, side), interpolation=how)


@dataclass(frozen=True)
class Varied:
    """Mirrors, enlarges and brightens pictures, and their masks with them.

    A picture that several rows of a batch have is changed in one way for all of them, so that it
    is still encoded once; in other batches it is changed in others.

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
        once, places = raw.once()
        changes = [Change.drawn(random, self.moves) for _ in once]
        samples = [
            None if sample is None else change.picture(sample[0])[None]
            for sample, change in zip(once, changes, strict=True)
        ]
        own = replace(raw, samples=samples, rows=places, contents=places)
        target = lesson.target
        if self.moves:
            masks = [
                changes[place].mask(mask) if there else mask
                for place, mask, there in zip(
                    places.tolist(), target.cpu().numpy(), raw.present.tolist(), strict=True
                )
            ]
            target = torch.from_numpy(np.stack(masks)).to(target.device)
        return replace(lesson, rows={**lesson.rows, self.picture: own}, target=target)


def shrunk(mask: np.ndarray, side: int) -> np.ndarray:
    """Return (side side) values of a mask (h w), each of the nearest pixel; compact in memory."""
    import cv2

    small = cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    return small.astype(np.uint8) if small.min() >= 0 and small.max() < 256 else small


def target_of(classes: np.ndarray) -> np.ndarray:
    """Return uint8 numbers of classes, -1 in them being `VOID`."""
    return np.where(classes < 0, VOID, classes).astype(np.uint8)
