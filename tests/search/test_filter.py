"""Filters: what is left over, cut off, or no filter at all is refused."""

from __future__ import annotations

import pytest

from plait.errors import ColumnError, ConfigError
from plait.search.filter import checked, refused


@pytest.mark.parametrize("where", ["price < 5", "name = 'a;b--c' and (x or y)", "`a b` = '('"])
def test_filters_stand_in_parentheses(where: str) -> None:
    assert checked(where) == f"({where})"


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("1=1; drop table x", "holds ';'"),
        ("price < 5 -- and more", "holds '--'"),
        ("price /* no */ < 5", "holds '/\\*'"),
        ("1=1) or (1=1", "has parentheses that do not match"),
        ("(1=1", "has parentheses that do not match"),
    ],
)
def test_what_is_no_filter(where: str, why: str) -> None:
    with pytest.raises(ConfigError, match=f"{why}; a filter is a condition on columns"):
        checked(where)


def test_what_lancedb_refused() -> None:
    error = ValueError("Invalid input, Schema error: No field named prize. Valid fields are x.")
    told = refused("prize < 5", error, ["price", "brand"])
    assert isinstance(told, ColumnError)
    assert "names column 'prize', which is not in the index. Did you mean 'price'?" in str(told)
    told = refused("price", ValueError("it does not return a boolean, /a/b.rs:3"), ["price"])
    assert isinstance(told, ConfigError)
    assert str(told).startswith("'price' is no filter: it does not return a boolean. A filter is")
