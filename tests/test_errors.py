"""Messages name what was asked and what there is."""

from __future__ import annotations

import pickle

import pytest

from plait.errors import (
    CellError,
    ColumnError,
    ConfigError,
    MissingExtraError,
    ModelError,
    PlaitError,
    TableError,
    did_you_mean,
    many,
    unknown,
)


def test_near_name_is_offered_in_its_own_spelling() -> None:
    assert did_you_mean("PRICES", ["Price", "title"]) == " Did you mean 'Price'?"


def test_allowed_names_are_listed_when_none_is_near() -> None:
    assert did_you_mean("zzz", ["price", "title"]) == " There are: price, title."


def test_long_lists_are_cut() -> None:
    hint = did_you_mean("zzz", [f"column {i}" for i in range(30)])
    assert hint.endswith("column 19, ….")
    assert "column 20" not in hint


def test_nothing_allowed_gives_no_hint() -> None:
    assert did_you_mean("x", []) == ""


def test_unknown() -> None:
    message = unknown("Preset", "quik", ["quick", "best"])
    assert message == "Preset 'quik' is not known. Did you mean 'quick'?"


def test_column_error_prints_without_quotes_and_survives_pickling() -> None:
    error = ColumnError("Column 'x' is not there.")
    assert str(error) == "Column 'x' is not there."
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (TableError, ValueError),
        (ColumnError, KeyError),
        (ConfigError, ValueError),
        (ModelError, ValueError),
        (MissingExtraError, ImportError),
    ],
)
def test_errors_are_also_the_usual_ones(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, PlaitError)
    assert issubclass(kind, builtin)


def test_a_bad_cell_does_not_stop_as_a_plait_error_would() -> None:
    assert not issubclass(CellError, PlaitError)


def test_counts_have_their_noun() -> None:
    assert [many(n, "row") for n in (0, 1, 12_000)] == ["0 rows", "1 row", "12,000 rows"]
