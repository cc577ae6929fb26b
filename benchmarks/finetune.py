"""What training pretrained networks on brings over the frozen ones: preset `best`, real data.

    python benchmarks/finetune.py            # X-rays and houses, one fold, three seeds, 40 minutes
    python benchmarks/finetune.py --full     # three folds, five seeds, every way

Each row is a whole contest on the same hold-out. Networks: MobileNetV2 and all-MiniLM-L6-v2 (see
`benchmarks/weights.py`). Resumes row by row.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import pandas as pd
from pretrained import ENCODERS, TABLES
from rows import Row, data_folder, describe, measure, table

import plait
from plait.progress import Progress

SHOWN = ("linear", "concat", "tuned", "blend")


def run(key: Row) -> Row:
    """Hold one contest with networks that are trained on in one way."""
    home = data_folder() / key["table"]
    frame = pd.read_csv(home / f"{key['table']}.csv").sample(frac=1, random_state=key["seed"])
    frame, target, metric, split = TABLES[key["table"]](frame.head(key["rows"]))
    finetune = replace(ENCODERS.finetune, way=key["way"])
    board = plait.compare(
        plait.read(frame.reset_index(drop=True), folder=home),
        target,
        preset="best",
        ignore=["patientid"] if "patientid" in frame else [],
        split=split,
        fusions=["concat"],
        modalities={c: "text" for c in ("clinical_notes",) if c in frame},
        config=plait.FitConfig(
            encoders=replace(ENCODERS, finetune=finetune),
            metric=metric, seed=key["seed"], folds=key["folds"],
        ),
        progress=Progress(show=False),
    )  # fmt: skip
    lines = {name: (board[name].score.value, board[name].fit_seconds) for name in SHOWN}
    return {"metric": metric, "single": board[board.best_single].score.value, "lines": lines}


def main() -> None:
    """Measure, and print a line for each entrant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [
        {"table": name, "way": way, "rows": 10**6 if full else 600, "seed": seed,
         "folds": 3 if full else 1}
        for seed in range(5 if full else 3)
        for name in ("xray", "houses")
        for way in (("all", "last", "lora") if full else ("all", "lora"))
    ]  # fmt: skip
    rows = measure("finetune", keys, run, budget=40 * 60)
    lines = []
    for name, way in dict.fromkeys((row["table"], row["way"]) for row in rows):
        own = [row for row in rows if (row["table"], row["way"]) == (name, way)]
        if len(own) < 2:
            continue
        gains = [row["lines"]["tuned"][0] - row["lines"]["concat"][0] for row in own]
        lines.append({
            "table": name, "metric": own[0]["metric"], "way": way,
            "best single": describe([row["single"] for row in own]),
            **{entrant: describe([row["lines"][entrant][0] for row in own]) for entrant in SHOWN},
            "tuned over concat": describe(gains),
            "seconds": f"{sum(row['lines']['tuned'][1] for row in own) / len(own):.0f}",
        })  # fmt: skip
    table(lines, list(lines[0]) if lines else [])


if __name__ == "__main__":
    sys.exit(main())
