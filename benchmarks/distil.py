"""Students of frozen MobileNetV2 and MiniLM on products, and of the quick preset on emoji.

    python benchmarks/weights.py             the encoders, once
    python benchmarks/distil.py              within 15 minutes: three seeds
    python benchmarks/distil.py --full       five seeds, more rows

The teacher learns from the labelled half of the rows (`plait fit`), the student from all of them,
with the labels of the other half hidden (`plait distil`). Both are judged on further rows, with
equal titles and emoji of one family on one side. Beside them stands the same student on the
labelled half alone, without a teacher.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rows import Row, data_folder, describe, measure, table

import plait
from plait.data.table import Table
from plait.encoders.config import choose_encoders
from plait.ensemble.trees import TreesConfig
from plait.progress import Progress
from plait.train.distil import DistilConfig

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
ENCODERS = choose_encoders(["image=mobilenet_v2", "text=all-MiniLM-L6-v2"])
QUIET = Progress(show=False)

STUDENTS: dict[str, Row] = {
    "small": {},
    "tiny": {"size": "tiny"},
    "picture only": {"columns": ["picture"]},
}
"""What each student is, beside the default."""


def products(rows: int, seed: int) -> tuple[Table, np.ndarray, str]:
    """Return the table, the group of each row, and the preset of its teacher."""
    home = data_folder() / "products"
    frame = pd.read_csv(home / "products.csv")[["title", "photo", "articleType"]].dropna()
    frame = frame.sample(rows, random_state=seed).reset_index(drop=True)
    frame = frame.rename(columns={"title": "name", "photo": "picture", "articleType": "group"})
    return plait.read(frame, folder=home), frame["name"].to_numpy(), "standard"


def emoji(rows: int, seed: int) -> tuple[Table, np.ndarray, str]:
    """Return the same of emoji, without flags: they are one family."""
    found = plait.datasets.load("emoji")
    found = found.take([row for row in range(len(found)) if found.cell("group", row) != "flags"])
    found = found.take(np.random.default_rng(seed).permutation(len(found))[:rows])
    families = np.array(found.values("family"))
    kept = ("picture", "name", "group")
    return found.drop([c for c in found.columns if c not in kept]), families, "quick"


TABLES = {"products": products, "emoji": emoji}


def run(key: Row) -> Row:
    """Fit a teacher, distil every student from it, and judge all of them."""
    from sklearn.model_selection import GroupShuffleSplit

    found, groups, preset = TABLES[key["table"]](key["rows"], key["seed"])

    def divide(rows: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
        parts = GroupShuffleSplit(1, test_size=share, random_state=key["seed"])
        first, second = next(parts.split(rows, groups=groups[rows]))
        return rows[first], rows[second]

    learning, test = divide(np.arange(len(found)), 0.25)
    labelled, _ = divide(learning, 0.5)
    teacher = plait.fit(
        found.take(labelled), "group", preset=preset, modalities={"name": "text"}, progress=QUIET,
        config=plait.FitConfig(
            encoders=ENCODERS if preset == "standard" else choose_encoders([]),
            trees=TreesConfig(trees=1000),  # they take most of the time, and do not win
            folds=1,
            seed=key["seed"],
        ),
    )  # fmt: skip
    names = found.values("group")
    told = [names[row] if row in set(labelled) else None for row in range(len(found))]
    hidden = found.with_column("group", told).take(learning)
    judged: Row = {}
    for name, said in key["students"].items():
        options = {**said, "config": DistilConfig(**said.get("config", {}), seed=key["seed"])}
        student = plait.distil(teacher, hidden, test=found.take(test), progress=QUIET, **options)
        sides = student.facts["distilled"]["beside"]["sides"]
        judged[name] = {
            side["name"]: {
                "score": side["score"]["value"],
                "MB": side["megabytes"],
                "rows/s": side["rows_per_second"],
                "agreement": side["agreement"],
                "lead": side["lead"],
            }
            for side in sides
        }
    return {"teacher": teacher.entrant.name, "judged": judged}


def main() -> None:
    """Measure, and print the teacher, every student, and what it is without a teacher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [
        {"table": name, "rows": 8000 if full else 2000, "seed": seed, "students": STUDENTS}
        for seed in range(5 if full else 3) for name in TABLES
    ]  # fmt: skip
    rows = measure("distil", keys, run, budget=12 * 60)
    lines = []
    for name in TABLES:
        own = [row["judged"] for row in rows if row["table"] == name]
        for student in STUDENTS if len(own) > 1 else ():
            for side in own[0][student]:
                if side == "teacher" and student != next(iter(STUDENTS)):
                    continue
                found = [row[student][side] for row in own]
                ahead = [-f["lead"]["value"] for f in found] if found[0]["lead"] else []
                lines.append({
                    "table": name,
                    "model": side if side == "teacher" else f"{student}, {side}",
                    "accuracy": describe([f["score"] for f in found]),
                    "over the student": describe(ahead) if ahead else "",
                    "MB": float(np.mean([f["MB"] for f in found])),
                    "rows/s": float(np.mean([f["rows/s"] for f in found])),
                })  # fmt: skip
    table(lines, list(lines[0]) if lines else [])


if __name__ == "__main__":
    sys.exit(main())
