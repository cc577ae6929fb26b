"""What a person asks to be drawn: words of a command line as values of columns."""

from __future__ import annotations

from collections.abc import Sequence

from plait.drawer.drawer import Drawer
from plait.errors import ConfigError
from plait.making.given import columns_for


def values_of(model: Drawer, given: Sequence[str]) -> dict[str, str]:
    """Return the value of each column that is meant; see `plait.making.given.columns_for`.

    Raises:
        ConfigError: when a word is empty, or there is no free column for it.
    """
    if not all(word.partition("=")[2].strip() or ("=" not in word and word.strip())
               for word in given):  # fmt: skip
        raise ConfigError("What is to be drawn is empty; say it in words, or as COLUMN=VALUE.")
    return columns_for(model, given)


def said(given: Sequence[str]) -> str:
    """Return what was asked for as one line."""
    return ", ".join(given)
