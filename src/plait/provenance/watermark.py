"""An invisible watermark: that a picture was drawn by plait, and nothing more.

The signs of some hundred coefficients of the brightness of the whole picture (its discrete cosine
transform) follow a fixed pattern. In other pictures half of them agree with it by chance, so the
probability of a false alarm is that of a fair coin, whatever the picture. There is no room for more
in a small one: it carries no number, and model and seed stand in the file's own text.

Barni, Bartolini, Cappellini and Piva (Signal Processing 1998) put a pattern into the same
coefficients; that only those are moved which disagree, and only as far as it takes, is informed
embedding (Cox, Miller and Bloom, Digital Watermarking, 2002, chapter 5). Since low frequencies of
the whole picture are what a change of its size leaves alone, that does not remove it either;
cutting it does.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from plait.data.image import Picture

SEED = 0x706C6169
"""Of the pattern."""

HIGHEST = 32
"""Frequency of the band, half waves a side, above which nothing is put."""

SHARE = 0.6
"""Of the shorter side: the same for small pictures."""

LEAST_SIDE = 24
"""Pixels below which a picture has no room for it."""

FALSE_ALARM = 1e-6
"""Probability below which a picture is said to be marked."""

STRENGTHS = tuple(
    (share, margin) for share in (0.64, 0.68, 0.72, 0.76) for margin in (4, 6, 9, 13, 18, 25, 35)
)
"""Share of the coefficients that are brought to agree, the cheapest first, and how far beyond zero.

Of those that survive the one that changes least is taken.
"""

SURE = 1e-9
"""Probability that is asked for, after JPEG, when a picture is marked."""

QUALITY = 75
"""Of the JPEG that a mark must survive."""

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness (ITU-R BT.601, as in JPEG)."""


@dataclass(frozen=True)
class Detection:
    """What was found in a picture.

    Attributes:
        marked: whether it has the watermark.
        chance: probability that a picture without it agrees so well.
        agreeing: coefficients that agree with the pattern.
        coefficients: that were looked at.
    """

    marked: bool
    chance: float
    agreeing: int
    coefficients: int


def detect(picture: Picture) -> Detection:
    """Look for the watermark.

    Args:
        picture: (h w 3) uint8.
    """
    from scipy.stats import binom

    values, pattern = _band(picture.astype(np.float64) @ LUMA)[:2]
    there = np.abs(values) > 1e-9  # a flat picture has nothing to agree
    agreeing, count = int((values * pattern > 0).sum()), int(there.sum())
    chance = float(binom.sf(agreeing - 1, count, 0.5)) if count else 1.0
    return Detection(chance < FALSE_ALARM, chance, agreeing, count)


def mark(picture: Picture) -> Picture | None:
    """Return the picture with the watermark; None where it cannot carry one through a JPEG.

    Args:
        picture: (h w 3) uint8.
    """
    if min(picture.shape[:2]) < LEAST_SIDE:
        return None
    tried = sorted(
        (_moved(picture, *strength) for strength in STRENGTHS),
        key=lambda marked: int(np.square(marked.astype(np.int64) - picture).sum()),
    )
    return next((marked for marked in tried if _survives(marked)), None)


def _survives(picture: Picture) -> bool:
    return all(detect(own).chance < SURE for own in (picture, through_jpeg(picture)))


def _moved(picture: Picture, share: float, margin: float) -> Picture:
    """Return the picture with a share of its coefficients on the right side, by a margin."""
    from scipy.fft import idctn

    values, pattern, rows, columns = _band(picture.astype(np.float64) @ LUMA)
    lacking = (margin - values * pattern).clip(min=0)
    cheapest = np.argsort(lacking, kind="stable")[: round(share * len(values))]
    change = np.zeros(picture.shape[:2])
    change[rows[cheapest], columns[cheapest]] = (lacking * pattern)[cheapest]
    added = idctn(change, norm="ortho")
    return (picture + added[:, :, None]).round().clip(0, 255).astype(np.uint8)


def _band(brightness: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (k) coefficients of a band, the signs they should have, and where they are."""
    from scipy.fft import dctn

    limit = min(HIGHEST, SHARE * min(brightness.shape))
    side = int(limit) + 1
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], (HIGHEST + 1, HIGHEST + 1))
    down, right = np.mgrid[:side, :side]
    length = np.hypot(down, right)
    rows, columns = np.nonzero((length >= limit / 4) & (length <= limit))
    values = dctn(brightness, norm="ortho")[rows, columns]
    return values, signs[rows, columns], rows, columns


def through_jpeg(picture: Picture, quality: int = QUALITY) -> Picture:
    """Return what is left of a picture in a JPEG of some quality."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))
