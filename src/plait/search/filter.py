"""Filters in SQL: what is one, and what is wrong with what is none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plait.errors import ColumnError, ConfigError, did_you_mean

QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`")

EXAMPLE = "a condition on columns, like: price < 50 and brand = 'X'"

NO_FIELD = re.compile(r"No field named [`\"]?(?P<name>[^`\".,]+)")


def checked(where: str) -> str:
    """Return a filter in parentheses, so that whatever is left over after it is an error.

    LanceDB's parser takes the first expression and passes over the rest in silence.

    Raises:
        ConfigError: when it is empty, ends early, or holds a comment or a second statement.
    """
    bare = QUOTED.sub("''", where)
    depth = 0
    for mark in bare:
        depth += (mark == "(") - (mark == ")")
        if depth < 0:
            break
    odd = next((mark for mark in (";", "--", "/*") if mark in bare), None)
    if not bare.strip() or odd or depth:
        why = ("is empty" if not bare.strip() else f"holds {odd!r}" if odd else
               "has parentheses that do not match")  # fmt: skip
        raise ConfigError(f"Filter {where!r} {why}; a filter is {EXAMPLE}.")
    return f"({where})"


def refused(where: str, error: Exception, columns: Sequence[str]) -> ColumnError | ConfigError:
    """Return what to tell the user of a filter that LanceDB refused."""
    missing = NO_FIELD.search(str(error))
    if missing:
        name = missing["name"]
        return ColumnError(
            f"Filter {where!r} names column {name!r}, which is not in the index."
            f"{did_you_mean(name, columns)} Texts stand in single quotes."
        )
    reason = str(error).split(", /")[0].splitlines()[0]
    return ConfigError(f"{where!r} is no filter: {reason}. A filter is {EXAMPLE}.")
