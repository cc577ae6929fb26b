"""Who segments best: a phrase needs its picture, and a picture its phrase."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from squares import by_words, small

import plait
from plait.errors import ConfigError
from plait.segmenter.comparing import CONSTANT, Grey


def test_neither_picture_nor_phrase_is_enough(phrases: Path) -> None:
    board = plait.compare(
        str(phrases), "mask", modalities={"phrase": "text"}, config=by_words(small(epochs=14))
    )
    lines = {line.name: line for line in board.lines}
    assert set(lines) == {"photo", "phrase", "concat", CONSTANT}
    assert board.metric == "giou"
    assert board.winner == "concat"
    both = lines["concat"].score
    for alone in ("photo", "phrase", CONSTANT):
        assert lines[alone].score.value < both.low
    gain = lines["concat"].gain
    assert gain is not None
    assert gain.low > 0


def test_a_board_of_classes(classes: Path) -> None:
    board = plait.compare(str(classes), "mask", config=small(epochs=1, void=[9]))
    assert [line.name for line in board.lines] == ["photo", CONSTANT]
    assert board.metric == "mean_iou"
    assert 0 < board.chance < 0.5


def test_what_is_refused(classes: Path) -> None:
    with pytest.raises(ConfigError, match="Fusion 'conkat'"):
        plait.compare(str(classes), "mask", fusions=["conkat"])


def test_grey_pictures_have_the_size_of_their_own(classes: Path) -> None:
    table = plait.read(str(classes))
    grey = Grey(table, "photo")
    assert len(grey) == len(table)
    assert grey[0].shape == (48, 48, 3)
    assert len(np.unique(grey[0])) == 1
