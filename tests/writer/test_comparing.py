"""Every modality alone, together, and two that only repeat."""

from __future__ import annotations

from pathlib import Path

import pytest
from writer_settings import small

import plait
from plait.encoders.config import choose_encoders
from plait.errors import ConfigError
from plait.writer.comparing import CONSTANT, NEAREST, compare


def test_a_board_of_texts(captions: Path) -> None:
    board = plait.compare(str(captions), "caption:text", config=small())
    assert [line.name for line in board.lines] == ["photo", "text", "concat", CONSTANT]
    assert [line.level for line in board.lines] == ["single", "single", "feature", "baseline"]
    assert board.metric == "cider"
    assert board.rows == 16
    assert board.chance == board[CONSTANT].score.value
    assert board[board.winner].score.value > board.chance
    assert board["concat"].gain is not None
    assert board["photo"].gain is None
    assert board.winner != CONSTANT
    assert all(line.megabytes > 0 for line in board.lines if line.level != "baseline")


def test_the_nearest_row_has_a_text_too(captions: Path) -> None:
    config = small()
    config = type(config)(**{
        **vars(config),
        "encoders": choose_encoders(["classical"], config.encoders),
        "writing": type(config.writing)(epochs=1, least_steps=1),
    })  # fmt: skip
    board = compare(str(captions), "caption:text", config=config)
    nearest = board[NEAREST]
    assert nearest.level == "baseline"
    assert nearest.score.value > board[CONSTANT].score.value


def test_what_is_refused(captions: Path) -> None:
    with pytest.raises(ConfigError, match="Fusion 'conkat'"):
        compare(str(captions), "caption:text", fusions=["conkat"], config=small())
    wrong = type(small())(**{**vars(small()), "metric": "accuracy"})
    with pytest.raises(ConfigError, match="Metric of texts 'accuracy'"):
        compare(str(captions), "caption:text", config=wrong)
