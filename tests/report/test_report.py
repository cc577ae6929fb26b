"""Reports: the picture of a board, tables for the terminal, results as files."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import plait
from plait.data.quality import Ledger
from plait.ensemble.board import Board, Line
from plait.ensemble.race import Dropped
from plait.errors import ConfigError
from plait.evaluate.run import evaluate
from plait.metrics.uncertainty import Gain, Interval
from plait.model import Explanation, Prediction
from plait.report.files import (
    board_columns,
    require_new,
    write_columns,
    write_json,
    write_predictions,
)
from plait.report.plots import board_plot
from plait.report.tables import board_table, check_table, evaluation_table, explanation_table
from plait.tasks.target import Target

LINES = (
    Line("photo [x]", "single", Interval(0.6, 0.5, 0.7), {}, None, 1.0, 900.0, 2.0),
    Line(
        "gated", "feature", Interval(0.8, 0.7, 0.9), {}, Gain(0.2, 0.1, 0.3, 0.01), 2.0, 800.0, 3.0
    ),
)
BOARD = Board("accuracy", True, LINES, "photo [x]", "gated", 100, 5)
TARGET = Target("kind", "classify", ("a", "b"), (0.5, 0.5))


def shown(what: object) -> str:
    console = Console(width=180, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(what)
    console.file.close()
    return console.export_text()


def test_board_table_and_columns(tmp_path: Path) -> None:
    text = shown(board_table(BOARD))
    lead = Gain(0.3, 0.2, 0.4, 0.002)
    early = Dropped("trees", "trees", 0.5, "gated", 0.8, lead, 40, 1)
    assert "left after fold" not in text
    assert "trees left after fold 1: 0.5000" in shown(board_table(replace(BOARD, dropped=(early,))))
    assert "photo [x]" in text  # brackets are the user's, not markup
    assert "★  gated" in text
    assert "+0.2000 [+0.1000, +0.3000]" in text
    columns = board_columns(BOARD)
    assert columns["gain"] == [None, 0.2]
    write_columns(tmp_path / "board.tsv", columns)
    assert (tmp_path / "board.tsv").read_text().startswith("entrant\tlevel\taccuracy\t")


def test_board_plot_is_a_picture_with_a_line_an_entrant(tmp_path: Path) -> None:
    many = Board("accuracy", True, LINES * 4, "photo [x]", "gated", 100, 5)
    with Image.open(board_plot(BOARD, tmp_path / "few.png")) as picture:
        few = np.asarray(picture.convert("RGB"))
    with Image.open(board_plot(many, tmp_path / "deep" / "many.png", "title")) as picture:
        assert picture.height > len(few)
    assert len(set(few.reshape(-1, 3).sum(axis=1))) > 20
    assert sorted(p.name for p in tmp_path.rglob("*.png")) == ["few.png", "many.png"]


def test_evaluation_explanation_and_check_tables(things: Path) -> None:
    truth = np.eye(2)[[0, 0, 1, 1]]
    text = shown(evaluation_table(evaluate(TARGET, truth, truth)))
    assert "accuracy" in text
    assert "1.0000" in text
    rows = [Explanation("a", 0.9, 0.5, {"photo": 0.3, "title": 0.1})]
    assert "+0.300" in shown(explanation_table(rows))
    assert explanation_table([]).row_count == 0
    said = [Explanation(v, 0.9, 0.5, {"a": 0.4}) for v in (("x", "y"), (), 756331.968)]
    shown_words = shown(explanation_table(said))
    assert all(word in shown_words for word in ("x, y", "(none)", "756,332"))
    report = plait.check(things, "kind", progress=plait.progress.Progress(False))
    assert "tells target" in shown(check_table(report))


def test_predictions_keep_every_row_and_no_name_is_lost(tmp_path: Path) -> None:
    table = plait.read({"id": [1, 2], "probability": ["mine", "too"], "raw": [b"1", b"2"]})
    prediction = Prediction(TARGET, np.array([[0.9, 0.1], [0.2, 0.8]]), Ledger())
    write_predictions(tmp_path / "p.csv", table, prediction, all_scores=True)
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    assert rows[0] == {
        "id": "1", "probability": "mine", "kind_predicted": "a", "probability_": "0.9",
        "p(a)": "0.9", "p(b)": "0.1",
    }  # fmt: skip
    assert [row["kind_predicted"] for row in rows] == ["a", "b"]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.csv"
    assert require_new(path, False, (".csv",)) == path
    path.write_text("mine")
    with pytest.raises(ConfigError, match="exists already; choose another name"):
        require_new(path, False)
    assert require_new(path, True) == path
    with pytest.raises(ConfigError, match=r"Cannot write 'x.xls'; its suffix must be .csv"):
        require_new(tmp_path / "x.xls", False, (".csv",))
    write_json(tmp_path / "b.json", BOARD)
    assert json.loads((tmp_path / "b.json").read_text())["winner"] == "gated"
