"""A space that groups of columns share: their vectors, zero-shot classes, save and load.

It only delegates.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.read import read
from plait.evaluate.retrieve import Retrieval
from plait.explain.regions import Moments, Regions
from plait.grouping import content_keys
from plait.progress import Progress
from plait.spaces.config import AlignConfig
from plait.spaces.folder import read_space, write_space
from plait.spaces.pointing import regions_of
from plait.spaces.reading import SpaceReader
from plait.spaces.sides import judge, sides_of
from plait.spaces.words import probabilities

__all__ = ["AlignConfig", "Space"]


class Space(SpaceReader):
    """What `align` learned: vectors of length 1 for each group of columns, near where they belong.

    Its attributes are those of `SpaceParts`; rows are read by `SpaceReader`.
    """

    def evaluate(self, table: Any, progress: Progress | None = None) -> tuple[Retrieval, ...]:
        """Let every group search every other, over all rows of a table; see `retrieve`.

        By late interaction where the space learned by FILIP, else by one vector a row.

        Raises:
            TableError: when no row has two groups.
        """
        ledger = Ledger()
        table = self.with_histories(read(table), ledger)
        rows = self.encode(table, self.sources, ledger, progress or Progress())
        keys = content_keys(Reader(table, ledger), self.groups)
        return judge(list(self.groups), sides_of(self.network, rows), keys, self.config.seed)

    def classify(
        self,
        table: Any,
        labels: Sequence[str],
        templates: Sequence[str] = ("{}",),
        progress: Progress | None = None,
        ledger: Ledger | None = None,
    ) -> np.ndarray:
        """Return (n c) probabilities of labels that were never learned, by the words' vectors.

        A label's vector is the mean over templates, as CLIP's (Radford et al., ICML 2021, section
        3.1.4). Where the space learned by FILIP, rows are compared with labels token by token, and
        templates by the mean of these scores (Yao et al., ICLR 2022, section 4.2). A row of NaN
        could not be read.

        Args:
            table: with the columns of a group that is not the text's.
            labels: c of them, words.
            templates: sentences with {} in the place of the label: "a photo of a {}".
            progress: where to show it.
            ledger: where cells that cannot be read are noted.

        Raises:
            ConfigError: when no group is a single column of text, or a template has no {}.
            TableError: when the table has no other group's columns.
        """
        noted = Ledger() if ledger is None else ledger
        return probabilities(self, read(table), labels, templates, progress, noted)

    def regions(
        self,
        value: Any,
        text: str,
        column: str | None = None,
        threshold: float = 0.5,
        progress: Progress | None = None,
    ) -> Regions | Moments:
        """Return where in a picture, or when in a sound or a video, each word of a text is.

        The cosine of a word with each part of the picture, in a space that was learned on tokens
        (`filip`; Yao et al., ICLR 2022, section 3.4). One learned on pooled vectors cannot tell
        the words apart, so the text is looked for as a whole.

        Args:
            value: a picture, sound or video, as a cell of a table holds it: its path, bytes...
            text: words.
            column: of the space that the value is for; by default the only one there is.
            threshold: of the heat, in 0..1, for spans in time.
            progress: where to show it.

        Raises:
            ConfigError: when no group is a column of text, the column has no parts to point at,
                or the threshold is out of range.
            TableError: when the value or the text cannot be read.
        """
        quiet = progress or Progress(show=False)
        return regions_of(self, value, text, column, threshold, quiet)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the space as a folder of JSON and safetensors, under another name first.

        Raises:
            ModelError: when something is there and may not be replaced.
        """
        return write_space(self, folder, overwrite)

    @staticmethod
    def load(folder: str | Path) -> Space:
        """Read what `save` wrote.

        Raises:
            ModelError: when it is no space, or damaged.
        """
        return Space(**vars(read_space(folder)))
