"""Vectors beside the table, as an engine reads them; always made again from committed rows."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from plait.config import from_json
from plait.errors import PlaitError
from plait.search.engine import Engine, Exact, build, opened
from plait.search.store import Store
from plait.writing import replacing_folder

MADE = "vectors-"

ROWS_A_BLOCK = 65_536


@dataclass(frozen=True)
class Measured:
    """What is known of the vectors and their engine.

    Attributes:
        version: of the table that they were read from, or of one just before.
        fingerprint: of the space that made them.
        rows: that have a vector.
        width: of a vector.
        different: vectors, of which equal ones are searched once.
        engine: `exact` or `graph`.
        recall: at 10, measured on own vectors.
        expansion: of a graph.
        seconds: to read the vectors and build the engine.
    """

    version: int
    fingerprint: str
    rows: int
    width: int
    different: int
    engine: str
    recall: float
    expansion: int
    seconds: float


@dataclass(frozen=True)
class Sidecar:
    """The vectors of n rows, u of them different.

    Attributes:
        measured: what is known of them.
        numbers: (n) of rows.
        stamps: (n) versions that the rows are of.
        places: (n) place of each row's vector.
        vectors: (u d), a memory map.
        engine: that searches them.
    """

    measured: Measured
    numbers: np.ndarray
    stamps: np.ndarray
    places: np.ndarray
    vectors: np.ndarray
    engine: Engine

    @cached_property
    def order(self) -> np.ndarray:
        """The rows (n) in the order of their numbers."""
        return np.argsort(self.numbers)

    @cached_property
    def members(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows (n) in the order of their vectors' places, and where each place begins."""
        by_place = np.argsort(self.places, kind="stable")
        starts = np.searchsorted(self.places[by_place], np.arange(len(self.vectors) + 1))
        return by_place, starts

    def find(self, numbers: np.ndarray) -> np.ndarray:
        """Return the positions of rows by their numbers; -1 for those that are not here."""
        if not len(self.numbers):
            return np.full(len(numbers), -1)
        ordered = self.numbers[self.order]
        where = np.searchsorted(ordered, numbers).clip(max=len(ordered) - 1)
        return np.where(ordered[where] == numbers, self.order[where], -1)


def newest(home: Path, fingerprint: str) -> Sidecar | None:
    """Return the newest sidecar of a folder that belongs to a space; None where none is whole."""
    for _, path in reversed(_numbered(home)):
        try:
            found = _read(path)
        except (OSError, ValueError, PlaitError):  # another process is just deleting it
            continue
        if found.measured.fingerprint == fingerprint:
            return found
    return None


def make(store: Store, home: Path) -> tuple[Sidecar, bool]:
    """Read the committed vectors, build their engine, and write both; return if they are kept.

    Where nothing can be written, they are in a temporary folder until the process ends.
    """
    version, found = store.version, None
    target = home / f"{MADE}{version}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with replacing_folder(target) as partial:
            partial.mkdir()
            _write(store, partial, version)
            # Opened before others see it: what is open stays, whatever they delete.
            found = _read(partial)
            shutil.rmtree(target, ignore_errors=True)  # of another engine, or damaged
    except OSError:
        if found is not None:  # another process was there first
            return found, True
        folder = Path(tempfile.mkdtemp(prefix="plait-vectors-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _write(store, folder, version)
        return _read(folder), False
    for number, path in _numbered(home):
        if number < version:
            shutil.rmtree(path, ignore_errors=True)
    _clear_left(home)
    return found, True


def _numbered(home: Path) -> list[tuple[int, Path]]:
    """Return the folders of sidecars and the versions that they were made of, in order."""
    named = ((path.name.removeprefix(MADE), path) for path in home.glob(f"{MADE}*"))
    return sorted((int(number), path) for number, path in named if number.isdigit())


def _clear_left(home: Path, age: float = 86_400.0) -> None:
    """Delete what processes left that were killed while they wrote."""
    for path in home.glob(f".{MADE}*"):
        if path.exists() and time.time() - path.stat().st_mtime > age:
            shutil.rmtree(path, ignore_errors=True)


def _write(store: Store, folder: Path, version: int) -> None:
    began = time.perf_counter()
    numbers, stamps, digests = [], [], []
    width = store.width
    with (folder / "vectors.f32").open("wb") as file:
        for some, versions, vectors in store.vectors():
            numbers.append(some)
            stamps.append(versions)
            digests.append(_digests(vectors))
            file.write(np.ascontiguousarray(vectors).tobytes())
    rows = sum(map(len, numbers))
    empty = np.zeros(0, np.int64)
    places, first = _places(np.concatenate([np.zeros(0, "V16"), *digests]))
    np.save(folder / "numbers.npy", np.concatenate([empty, *numbers]))
    np.save(folder / "stamps.npy", np.concatenate([empty, *stamps]))
    np.save(folder / "places.npy", places)
    _keep(folder / "vectors.f32", first, width, rows)
    vectors = _mapped(folder / "vectors.f32", width)
    built = build(vectors, store.facts.engine, folder / "graph.usearch")
    seconds = round(time.perf_counter() - began, 3)
    measured = Measured(
        version, store.facts.fingerprint, rows, width, len(vectors), built.kind, built.recall,
        built.expansion, seconds,
    )  # fmt: skip
    (folder / "measured.json").write_text(json.dumps(asdict(measured), indent=1) + "\n")


def _digests(vectors: np.ndarray) -> np.ndarray:
    """Return (n) sixteen bytes for each vector."""
    # A hash a row: sorting the vectors themselves would take as much memory as they do.
    found = b"".join(hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in vectors)
    return np.frombuffer(found, "V16")


def _places(digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row (n) the place of its vector, and for each place (u) its first row."""
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse], first[order]


def _keep(path: Path, rows: np.ndarray, width: int, count: int) -> None:
    """Keep only some rows of a file of vectors."""
    if len(rows) == count:
        return
    every, fewer = _mapped(path, width), path.with_suffix(".part")
    with fewer.open("wb") as file:
        for start in range(0, len(rows), ROWS_A_BLOCK):
            file.write(every[rows[start : start + ROWS_A_BLOCK]].tobytes())
    fewer.replace(path)


def _mapped(path: Path, width: int) -> np.ndarray:
    if not path.stat().st_size:  # an empty file cannot be mapped
        return np.zeros((0, width), np.float32)
    return np.memmap(path, np.float32, "r").reshape(-1, width)


def _read(folder: Path) -> Sidecar:
    measured = from_json(Measured, json.loads((folder / "measured.json").read_text()))
    vectors = _mapped(folder / "vectors.f32", measured.width)
    numbers, stamps, places = (
        np.load(folder / f"{name}.npy", allow_pickle=False)
        for name in ("numbers", "stamps", "places")
    )
    engine: Engine = Exact(vectors)
    if measured.engine == "graph":
        engine = opened(vectors, folder / "graph.usearch", measured.expansion)
    return Sidecar(measured, numbers, stamps, places, vectors, engine)
