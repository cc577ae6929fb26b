"""What a person names on a command line: which column of a model each thing is for."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from plait.errors import ConfigError
from plait.making.maker import Maker
from plait.types import MEDIA


def columns_for(model: Maker, given: Sequence[str]) -> dict[str, str]:
    """Return the column that each word of a command line is for.

    `column=value` says it; a file goes to the first free column of its kind, anything else to the
    first free column of text, or else of the table.

    Args:
        model: that reads them.
        given: files and texts.

    Raises:
        ConfigError: when there is no free column for one of them.
    """
    free = [column for source in model.sources for column in source.columns]
    kinds = {column.stored: column.modality.value for column in free}
    found: dict[str, str] = {}
    for word in given:
        name, mark, value = word.partition("=")
        if mark and name in kinds:
            found[name] = value
    for word in (w for w in given if w.partition("=")[0] not in found):
        kind = _kind(word)
        fits = [n for n, k in kinds.items() if k == kind and n not in found]
        if kind == "text":
            fits += [n for n, k in kinds.items() if k not in (*MEDIA, "text") and n not in found]
        if not fits:
            raise ConfigError(
                f"There is no column left for {word!r}, which is {kind}. The model reads "
                + ", ".join(f"{n} ({k})" for n, k in kinds.items())
                + "; say COLUMN=VALUE to choose."
            )
        found[fits[0]] = word
    return found


def _kind(word: str) -> str:
    """Return the kind of a file by its suffix; what is no file is a text."""
    try:
        if not Path(word).is_file():
            return "text"
    except OSError:  # a long text is no name of a file, says the system
        return "text"
    guessed = (mimetypes.guess_type(word)[0] or "").partition("/")[0]
    return guessed if guessed in ("image", "audio", "video") else "text"
