"""The data sets in the wheel."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Literal

from plait.data.read import read
from plait.data.table import Table
from plait.errors import ConfigError, unknown

NAMES = ("emoji",)


def load(name: str, vendor: Literal["google", "twitter"] = "google") -> Table:
    """Return a bundled data set.

    `emoji`: 1,906 emoji, each a picture with its name in four languages, keywords, group, subgroup,
    family and split. The other vendor's drawings are a built-in shift. See its data card.

    Args:
        name: of the data set.
        vendor: whose drawings are the column `picture`.

    Raises:
        ConfigError: for a name that is not known.
    """
    if name not in NAMES:
        raise ConfigError(unknown("Data set", name, NAMES))
    if vendor not in ("google", "twitter"):
        raise ConfigError(unknown("Vendor", vendor, ("google", "twitter")))
    with as_file(files("plait") / "bundled" / "emoji" / "emoji.parquet") as path:
        table = read(path)
    data = dict(table.data)
    data["picture"] = data[vendor]
    for other in ("google", "twitter"):
        del data[other]
    return Table.of(data, table.folder)
