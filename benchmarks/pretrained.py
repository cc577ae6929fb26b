"""Frozen MobileNetV2 and MiniLM on real tables: every modality alone, fusions, and the blend.

    python benchmarks/weights.py                 the encoders, once
    python benchmarks/pretrained.py              within 45 minutes: three seeds, subsamples
    python benchmarks/pretrained.py --full       five seeds, all rows

Every row is one `plait compare` with the preset `standard`: folds on which all entrants are judged.
House prices are learned as logarithms, in five folds. Genres of films are read from plot and
poster. Types of products are read from title and photo, with equal titles on one side. Findings of
X-rays (COVID-19 or not) are read from picture, notes, sex and age, with a patient's pictures on one
side; words of the notes that name the disease are masked.

The least to be reached are figures of the same encoders under logistic or ridge regression, one
run each, on splits of their own: they stand beside ours for orientation.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rows import Row, data_folder, describe, measure, table

import plait
from plait.config import to_json
from plait.encoders.config import choose_encoders
from plait.progress import Progress

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
ENCODERS = choose_encoders(["image=mobilenet_v2", "text=all-MiniLM-L6-v2"])
NAMES = re.compile(r"\b(covid\S*|corona\S*|sars\S*|n?cov\S*|2019)\b", re.IGNORECASE)

ROWS = {"houses": 535, "xray": 605, "movies": 2000, "products": 3000}
"""Of each table, unless --full."""

FLOOR = {"houses": 0.807, "xray": 0.845, "movies": 0.501, "products": 0.956}
"""What the same encoders reached under plain regression, one run each."""


def houses(frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str | None]:
    """Return the table, its target, its metric and its split."""
    frame["log_price"] = np.log(frame.pop("price_usd"))
    return frame.astype({"zipcode": str}), "log_price:number", "r2", None


def xray(frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str | None]:
    """Return the table, its target, its metric and its split."""
    frame = frame[frame["finding"] != "todo"]
    covid = frame["finding"].str.contains("COVID")
    kept = frame[["image", "clinical_notes", "sex", "age", "patientid"]].assign(
        finding=np.where(covid, "COVID-19", "other"),
        clinical_notes=frame["clinical_notes"].fillna("").map(lambda note: NAMES.sub("it", note)),
    )
    return kept, "finding", "auroc", "group:patientid"


def movies(frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str | None]:
    """Return the table, its target, its metric and its split."""
    return frame[["plot", "poster", "ml_genres"]], "ml_genres:categories", "map", None


def products(frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str | None]:
    """Return the table, its target, its metric and its split."""
    kept = frame[["title", "photo", "articleType"]].dropna()
    return kept, "articleType", "accuracy", "group:title"


TABLES = {"houses": houses, "xray": xray, "movies": movies, "products": products}


def run(key: Row) -> Row:
    """Compare all entrants on one table with one seed."""
    home = data_folder() / key["table"]
    frame = pd.read_csv(home / f"{key['table']}.csv")
    frame = frame.sample(min(key["rows"], len(frame)), random_state=key["seed"])
    frame, target, metric, split = TABLES[key["table"]](frame)
    board = plait.compare(
        plait.read(frame.reset_index(drop=True), folder=home),
        target,
        preset="standard",
        ignore=["patientid"] if "patientid" in frame else [],
        split=split,
        fusions=["concat", "gated"],
        modalities={c: "text" for c in ("plot", "title", "clinical_notes") if c in frame},
        config=plait.FitConfig(
            encoders=ENCODERS, metric=metric, seed=key["seed"], folds=key["folds"]
        ),
        progress=Progress(show=False),
    )
    lines = {line.name: (line.level, line.score.value) for line in board.lines}
    gains = {line.name: to_json(line.gain) for line in board.lines if line.gain}
    return {"metric": metric, "lines": lines, "gains": gains, "winner": board.winner}


def main() -> None:
    """Measure, and print a line for each entrant of each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [
        {"table": name, "rows": 10**6 if full else ROWS[name], "seed": seed,
         "folds": 5 if full or name in ("houses", "xray") else 1}
        for seed in range(5 if full else 3) for name in TABLES
    ]  # fmt: skip
    rows = measure("pretrained", keys, run, budget=40 * 60)
    lines = []
    for name in TABLES:
        own = [row for row in rows if row["table"] == name]
        for entrant in own[0]["lines"] if len(own) > 1 else ():
            scores = [row["lines"][entrant][1] for row in own]
            worse = sum(row["gains"].get(entrant, {"high": 0})["high"] < 0 for row in own)
            lines.append({
                "table": name, "metric": own[0]["metric"], "entrant": entrant,
                "score": describe(scores), "worse than best single": f"{worse} of {len(own)}",
                "plain regression": FLOOR[name] if entrant == "blend" else "",
            })  # fmt: skip
    table(lines, list(lines[0]) if lines else [])


if __name__ == "__main__":
    sys.exit(main())
