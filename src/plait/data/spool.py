"""Samples on disk: written once, read in any order, never all in memory."""

from __future__ import annotations

import math
import tempfile
import weakref
from collections.abc import Sequence

import numpy as np

Arrays = tuple[np.ndarray, ...]


class Spool(Sequence[Arrays | None]):
    """A list of tuples of arrays in a temporary file that goes away with it.

    What is costly to prepare (descriptors of a picture) is prepared once and read by every fold.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="plait-spool-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._places: list[tuple[int, list[tuple[np.dtype, tuple[int, ...]]]] | None] = []
        self._end = 0

    def append(self, sample: Arrays | None) -> None:
        """Add one sample; None stands for a missing one.

        Raises:
            TypeError: for an array of Python objects.
        """
        if sample is None:
            self._places.append(None)
            return
        if any(array.dtype.hasobject for array in sample):
            raise TypeError("A spool holds arrays of numbers and fixed texts, not of objects.")
        self._places.append((self._end, [(array.dtype, array.shape) for array in sample]))
        self._file.seek(self._end)
        for array in sample:
            self._end += self._file.write(np.ascontiguousarray(array).tobytes())

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices are not needed
        place = self._places[row]
        if place is None:
            return None
        offset, shapes = place
        self._file.seek(offset)
        return tuple(self._read(dtype, shape) for dtype, shape in shapes)

    def _read(self, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        content = bytearray(dtype.itemsize * math.prod(shape))
        self._file.readinto(content)
        return np.frombuffer(content, dtype).reshape(shape)
