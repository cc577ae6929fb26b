"""Rows of a benchmark: each is measured once, kept in a file, and passed over when it is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

Row = dict[str, Any]


def measure(name: str, keys: Iterable[Row], run: Callable[[Row], Row], budget: float) -> list[Row]:
    """Measure every key that has no row yet, and return all rows.

    Args:
        name: of the results file.
        keys: what tells the rows apart.
        run: measures one.
        budget: seconds after which no further row is begun.
    """
    path = RESULTS / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    start = time.perf_counter()
    rows = []
    for key in keys:
        found = next((row for row in done if all(row.get(k) == v for k, v in key.items())), None)
        if found is None and time.perf_counter() - start > budget:
            print(f"budget of {budget:.0f} s is spent; run again for {key} and on", file=sys.stderr)
            break
        if found is None:
            found = {**key, **run(key)}
            with path.open("a") as file:
                file.write(json.dumps(found) + "\n")
            print(found, flush=True)
            done.append(found)
        rows.append(found)
    return rows


def in_process(script: str, *arguments: object) -> Row:
    """Run one step of a benchmark in a process of its own, so that its peak memory is its own.

    The step prints one JSON object as its last line.
    """
    command = [sys.executable, script, *map(str, arguments)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(run.stdout.splitlines()[-1]))


def data_folder() -> Path:
    """Return the folder of the development data, or end with a word on how to name it."""
    for place in (os.environ.get("PLAIT_DATA"), Path(__file__).parents[2] / "shared" / "data"):
        if place and Path(place).is_dir():
            return Path(place)
    sys.exit("skipped: set PLAIT_DATA to the folder of the development data sets")


def table(rows: list[Row], columns: list[str]) -> None:
    """Print rows as a Markdown table."""
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for row in rows:
        cells = (row.get(column, "") for column in columns)
        print(
            "| " + " | ".join(f"{c:.4g}" if isinstance(c, float) else str(c) for c in cells) + " |"
        )


def describe(values: object) -> str:
    """Return the mean with its 95 % t interval over seeds; one seed has none."""
    import numpy as np
    from scipy.stats import t

    found = np.asarray(values)
    if len(found) == 1:
        return f"{found[0]:.3f}, n = 1"
    half = t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found))
    low, high = found.mean() - half, found.mean() + half
    return f"{found.mean():.3f} [{low:.3f}, {high:.3f}], n = {len(found)}"
