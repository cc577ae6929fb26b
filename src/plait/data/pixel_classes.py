"""The classes that the values of masks stand for: numbers, names and colours."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageColor

from plait.data.mask import MOST_VALUES, Colour, Mask, default_colour
from plait.errors import ConfigError, TableError, did_you_mean, many

Names = Mapping[int, str | tuple[str, Colour | None]]
"""Names of values, perhaps with colours."""

COLUMNS = ("value", "name", "colour")
"""Of a file of classes; the colour may be left out."""


@dataclass(frozen=True)
class PixelClasses:
    """The classes of the pixels of masks.

    Attributes:
        values: (c) of the classes in masks, ascending.
        names: (c).
        colours: (c).
        void: values of pixels that are not to be learned or judged.
    """

    values: tuple[int, ...]
    names: tuple[str, ...]
    colours: tuple[Colour, ...]
    void: tuple[int, ...] = ()

    @classmethod
    def learn(
        cls,
        masks: Iterable[Mask],
        named: Names | None = None,
        void: Sequence[int] = (),
        palette: Mapping[int, Colour] | None = None,
    ) -> PixelClasses:
        """Return the classes of the values in training masks.

        Names that are not given are the values themselves; `background` and `object` where masks
        have 0 and one more value.

        Args:
            masks: of the training rows.
            named: by value, perhaps with colours; see `read_classes`.
            void: values of pixels that do not count.
            palette: colours by value where `named` gives none; see `plait.data.mask.read_palette`.

        Raises:
            TableError: when masks have fewer than two values, or too many.
            ConfigError: when no named value is there.
        """
        values = _values_in(masks, void)
        names, colours = _split(named or {})
        if names and not set(names) & {*values, *void}:
            raise ConfigError(
                f"None of the named values {_listed(sorted(names))} is in the masks, which have "
                f"{_listed(values)}; name these values."
            )
        if len(values) == 2 and values[0] == 0:
            names = {0: "background", values[1]: "object", **names}
        colours = {**(palette or {}), **colours}
        return cls(
            tuple(values),
            tuple(names.get(value, str(value)) for value in values),
            tuple(colours.get(value, default_colour(value)) for value in values),
            tuple(void),
        )

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def palette(self) -> dict[int, Colour]:
        """The colours by value."""
        return dict(zip(self.values, self.colours, strict=True))

    @cached_property
    def _sorted(self) -> np.ndarray:
        return np.asarray(self.values)

    def encode(self, mask: Mask) -> np.ndarray:
        """Return (h w) int64 numbers of classes; -1 for void, and for values that are no class."""
        places = np.searchsorted(self._sorted, mask).clip(max=len(self) - 1)
        return np.where(self._sorted[places] == mask, places, -1).astype(np.int64)

    def unknown(self, mask: Mask) -> int:
        """Return how many pixels have values that are neither a class nor void."""
        return int((~np.isin(mask, [*self.values, *self.void])).sum())

    def decode(self, classes: np.ndarray) -> Mask:
        """Return the values (h w) of numbers of classes; -1 is the first void value, or -1."""
        nothing = self.void[0] if self.void else -1
        return np.append(self._sorted, nothing).astype(np.int32)[classes]


def _values_in(masks: Iterable[Mask], void: Sequence[int]) -> list[int]:
    found: set[int] = set()
    count = 0
    for mask in masks:
        found.update(np.unique(mask).tolist())
        count += 1
        if len(found) > MOST_VALUES + len(void):
            raise TableError(
                f"The first {many(count, 'mask')} have more than {MOST_VALUES} values, too many "
                "for classes: are they photos, masks saved as JPEG, or numbers of objects? "
                "Segmenting needs one value for each class."
            )
    values = sorted(found - set(void))
    if len(values) < 2:
        there = f"only the value {values[0]}" if values else "no value"
        raise TableError(
            f"{many(count, 'mask')} for training: besides void ones, {there} is in them; "
            "at least two are needed to tell apart."
        )
    return values


def _split(named: Names) -> tuple[dict[int, str], dict[int, Colour]]:
    """Return the names by value, and the colours of those that have one."""
    names, colours = {}, {}
    for value, given in named.items():
        name, colour = (given, None) if isinstance(given, str) else given
        names[value] = name
        if colour is not None:
            colours[value] = colour
    return names, colours


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:10])) + (", …" if len(values) > 10 else "")


def read_classes(path: str | Path) -> dict[int, tuple[str, Colour | None]]:
    """Read names and colours by value.

    Args:
        path: of CSV with the columns `value,name` and perhaps `colour` (`#ff0000`, or a name of
            CSS), or of JSON: `{"0": "road", ...}`, or a list of objects with these keys. Values
            may be written as colours themselves: `#ff0000` is 0xff0000.

    Raises:
        ConfigError: when it cannot be read, or a row lacks a value or name, or repeats one.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _from_json(text) if path.suffix.lower() == ".json" else _from_csv(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"Classes cannot be read from {str(path)!r}: {error}") from error
    found: dict[int, tuple[str, Colour | None]] = {}
    for number, row in enumerate(rows):
        where = f"Row {number} of {path.name!r}"
        for key in row:
            if key not in COLUMNS:
                raise ConfigError(f"{where}: {key!r} is not known.{did_you_mean(key, COLUMNS)}")
        value, name = _value(row.get("value"), where), str(row.get("name") or "").strip()
        if not name:
            raise ConfigError(f"{where} has no name; give each value one.")
        if value in found or name in (other for other, _ in found.values()):
            raise ConfigError(f"{where}: value {value} or name {name!r} comes twice.")
        colour = str(row.get("colour") or "").strip()
        found[value] = (name, _colour(colour, where) if colour else None)
    if not found:
        raise ConfigError(f"{str(path)!r} has no classes; it needs rows of value,name[,colour].")
    return found


def _from_csv(text: str) -> list[dict[str, Any]]:
    return [
        {str(key).strip(): value for key, value in row.items()}
        for row in csv.DictReader(text.splitlines())
    ]


def _from_json(text: str) -> list[dict[str, Any]]:
    read = json.loads(text)
    if isinstance(read, dict):
        return [{"value": value, "name": name} for value, name in read.items()]
    if not isinstance(read, list) or not all(isinstance(row, dict) for row in read):
        raise ValueError("expected an object of names by value, or a list of objects")
    return read


def _value(written: Any, where: str) -> int:
    text = str(written).strip() if written is not None else ""
    if text.startswith("#"):
        red, green, blue = _colour(text, where)
        return red << 16 | green << 8 | blue
    try:
        return int(text, 0) if text.lower().startswith("0x") else int(text)
    except ValueError:
        raise ConfigError(f"{where}: value {text!r} is no whole number.") from None


def _colour(text: str, where: str) -> Colour:
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise ConfigError(
            f"{where}: colour {text!r} is not known; write it as #ff0000 or red."
        ) from None
    return red, green, blue
