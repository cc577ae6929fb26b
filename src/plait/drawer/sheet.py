"""Pictures side by side: what a model drew as it learned, and what it drew beside what is real."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from plait.data.image import Picture
from plait.writing import replacing

LEAST, GAP, LINE = 64, 6, 16
"""Pixels: a side of a picture, between two, of a line of words."""


def strip(pictures: Sequence[Picture | None], title: str) -> Image.Image:
    """Return pictures in a row with a title on its left; a grey square where there is none."""
    squares = [_shown(own) for own in pictures]
    side = max((own.height for own in squares), default=LEAST)
    left = 7 * LINE
    sheet = Image.new("RGB", (left + len(squares) * (side + GAP), side + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, side // 2 - LINE // 2), title, fill="black", font=ImageFont.load_default(12))
    for number, own in enumerate(squares):
        sheet.paste(own, (left + number * (side + GAP), GAP // 2))
    return sheet


def below(strips: Sequence[Image.Image], words: Sequence[str] = ()) -> Image.Image:
    """Return strips one below the other, a line of words under each of their columns."""
    width, height = max(own.width for own in strips), sum(own.height for own in strips)
    sheet = Image.new("RGB", (width, height + (LINE if words else 0)), "white")
    top = 0
    for own in strips:
        sheet.paste(own, (0, top))
        top += own.height
    step = (width - 7 * LINE) / max(len(words), 1)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    for number, text in enumerate(words):
        fits = text
        while fits and pen.textlength(fits, font) > step - 2:
            fits = fits[:-1]
        pen.text((7 * LINE + number * step, top), fits, fill="black", font=font)
    return sheet


def _shown(picture: Picture | None) -> Image.Image:
    if picture is None:
        return Image.new("RGB", (LEAST, LEAST), "lightgrey")
    image = Image.fromarray(picture)
    scale = -(-LEAST // max(image.size))
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def save(sheet: Image.Image, path: Path) -> Path:
    """Write a sheet as PNG, under another name first."""
    with replacing(path) as partial:
        sheet.save(partial, "PNG")
    return path


class Growing:
    """A sheet with a row for some epochs: the same rows and seeds, as a model learns.

    Every epoch has a file of its own, so that a training that was killed goes on with the sheet.

    Args:
        folder: that holds `samples.png`, and the rows in `samples/`.
        words: under the columns.
    """

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        self.folder, self.words = folder, words

    @property
    def path(self) -> Path:
        """Of the sheet."""
        return self.folder / "samples.png"

    def add(self, epoch: int, loss: float, pictures: Sequence[Picture | None]) -> None:
        """Add the pictures of an epoch."""
        made = strip(pictures, f"{epoch}: {loss:.4f}" if np.isfinite(loss) else str(epoch))
        save(made, self.folder / "samples" / f"epoch-{epoch:06}.png")
        rows = sorted((self.folder / "samples").glob("epoch-*.png"), key=_epoch)
        save(below([_opened(row) for row in rows], self.words), self.path)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as file:
        return file.convert("RGB")


def _epoch(path: Path) -> int:
    return int(re.sub(r"\D", "", path.stem))


def due(epoch: int, every: int, last: int) -> bool:
    """Return whether an epoch has a row: gaps double after each four rows; the last one always."""
    gap, reached = every, 0
    while reached + 4 * gap < epoch:
        reached, gap = reached + 4 * gap, 2 * gap
    return (epoch - reached) % gap == 0 or epoch == last
