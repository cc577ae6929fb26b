"""History columns: made strictly of what was before, or read from cells; wrong ones are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plait.data.histories import HistoryColumn, known_items, read_keys, with_histories
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.table import Table
from plait.errors import CellError, ColumnError, ConfigError

ROWS: dict[str, list[Any]] = {
    "user": ["a", "b", "a", "a", "b", "a", None, "a", "b"],
    "item": ["x", "y", "z", "x", "x", "y", "x", "?", "z"],
    "time": [10, 20, 30, 30, 40, 50, 60, 35, None],
}
ITEMS = {"item": ["z", "y", "x"], "n": [1, 2, 3]}
MADE = HistoryColumn.parse("before=item of user by time")


def table() -> Table:
    return read(ROWS, join={"item": ITEMS})


def before(rows: Table, longest: int = 9) -> list[list[str]]:
    return with_histories(rows, [MADE], longest, Ledger()).values("before")


def test_what_a_history_says() -> None:
    assert HistoryColumn("before", "item", "user", "time") == MADE
    assert MADE.made_of == ("user", "item", "time")
    stated = HistoryColumn.parse(" films seen = film ")
    assert stated == HistoryColumn("films seen", "film")
    assert stated.made_of is None
    for words in ("film", "=film", "before="):
        with pytest.raises(ConfigError, match=f"History '{words}' is not known; write NAME=ITEM"):
            HistoryColumn.parse(words)


def test_strictly_before_and_all_that_was() -> None:
    """Of one moment nothing is known yet, an item that comes again counts again."""
    assert before(table()) == [
        [], [], ["x"], ["x"], ["y"], ["x", "z", "x"], [], ["x", "z", "x"], [],
    ]  # fmt: skip


def test_the_newest_are_kept_and_other_rows_do_not_count() -> None:
    assert before(table(), 2)[5] == ["z", "x"]
    part = table().take([5, 3])
    assert before(part) == [["x"], []]
    whole = with_histories(part, [MADE], 9, Ledger())
    assert whole.data["before"][0] == []  # a stored row that is not shown
    assert len(whole.data["before"]) == len(ROWS["user"])


def test_rows_that_cannot_be_used_are_told() -> None:
    ledger = Ledger()
    with_histories(table(), [MADE], 9, ledger)
    assert ledger.entries == {
        (6, "user"): "it is missing",
        (7, "item"): "it is not in its table",
        (8, "time"): "it is missing",
    }
    nobody = read({**ROWS, "user": [None] * 9}, join={"item": ITEMS})
    assert before(nobody) == [[]] * 9


def test_what_cannot_be_made_is_left_as_it_is() -> None:
    for rows in (table().drop(["time"]), read({**ROWS, "before": ["x"] * 9})):
        assert with_histories(rows, [MADE], 9, Ledger()).columns == rows.columns
    stated = HistoryColumn("before", "item")
    assert with_histories(table(), [stated], 9, Ledger()).columns == table().columns


def test_keys_in_cells() -> None:
    for cell in ("7|3|7", "7, 3,7", "[7, 3, 7]", [7, 3.0, "7"], np.array([7, 3, 7])):
        assert read_keys(cell) == ("7", "3", "7")
    assert read_keys(260.0) == ("260",)
    assert read_keys("007") == ("007",)
    for nothing in (None, float("nan"), "", [], [None, ""]):
        assert read_keys(nothing) == ()
    with pytest.raises(CellError, match="expected keys, found dict"):
        read_keys({"7": 1})


def test_known_items() -> None:
    numbers, unknown = known_items(("c", "?", "a", "c"), {"a": 0, "b": 1, "c": 2})
    assert numbers.tolist() == [2, 0, 2]
    assert unknown == ("?",)
    assert known_items((), {})[0].tolist() == []


def test_tables_that_cannot_have_it() -> None:
    with pytest.raises(ColumnError, match="Column 'time' is not in the table"):
        MADE.require(table().drop(["time"]))
    with pytest.raises(ColumnError, match="Column 'seen' is not in the table"):
        HistoryColumn("seen", "item").require(table())
    with pytest.raises(ColumnError, match="Column 'item' refers to no table, so the items of hist"):
        MADE.require(read(ROWS))
    there = read({**ROWS, "before": ["x"] * 9}, join={"item": ITEMS})
    with pytest.raises(ColumnError, match="Column 'before' is in the table already. To read the k"):
        MADE.require(there)
    HistoryColumn("before", "item").require(there)
