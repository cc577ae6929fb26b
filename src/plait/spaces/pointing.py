"""Where in a picture, or when in a sound or a video, a space finds each word of a text."""

from __future__ import annotations

from typing import Any

from plait.data.loader import Reader, media_source
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.errors import ConfigError, TableError, many
from plait.explain.pointing import Side, locate, located
from plait.explain.regions import Moments, Regions
from plait.progress import Progress
from plait.spaces.reading import SpaceReader
from plait.spaces.words import words_of


def regions_of(
    space: SpaceReader,
    value: Any,
    text: str,
    column: str | None,
    threshold: float,
    progress: Progress,
) -> Regions | Moments:
    """Return where each word of a text is; see `Space.regions`."""
    if not 0 <= threshold <= 1:
        raise ConfigError(f"The threshold must be between 0 and 1, found {threshold}.")
    asked = space.groups[words_of(space)][0]
    source = media_source(space.sources, column, _unclear)
    cells = {asked.name: [text], source.columns[0].stored: [value]}
    table, ledger = Table.of(cells, allow_outside=True), Ledger()
    row = space.encode(table, (asked, source), ledger, progress)
    inputs = row.inputs(space.network.fusion.widths, space.network.by_name)
    for one in (source, asked):
        if not bool(inputs[one.name].present[0]):
            why = "".join(f": {reason}" for reason in ledger.entries.values())
            raise TableError(f"There is nothing to be read for column {one.name!r}{why}.")
    encoder = space.encoders.get(asked.name) or space.network.by_name[asked.name]
    asks, seen = (
        Side(one.name, number) for one in (asked, source)
        for number, own in enumerate(space.groups.values()) if one in own
    )  # fmt: skip
    words, cosines, found = locate(space.network, inputs, asks, seen, text, encoder.spans(text))
    picture = None
    if source.kind == "image":
        picture = Reader(table, ledger).value(source, 0)[0]
    return located(text, words, cosines, found, source.name, picture, threshold)


def _unclear(media: list[str]) -> str:
    return (
        f"The space has {many(len(media), 'column')} of pictures, sounds or videos "
        f"({', '.join(media) or 'none'}); regions are those of one: say which (column=...)."
    )
