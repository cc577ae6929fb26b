"""A prompt with columns in braces, and the messages that it makes of a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from plait.data.detect import SOUND, detect
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.data.text import read_text
from plait.errors import CellError, ColumnError, ConfigError, did_you_mean
from plait.hosted.media import SIDE, Medium, Part
from plait.types import Column, Modality

OVERHEAD = 100
"""Tokens that a chat template puts around a message, generously."""

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

_IMAGES = (Modality.IMAGE, Modality.MASK)


@dataclass(frozen=True)
class PromptConfig:
    """How rows are put into words.

    Attributes:
        prompt: with columns in braces, `Describe {photo}. Title: {title}`; braces that are meant
            as such are written twice.
        system: a message that goes before it; empty for none.
        missing: what stands for a missing cell; None asks nothing of rows that lack one.
        side: pixels of the longest side of pictures that are sent.
        sounds: whether the model takes `input_audio`.
    """

    prompt: str
    system: str = ""
    missing: str | None = None
    side: int = SIDE
    sounds: bool = False

    def __post_init__(self) -> None:
        if not 8 <= self.side <= 8192:
            raise ConfigError(f"Setting 'side' must be between 8 and 8192, found {self.side}.")


@dataclass(frozen=True)
class Prompt:
    """A prompt for the rows of one table.

    Attributes:
        config: as it was given.
        pieces: texts and columns, in order.
        table: that the columns belong to.
    """

    config: PromptConfig
    pieces: tuple[str | Column, ...]
    table: Table

    @classmethod
    def of(
        cls,
        config: PromptConfig,
        table: Table,
        modalities: Mapping[str, Modality] | None = None,
    ) -> Prompt:
        """Return the prompt with what its columns hold.

        Args:
            config: the prompt.
            table: whose columns it names.
            modalities: of columns, where the user says them.

        Raises:
            ColumnError: for a column that is not there, or cannot be sent.
            ConfigError: for a brace that stands alone, or a prompt without any column.
        """
        found = list(_pieces(config.prompt))
        names = [piece[1] for piece in found if isinstance(piece, tuple)]
        if not names:
            raise ConfigError(
                "The prompt names no column, so every row would be asked the same. Write columns "
                f"in braces.{did_you_mean('', table.columns)}"
            )
        columns = _columns(names, table, modalities or {})
        for column in columns.values():
            _require_sendable(column, config.sounds)
        pieces = (piece if isinstance(piece, str) else columns[piece[1]] for piece in found)
        return cls(config, tuple(pieces), table)

    def read(self, row: int) -> list[str | Medium]:
        """Return the texts and media of a row, neighbouring texts as one.

        Raises:
            CellError: when a cell is missing, or cannot be read.
        """
        found: list[str | Medium] = []
        for piece in self.pieces:
            own = piece if isinstance(piece, str) else self._cell(piece, row)
            if isinstance(own, str) and found and isinstance(found[-1], str):
                found[-1] += own
            elif own != "":
                found.append(own)
        return found

    def _cell(self, column: Column, row: int) -> str | Medium:
        value = self.table.cell(column.stored, row)
        if is_missing(value):
            if self.config.missing is None:
                raise CellError(f"{column.name} is missing")
            return self.config.missing
        try:
            if column.modality in (*_IMAGES, Modality.AUDIO):
                return Medium(column, value, self.table, self.config.side)
            return _in_words(value)
        except CellError as error:
            raise CellError(f"{column.name}: {error}") from error


def messages(
    parts: Sequence[str | Medium], system: str, more: str
) -> tuple[list[dict[str, Any]], int]:
    """Return the messages of a row, and the most tokens that they are believed to be.

    No tokenizer of bytes makes more tokens of a text than it has bytes.

    Args:
        parts: of the row.
        system: a message before it; empty for none.
        more: what is said after it.

    Raises:
        CellError: when a picture or sound cannot be decoded.
    """
    content: list[Part] = []
    tokens = OVERHEAD + len(system.encode()) + len(more.encode())
    for part in [*parts, more] if more else parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
            tokens += len(part.encode("utf-8", "replace"))
            continue
        try:
            own, most = part.parts()
        except CellError as error:
            raise CellError(f"{part.column.name}: {error}") from error
        content += own
        tokens += most
    user: Any = content
    if all(part["type"] == "text" for part in content):  # some servers take nothing else
        user = "".join(part["text"] for part in content)
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": user}], tokens


def _pieces(prompt: str) -> Iterator[str | tuple[str, str]]:
    """Yield texts, and columns as ("column", name)."""
    end = 0
    for match in _BRACES.finditer(prompt):
        yield prompt[end : match.start()]
        end = match.end()
        if match[1] is not None:
            yield ("column", match[1])
        elif match[0] in ("{{", "}}"):
            yield match[0][0]
        else:
            near = prompt[max(match.start() - 10, 0) : match.end() + 10]
            raise ConfigError(
                f"The prompt has a single {match[0]!r} in {near!r}. Write a brace that is meant as "
                f"such twice, {match[0] * 2}."
            )
    yield prompt[end:]


def _columns(
    names: Sequence[str], table: Table, modalities: Mapping[str, Modality]
) -> dict[str, Column]:
    """Return what the columns hold; of no others, since looking at them takes time."""
    stored: list[str] = []
    for name in names:
        own = name if name in table else name.removesuffix(SOUND)
        if own not in table:
            raise ColumnError(
                f"Column {name!r} of the prompt is not in the table."
                f"{did_you_mean(name, table.columns)} Braces that are meant as such are written "
                "twice, {{ and }}."
            )
        stored.append(own)
    for name in modalities:
        table.require(name)
    view = replace(table, data={name: table.data[name] for name in dict.fromkeys(stored)})
    said = {name: modality for name, modality in modalities.items() if name in view}
    schema = detect(view, overrides=said)
    for name, own in zip(names, stored, strict=True):
        if name not in schema:
            raise ColumnError(f"The videos of column {own!r} have no sound, so {name!r} is none.")
    return {name: schema[name] for name in names}


def _require_sendable(column: Column, sounds: bool) -> None:
    if column.modality is Modality.VIDEO:
        raise ColumnError(
            f"Column {column.name!r} holds videos, which chat completions do not take. Name a "
            f"column of pictures, or its sound, {{{column.name}{SOUND}}}."
        )
    if column.modality is Modality.AUDIO and not sounds:
        raise ColumnError(
            f"Column {column.name!r} holds sounds, which few models take. Say that this one does: "
            "sounds=True, --sounds."
        )


def _in_words(value: Any) -> str:
    """Return a cell as text."""
    if isinstance(value, (date, np.datetime64, timedelta, Decimal)):
        return str(value)
    if isinstance(value, set):
        return read_text(sorted(value))
    return read_text(value)
