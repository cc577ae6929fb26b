"""Pictures that were drawn, and how they become files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from plait.data.image import Picture
from plait.data.quality import Ledger
from plait.errors import ConfigError
from plait.provenance.files import write_png
from plait.provenance.statement import Statement
from plait.provenance.watermark import mark


@dataclass(frozen=True)
class Drawn:
    """The pictures of some rows.

    Attributes:
        target: the column.
        pictures: (h w 3) uint8; None where a row had nothing to go by.
        seeds: of each; -1 where it is not known.
        statement: how they were drawn; its seed is that of the first.
        marked: whether each carries the watermark; a very small one has no room for it.
        skipped: cells that could not be read; they were taken as missing.
        absent: columns that are read and the table does not have, missing in every row.
        cut: of rows whose text is longer than the encoder reads, where it was cut off.
    """

    target: str
    pictures: tuple[Picture | None, ...]
    seeds: tuple[int, ...]
    statement: Statement
    marked: tuple[bool, ...] = ()
    skipped: Ledger = field(default_factory=Ledger)
    absent: tuple[str, ...] = ()
    cut: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pictures)

    def with_watermark(self) -> Drawn:
        """Return the same pictures with the watermark, where there is room for it."""
        found = [None if own is None else mark(own) for own in self.pictures]
        pictures = tuple(new if new is not None else old
                         for new, old in zip(found, self.pictures, strict=True))  # fmt: skip
        return replace(self, pictures=pictures, marked=tuple(own is not None for own in found))

    def write(
        self, folder: Path, overwrite: bool = False, metadata: bool = True
    ) -> list[Path | None]:
        """Write every picture as PNG, and return the files; None where there is no picture.

        Args:
            folder: that is made.
            overwrite: replace files that are there.
            metadata: let each say by what model and seed it was drawn.

        Raises:
            ConfigError: when a file is there and may not be replaced.
        """
        there = [picture is not None for picture in self.pictures]
        places = places_of(folder, self.seeds, there, overwrite)
        for number, (path, picture) in enumerate(zip(places, self.pictures, strict=True)):
            if path is not None and picture is not None:
                said = replace(self.statement, seed=self.seeds[number])
                write_png(picture, path, said if metadata else None)
        return places


def places_of(
    folder: Path, seeds: Sequence[int], there: Sequence[bool], overwrite: bool
) -> list[Path | None]:
    """Return the files of pictures by number and seed; None for those that are not there.

    Args:
        folder: of all.
        seeds: of each; -1 where it is not known.
        there: whether each is.
        overwrite: let files be there already.

    Raises:
        ConfigError: when one is there already and may not be replaced.
    """
    digits, found = max(len(str(len(seeds))), 4), []
    for number, (seed, drawn) in enumerate(zip(seeds, there, strict=True)):
        name = f"{number + 1:0{digits}}" + (f"-seed-{seed}" if seed >= 0 else "")
        path = folder / f"{name}.png" if drawn else None
        if path is not None and path.exists() and not overwrite:
            raise ConfigError(
                f"{str(path)!r} exists already; choose another folder or say --overwrite."
            )
        found.append(path)
    return found
