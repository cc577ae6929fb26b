"""Files are written under another name and renamed, so that a failure leaves the old one whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give the name of a hidden folder that is still to be made; rename it when all ends well."""
    hidden = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield hidden / folder.name
        (hidden / folder.name).replace(folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a hidden name beside `path`, with its suffix; rename it when the block ends well.

    Args:
        path: of the file that is written or replaced; its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
