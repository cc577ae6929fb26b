"""Memory that is given back to the system when it is free, and not kept for what comes next."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LARGE = 1 << 20
"""Bytes from which on an array has pages of its own, which go back when it is freed."""

USUAL = 32 << 20
"""The same of glibc, once a program has freed a few large arrays: it adapts up to here."""

THRESHOLD = -3
"""M_MMAP_THRESHOLD of glibc's malloc.h."""


@contextmanager
def given_back() -> Iterator[None]:
    """Let large arrays that are freed go back to the system at once; afterwards, all that is free.

    glibc learns from what is freed to keep ever larger arrays. A step that copies a network a few
    times leaves gigabytes of them between others, where nothing larger fits (mallopt(3), "dynamic
    mmap threshold"). Other C libraries are left as they are.
    """
    library: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(library, "mallopt") or not hasattr(library, "malloc_trim"):
        yield
        return
    library.mallopt(THRESHOLD, LARGE)
    try:
        yield
    finally:
        library.mallopt(THRESHOLD, USUAL)
        library.malloc_trim(0)
