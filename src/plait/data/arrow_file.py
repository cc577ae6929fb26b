"""Arrow files: Feather, and the stream and file formats of Arrow's own, memory-mapped."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from plait.errors import TableError


def read_arrow(path: Path) -> pa.Table:
    """Return the table of an Arrow or Feather file; its pages are read when they are needed.

    Raises:
        TableError: when it is none of them, or is broken.
    """
    try:
        source = pa.memory_map(str(path))
        try:
            return pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
        return pa.ipc.open_stream(source).read_all()
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path.name!r} cannot be read as Arrow or Feather: {error}") from error
