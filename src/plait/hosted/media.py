"""Pictures and sounds as parts of a message, small enough to be sent."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image

from plait.data.audio import read_sound, read_track
from plait.data.content import content_of
from plait.data.image import read_pictures
from plait.data.table import Table
from plait.errors import CellError
from plait.types import Column, Modality

SIDE = 1024
"""Pixels of the longest side of a picture that is sent."""

QUALITY = 90
"""Of the JPEG file of a picture that is sent."""

RATE = 16_000
"""Hertz of a sound that is sent."""

PATCH = 14
"""Pixels: no model in use today reads a picture in smaller squares."""

TOKENS_A_SECOND = 50
"""Of sound, as encoders of speech have them."""

Part = dict[str, Any]


@dataclass(frozen=True)
class Medium:
    """A cell with pictures or with a sound.

    Attributes:
        column: that it stands in.
        value: of the cell.
        table: that it belongs to.
        side: pixels of the longest side that pictures are made smaller to.
    """

    column: Column
    value: Any
    table: Table
    side: int

    @cached_property
    def content(self) -> bytes:
        """A hash of what is sent, before it is decoded.

        Raises:
            CellError: when the cell cannot be read.
        """
        form = f"{self.column.modality.value} {bool(self.column.of)} {self.side}"
        return content_of(self.value, self.table) + form.encode()

    def parts(self) -> tuple[list[Part], int]:
        """Return the parts of a message, and the most tokens that they are believed to be.

        Raises:
            CellError: when the cell cannot be decoded.
        """
        if self.column.modality is Modality.AUDIO:
            return self._sound()
        table, found, tokens = self.table, [], 0
        for picture in read_pictures(self.value, table.folder, table.allow_outside, self.side):
            small = Image.fromarray(picture)
            small.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
            file = io.BytesIO()
            small.save(file, "JPEG", quality=QUALITY)
            url = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
            found.append({"type": "image_url", "image_url": {"url": url}})
            tokens += (small.width // PATCH + 1) * (small.height // PATCH + 1)
        return found, tokens

    def _sound(self) -> tuple[list[Part], int]:
        import soundfile

        read = read_track if self.column.of else read_sound
        sound = read(self.value, self.table.folder, self.table.allow_outside)
        if sound is None:
            raise CellError("has no sound")
        file = io.BytesIO()
        soundfile.write(file, sound.at(RATE).samples, RATE, "PCM_16", format="WAV")
        data = base64.b64encode(file.getvalue()).decode()
        part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
        return [part], int(sound.seconds * TOKENS_A_SECOND) + 1
