"""The journal of a contest: what each entrant did, kept on disk, so that a killed run goes on.

Everything is drawn from the seed, so what was under way when a run was killed is done again and
comes out the same to the bit; what was finished is read from here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.errors import ModelError
from plait.train.record import Record, Track
from plait.writing import replacing


@dataclass(frozen=True)
class Done:
    """What one entrant did in one fold: (k c) scores of the held-out rows, time and bytes."""

    scores: np.ndarray
    fit_seconds: float
    predict_seconds: float
    size: int


class Journal:
    """A folder with a file for each entrant and fold that is done; without a folder, nothing.

    Args:
        folder: where; None keeps nothing.
        facts: what the run depends on, as plain JSON: table, settings, versions.
        track: is told of every epoch of every training.

    Raises:
        ModelError: when the folder holds the journal of another run.
    """

    def __init__(
        self, folder: Path | None = None, facts: Any = None, track: Track | None = None
    ) -> None:
        self.folder, self.track = folder, track
        if folder is None:
            return
        key = json.dumps(facts, indent=1, sort_keys=True)
        path = folder / "journal.json"
        if not path.is_file():
            with replacing(path) as partial:
                partial.write_text(key, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != key:
            raise ModelError(
                f"{str(folder)!r} is the journal of another run: {_differences(path, facts)} "
                "changed since. Run without resume (--resume) to begin anew."
            )

    def read(self, fold: int, entrant: str) -> Done | None:
        """Return what an entrant did in a fold, or None when it is still to be done."""
        from safetensors import safe_open

        path = self._path(f"fold-{fold}", entrant)
        if path is None or not path.is_file():
            return None
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata()
            return Done(
                file.get_tensor("scores"),
                float(facts["fit_seconds"]),
                float(facts["predict_seconds"]),
                int(facts["size"]),
            )

    def write(self, fold: int, entrant: str, done: Done) -> None:
        """Keep what an entrant did in a fold."""
        from safetensors.numpy import save_file

        path = self._path(f"fold-{fold}", entrant)
        under_way = self._under_way(fold, entrant)
        if path is None or under_way is None:
            return
        facts = {name: repr(value) for name, value in vars(done).items() if name != "scores"}
        with replacing(path) as partial:
            scores = np.ascontiguousarray(done.scores)
            save_file({"scores": scores}, partial, {"entrant": entrant, **facts})
        under_way.unlink(missing_ok=True)

    def record(self, fold: int | None, entrant: str) -> Record:
        """Return what is kept while an entrant learns, in a fold or on all rows."""
        name = f"all/{entrant}" if fold is None else f"fold {fold}/{entrant}"
        watch = None if self.track is None else self.track.watch(name)
        return Record(self._under_way(fold, entrant), watch)

    def _under_way(self, fold: int | None, entrant: str) -> Path | None:
        return self._path("all" if fold is None else f"fold-{fold}-under-way", entrant)

    def remove(self) -> None:
        """Delete the folder; the run has come to its end."""
        if self.folder is not None:
            shutil.rmtree(self.folder)

    def _path(self, part: str, entrant: str) -> Path | None:
        if self.folder is None:
            return None
        # A name of columns may hold what the name of a file may not.
        name = hashlib.sha256(entrant.encode()).hexdigest()[:16]
        return self.folder / f"{part}-{name}.safetensors"


def _differences(path: Path, facts: dict[str, Any]) -> str:
    before = json.loads(path.read_text(encoding="utf-8"))
    now = json.loads(json.dumps(facts))
    names = [name for name in now if before.get(name) != now[name]]
    return ", ".join(names) or "something"
