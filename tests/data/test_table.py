"""Tables are views of named columns of equal length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from plait.data.table import Table, check_names
from plait.errors import ColumnError, TableError


@pytest.fixture
def table() -> Table:
    arrow = pa.chunked_array([["a", None], ["c", "d"]])
    return Table.of({"letter": arrow, "thing": [1, None, "x", b"y"]})


def test_facts(table: Table) -> None:
    assert table.columns == ["letter", "thing"]
    assert len(table) == 4
    assert "letter" in table
    assert "Letter" not in table
    assert table.folder == Path.cwd()


def test_cells_and_values_agree_for_both_kinds_of_columns(table: Table) -> None:
    for column, expected in [("letter", ["a", None, "c", "d"]), ("thing", [1, None, "x", b"y"])]:
        assert table.values(column) == expected
        assert [table.cell(column, row) for row in range(4)] == expected


def test_views_of_views(table: Table) -> None:
    view = table.take([3, 1, 0]).take([2, 0, 0])
    assert view.values("letter") == ["a", "d", "d"]
    assert view.values("thing") == [1, b"y", b"y"]
    assert table.take([3, 2, 1, 0]).values("letter") == ["d", "c", None, "a"]
    assert len(table.take([])) == 0
    assert table.take([]).values("letter") == []


def test_a_mask_takes_the_rows_that_are_true(table: Table) -> None:
    assert table.take(np.array([True, False, False, True])).values("letter") == ["a", "d"]


def test_row_and_iteration(table: Table) -> None:
    assert list(table.row(2)) == [{"letter": "c", "thing": "x"}]
    assert list(table)[1] == {"letter": None, "thing": None}


def test_drop_and_with_column(table: Table) -> None:
    assert table.drop(["thing"]).columns == ["letter"]
    more = table.take([2, 0]).with_column("number", [5, 6])
    assert list(more) == [
        {"letter": "c", "thing": "x", "number": 5},
        {"letter": "a", "thing": 1, "number": 6},
    ]
    assert table.with_column("thing", "wxyz").values("thing") == list("wxyz")


def test_a_column_of_another_length_is_refused(table: Table) -> None:
    with pytest.raises(TableError, match=r"same length, found \{'letter': 4, 'thing': 4, 'n': 1\}"):
        table.with_column("n", [1])


def test_a_column_that_is_not_there(table: Table) -> None:
    with pytest.raises(ColumnError, match=r"'leter' is not in the table\. Did you mean 'letter'\?"):
        table.require("leter")
    with pytest.raises(ColumnError, match="There are: letter, thing"):
        table.values("zzz")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a"], "Column 'a' appears twice"),
        (["ab", "x", "".join(["a", "b"])], "Column 'ab' appears twice"),
        (["price", "Price"], "'price' and 'Price' differ only in upper and lower case"),
        (["a", ""], "A column has no name"),
        ([" "], "A column has no name"),
    ],
)
def test_names_that_cannot_be_told_apart(names: list[str], message: str) -> None:
    with pytest.raises(TableError, match=message):
        check_names(names)


def test_a_table_without_columns() -> None:
    assert len(Table.of({})) == 0


def test_its_repr_shows_no_cells() -> None:
    assert repr(Table.of({"a": ["secret"], "b": [2]})) == "Table(1 rows of a, b)"


def test_a_column_under_another_name() -> None:
    table = Table.of({"a": [1, 2], "b": [3, 4]})
    renamed = table.renamed("a", "c")
    assert renamed.columns == ["c", "b"]
    assert renamed.values("c") == [1, 2]
    with pytest.raises(ColumnError, match="Column 'z' is not in the table"):
        table.renamed("z", "c")
    with pytest.raises(TableError, match="differ only in upper and lower case"):
        table.renamed("a", "B")
