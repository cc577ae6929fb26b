"""Tables and sheets of masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from plait.data.pixel_classes import PixelClasses
from plait.errors import ConfigError
from plait.evaluate.segmented import ClassScore, SegmentedEvaluation
from plait.metrics.uncertainty import Interval
from plait.report.mask_sheet import (
    VOID,
    WRONG,
    Shown,
    covered,
    draw_sheet,
    errors,
    telling,
    write_mask_sheet,
)
from plait.report.segmented import segmented_table

CLASSES = PixelClasses((0, 1, 2), ("road", "sky", "car"), ((255, 0, 0), (0, 0, 255), (0, 200, 0)))
PICTURE = np.full((20, 30, 3), 100, np.uint8)
TRUTH = np.zeros((20, 30), int)
TRUTH[:, 15:] = 1
TRUTH[:5] = -1
SAID = np.zeros((20, 30), int)
SAID[:, 20:] = 1


def text_of(found: SegmentedEvaluation) -> str:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(segmented_table(found))
    return capture.get()


def test_tables() -> None:
    classes = (
        ClassScore("road", 0.75, Interval(0.9, 0.85, 0.95), 0.94, 0.5),
        ClassScore("[sky]", 0.25, None, None, None),
    )
    scores = {"mean_iou": Interval(0.9, 0.8, 0.95)}
    text = text_of(SegmentedEvaluation("m", "mean_iou", 1200, scores, classes, 3, 17))
    for part in ("mean_iou", "0.8000 … 0.9500", "75.00%", "0.8500 … 0.9500", "0.9400", "[sky]",
                 "1,200 masks judged, 3 without a mask left out. 17 pixels of values"):  # fmt: skip
        assert part in text
    text = text_of(SegmentedEvaluation("m", "giou", 1, {"giou": Interval(0.5, 0.4, 0.6)}))
    assert "class" not in text
    assert "1 mask judged." in text


def test_the_rows_that_tell_most() -> None:
    scores = np.array([0.5, np.nan, 0.9, 0.1, 0.7, 0.6, 0.2, 0.8])
    assert telling(scores, 1) == [("best", 2), ("median", 5), ("worst", 3)]
    assert [row for _, row in telling(scores, 2)] == [2, 7, 4, 5, 6, 3]
    assert telling(scores[:1], 2) == [("best", 0)]
    with pytest.raises(ConfigError, match="No mask has a score, so there is none to show"):
        telling(scores[1:2])


def test_masks_cover_pictures_in_their_colours() -> None:
    found = covered(PICTURE, TRUTH, np.array([*CLASSES.colours, VOID], np.uint8))
    assert found[10, 0].tolist() == [185, 45, 45]
    assert found[10, 29].tolist() == [45, 45, 185]
    assert found[0, 0].tolist() == [round(45 + 0.55 * level) for level in VOID]


def test_errors_are_red_and_void_is_none() -> None:
    found = errors(PICTURE, TRUTH, SAID)
    red, blue = (found == WRONG).all(axis=2), (found == VOID).all(axis=2)
    assert (red == ((TRUTH != SAID) & (TRUTH >= 0))).all()
    assert red.sum() == 15 * 5
    assert (blue == (TRUTH < 0)).all()


def pixels(sheet: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(sheet) == colour).all(axis=2).sum())


def test_a_sheet(tmp_path: Path) -> None:
    shown = [
        Shown("best, row 7", 0.9, PICTURE, TRUTH, TRUTH.clip(0), "the sky above"),
        Shown("worst, row 2", 0.1, PICTURE[:, :10], TRUTH[:, :10], SAID[:, :10]),
        Shown("a tiny one", 0.1, PICTURE[:1, :1], TRUTH[:1, :1], SAID[:1, :1], "long " * 99),
    ]
    sheet = draw_sheet(shown, CLASSES)
    write_mask_sheet(shown, CLASSES, tmp_path / "new" / "sheet.png")
    with Image.open(tmp_path / "new" / "sheet.png") as written:
        assert (np.asarray(written) == np.asarray(sheet)).all()
    assert sheet.width == 1100
    # The legend has the classes that are seen, car not among them.
    assert pixels(sheet, CLASSES.colours[0]) > 100
    assert pixels(sheet, CLASSES.colours[2]) == 0
    alone = draw_sheet(shown[:1], CLASSES)
    assert pixels(alone, WRONG) < 250 < pixels(draw_sheet(
        [Shown("", 0.1, PICTURE, TRUTH, SAID)], CLASSES), WRONG)  # fmt: skip
    assert sheet.height > alone.height + 300


def test_many_classes_take_several_lines() -> None:
    names = tuple(f"class number {number}" for number in range(40))
    classes = PixelClasses(tuple(range(40)), names, ((9, 9, 9),) * 40)
    truth = np.arange(40).reshape(4, 10)
    shown = [Shown("one", 0.5, np.zeros((4, 10, 3), np.uint8), truth, truth)]
    assert draw_sheet(shown, classes).height > 300


def test_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no prediction to show; name rows that have a mask"):
        write_mask_sheet([], CLASSES, tmp_path / "a.png")
