"""What could not be used is counted once, with its reason."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from plait.data.quality import WHOLE_ROW, Ledger
from plait.errors import TableError


def ledger() -> Ledger:
    made = Ledger()
    for row in (9, 2, 5, 7):
        made.add(row, "photo", f"broken {row}")
    made.add(2, "price", 'not a number: "x",\ny')
    made.add(3, WHOLE_ROW, "has 1 cells")
    return made


def test_a_cell_is_counted_once_however_often_it_is_read() -> None:
    made = ledger()
    made.add(2, "photo", "broken again")
    assert len(made) == 6
    assert made.counts() == {"photo": 4, "price": 1, WHOLE_ROW: 1}


def test_it_is_written_sorted(tmp_path: Path) -> None:
    ledger().write(tmp_path / "skipped.csv")
    with (tmp_path / "skipped.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["row", "column", "reason"],
        ["2", "photo", "broken 2"],
        ["2", "price", 'not a number: "x",\ny'],
        ["3", WHOLE_ROW, "has 1 cells"],
        ["5", "photo", "broken 5"],
        ["7", "photo", "broken 7"],
        ["9", "photo", "broken 9"],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["skipped.csv"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "skipped.csv"
    path.write_text("old")
    bad = Ledger({(0, "photo"): "half a pair \ud800"})  # cannot be encoded
    with pytest.raises(UnicodeEncodeError):
        bad.write(path)
    assert path.read_text() == "old"


def test_a_share_up_to_the_limit_is_allowed() -> None:
    ledger().require_share("photo", rows=40, limit=0.1)
    ledger().require_share("title", rows=10, limit=0.0)


def test_a_share_above_the_limit_stops_with_the_first_reasons() -> None:
    message = (
        r"4 of 39 cells of column 'photo' cannot be read, more than the 10% that max_bad_share "
        r"allows \(row 2: broken 2; row 5: broken 5; row 7: broken 7\)\. Mend them, ignore the "
        "column, or raise max_bad_share"
    )
    with pytest.raises(TableError, match=message):
        ledger().require_share("photo", rows=39, limit=0.1)
