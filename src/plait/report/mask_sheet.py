"""A sheet of predicted masks beside the true ones, as PNG: the best, the median, the worst."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from plait.data.image import Picture
from plait.data.mask import Colour
from plait.data.pixel_classes import PixelClasses
from plait.errors import ConfigError
from plait.writing import replacing

SIDE, MARGIN, LINE = 260, 12, 18
"""Pixels of the longest side of a picture, between pictures, and of a line of text."""

HEADS = ("picture", "truth", "prediction", "errors")

COVER = 0.55
"""How much of a picture a mask covers."""

WRONG, VOID = (220, 0, 0), (150, 165, 200)
"""Colours of wrong and of void pixels."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A prediction that is shown.

    Attributes:
        label: which one it is: `best, row 7`.
        score: of the prediction, in 0..1.
        picture: (h w 3) uint8.
        truth: (h w) numbers of classes; below 0 where void.
        predicted: (h w) numbers of classes.
        phrase: that says what is meant, if one does.
    """

    label: str
    score: float
    picture: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    phrase: str = ""


def telling(scores: np.ndarray, each: int = 2) -> list[tuple[str, int]]:
    """Return labels and rows of the best, the median and the worst scores, each row once.

    Args:
        scores: (n) of rows; NaN where there is none.
        each: rows of each kind.

    Raises:
        ConfigError: when there is no score.
    """
    order = np.argsort(-scores, kind="stable")[: int((~np.isnan(scores)).sum())].tolist()
    if not order:
        raise ConfigError("No mask has a score, so there is none to show.")
    start = max((len(order) - each) // 2, 0)
    parts = {"best": order[:each], "median": order[start : start + each], "worst": order[-each:]}
    found: dict[int, str] = {}
    for label, rows in parts.items():
        for row in rows:
            found.setdefault(row, label)
    return [(label, row) for row, label in found.items()]


def write_mask_sheet(shown: Sequence[Shown], classes: PixelClasses, path: Path) -> None:
    """Write predictions below one another: picture, truth, prediction and errors of each.

    Args:
        shown: the predictions.
        classes: their colours and names; those that are seen stand below.
        path: of a PNG file.

    Raises:
        ConfigError: when there is none.
    """
    if not shown:
        raise ConfigError("There is no prediction to show; name rows that have a mask.")
    sheet = draw_sheet(shown, classes)
    with replacing(path) as partial:
        sheet.save(partial, "PNG")


def draw_sheet(shown: Sequence[Shown], classes: PixelClasses) -> Image.Image:
    """Return the sheet that `write_mask_sheet` writes."""
    colours = np.array([*classes.colours, VOID], np.uint8)
    strips = [_strip(one, colours) for one in shown]
    width = max(strip.width for strip in strips)
    entries = [_entry(number, classes) for number in _seen(shown, len(classes))]
    strips.append(_legend([*entries, ("wrong pixel", WRONG)], width))
    sheet = Image.new("RGB", (width, sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet


def write_covered(picture: Picture, numbers: np.ndarray, classes: PixelClasses, path: Path) -> None:
    """Write a picture under the colours of its pixels' classes, with their names below, as PNG.

    Args:
        picture: (h w 3) uint8.
        numbers: (h w) of classes; below 0 where void.
        classes: their colours and names.
        path: of the file.
    """
    over = Image.fromarray(covered(picture, numbers, np.array([*classes.colours, VOID], np.uint8)))
    there = set(np.unique(numbers).tolist())
    seen = [number for number in (*range(len(classes)), -1) if number in there]
    entries = [_entry(number, classes) for number in seen]
    legend = _legend(entries, max(over.width, SIDE))
    sheet = Image.new("RGB", (legend.width, over.height + legend.height), "white")
    sheet.paste(over, (0, 0))
    sheet.paste(legend, (0, over.height))
    with replacing(path) as partial:
        sheet.save(partial, "PNG")


def covered(picture: np.ndarray, classes: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return (h w 3) uint8: a picture in grey under the colours of its pixels' classes.

    Args:
        picture: (h w 3) uint8.
        classes: (h w) numbers; -1 takes the last colour.
        colours: (c + 1 3) uint8.
    """
    grey = picture.mean(axis=2, keepdims=True)
    mixed = (1 - COVER) * grey + COVER * colours[classes]
    return np.rint(mixed).astype(np.uint8)


def errors(picture: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return (h w 3) uint8: a pale picture, with wrong pixels in red and void ones in blue."""
    pale = 215 + picture.mean(axis=2, keepdims=True) * (40 / 255)
    found = np.broadcast_to(pale, picture.shape).astype(np.uint8)
    found[truth != predicted] = WRONG
    found[truth < 0] = VOID
    return found


def _strip(one: Shown, colours: np.ndarray) -> Image.Image:
    """Return four pictures side by side, with what they are above."""
    pictures = (
        one.picture,
        covered(one.picture, one.truth, colours),
        covered(one.picture, one.predicted, colours),
        errors(one.picture, one.truth, one.predicted),
    )
    high, wide = one.picture.shape[:2]
    scale = SIDE / max(high, wide)
    size = (max(round(wide * scale), 1), max(round(high * scale), 1))
    across = len(pictures) * (SIDE + MARGIN) + MARGIN
    words = f"{one.label}: {one.score:.3f}" + (f'   "{one.phrase}"' if one.phrase else "")
    lines = textwrap.wrap(words, across // 8)
    top = MARGIN + LINE * (len(lines) + 1)
    strip = Image.new("RGB", (across, top + size[1]), "white")
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(14)
    for place, line in enumerate(lines):
        pen.text((MARGIN, MARGIN // 2 + place * LINE), line, fill="black", font=font)
    for place, (name, picture) in enumerate(zip(HEADS, pictures, strict=True)):
        left = MARGIN + place * (SIDE + MARGIN)
        pen.text((left, top - LINE - 2), name, fill="dimgrey", font=font)
        shown = Image.fromarray(picture)
        # Edges of masks stay sharp where small ones are enlarged.
        how = Image.Resampling.NEAREST if scale > 1 and place else Image.Resampling.LANCZOS
        strip.paste(shown.resize(size, how), (left, top))
    return strip


def _seen(shown: Sequence[Shown], count: int) -> list[int]:
    """Return the numbers of the classes that are seen, -1 for void among them."""
    masks = [mask for one in shown for mask in (one.truth, one.predicted)]
    there = {number for mask in masks for number in np.unique(mask).tolist()}
    return [number for number in (*range(count), -1) if number in there]


def _entry(number: int, classes: PixelClasses) -> tuple[str, Colour]:
    """Return the name and the colour of a class, or of void."""
    return (classes.names[number], classes.colours[number]) if number >= 0 else ("void", VOID)


def _legend(entries: Sequence[tuple[str, Colour]], width: int) -> Image.Image:
    """Return names and colours in as many lines as they need."""
    font = ImageFont.load_default(14)
    places, left, top = [], MARGIN, MARGIN
    for name, colour in entries:
        wide = LINE + 6 + round(font.getlength(name)) + 2 * MARGIN
        if left > MARGIN and left + wide > width:
            left, top = MARGIN, top + LINE + 6
        places.append((left, top, name, colour))
        left += wide
    legend = Image.new("RGB", (width, top + LINE + MARGIN), "white")
    pen = ImageDraw.Draw(legend)
    for left, top, name, colour in places:
        pen.rectangle((left, top, left + LINE - 4, top + LINE - 4), colour, "black")
        pen.text((left + LINE + 2, top - 1), name, fill="black", font=font)
    return legend
