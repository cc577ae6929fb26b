"""A sheet of the pictures that were found, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from plait.errors import ConfigError
from plait.search.facts import ROW, THUMBNAIL
from plait.search.found import Found
from plait.search.rows import SIDE
from plait.search.store import Store
from plait.writing import replacing

COLUMNS, MARGIN, LINE = 5, 10, 16
"""Pictures side by side; pixels between them; pixels of a line under them."""

LETTERS = 20
"""Of the caption, which fit under a picture."""


def write_sheet(store: Store, found: Found, path: Path, caption: str | None = None) -> None:
    """Write the thumbnails of a page of results, each with its row, score and a caption.

    Args:
        store: the rows.
        found: the page.
        path: of a PNG file.
        caption: column that is written under the pictures.

    Raises:
        ConfigError: when the index has no pictures, or nothing was found.
    """
    if store.facts.picture is None:
        raise ConfigError("The index has no column of pictures, so there is no sheet of them.")
    if not found.hits:
        raise ConfigError("Nothing was found, so there is no sheet of pictures.")
    import numpy as np

    rows = store.take(np.array([hit.row for hit in found.hits]), [THUMBNAIL])
    small = dict(zip(rows[ROW].to_pylist(), rows[THUMBNAIL].to_pylist(), strict=True))
    labels = [
        (f"row {hit.row}  {hit.score:.3f}", str(hit.cells.get(caption) or "") if caption else "")
        for hit in found.hits
    ]
    sheet = draw([small.get(hit.row) for hit in found.hits], labels)
    with replacing(path) as partial:
        sheet.save(partial, "PNG")


def draw(pictures: Sequence[bytes | None], labels: Sequence[tuple[str, str]]) -> Image.Image:
    """Return pictures in a grid, each with two lines under it; a grey square where there is none.

    Args:
        pictures: files of pictures no larger than a thumbnail.
        labels: two lines for each.
    """
    wide, high = SIDE + MARGIN, SIDE + 2 * LINE + MARGIN
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * wide + MARGIN, rows * high + MARGIN), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, (content, lines) in enumerate(zip(pictures, labels, strict=True)):
        left = MARGIN + number % columns * wide
        top = MARGIN + number // columns * high
        if content is None:
            pen.rectangle((left, top, left + SIDE, top + SIDE), fill="lightgrey")
        else:
            small = Image.open(io.BytesIO(content))
            sheet.paste(small, (left + (SIDE - small.width) // 2, top + (SIDE - small.height) // 2))
        for line, text in enumerate(lines):
            shown = text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
            pen.text((left, top + SIDE + line * LINE), shown, fill="black", font=font)
    return sheet
