"""Errors that say what was asked, what was found, what is allowed, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class PlaitError(Exception):
    """A problem that the user can mend; its message says how."""


class TableError(PlaitError, ValueError):
    """The table cannot be read or used as it is."""


class ColumnError(PlaitError, KeyError):
    """A column was asked for that is not there, or that cannot play this part."""

    def __str__(self) -> str:  # KeyError would print the quoted repr
        return str(self.args[0])


class ConfigError(PlaitError, ValueError):
    """A setting is unknown or has a value that is not allowed."""


class ModelError(PlaitError, ValueError):
    """A model folder cannot be read, written or used."""


class TrainingError(PlaitError, ArithmeticError):
    """A network cannot learn as it was told to."""


class MissingExtraError(PlaitError, ImportError):
    """An optional or system library is not there."""


class EndpointError(PlaitError, ConnectionError):
    """A model that is asked over the network cannot be used."""


class CellError(ValueError):
    """One cell cannot be read; it is counted and listed, and the run goes on."""


def did_you_mean(wrong: str, allowed: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?`, or the list of what is allowed when nothing is near.

    Args:
        wrong: the name that was asked for.
        allowed: the names there are.

    Returns:
        A sentence with a leading space; empty when nothing is allowed.
    """
    names = list(allowed)
    folded = {name.casefold(): name for name in names}
    near = get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {folded[near[0]]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f" There are: {shown}."


def unknown(kind: str, wrong: str, allowed: Iterable[str]) -> str:
    """Return the message for a name that is not among the allowed ones."""
    return f"{kind} {wrong!r} is not known.{did_you_mean(wrong, allowed)}"


def many(count: int, thing: str) -> str:
    """Return `1 row`, `2 rows`, `12,000 rows`: a count with its noun."""
    ending = "" if count == 1 else "s"
    return f"{count:,} {thing}{ending}"
