"""The quickstart as a user runs it; and the bundled data by their public name."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path

import pytest

import plait
from plait.errors import ConfigError


def test_bundled_emoji() -> None:
    google = plait.datasets.load("emoji")
    twitter = plait.datasets.load("emoji", vendor="twitter")
    assert len(google) == len(twitter) == 1906
    assert google.cell("name", 0) == twitter.cell("name", 0)
    assert google.cell("picture", 0) != twitter.cell("picture", 0)
    with pytest.raises(ConfigError, match="Data set 'emojis' is not known. Did you mean 'emoji'"):
        plait.datasets.load("emojis")
    with pytest.raises(ConfigError, match="Vendor 'apple' is not known"):
        plait.datasets.load("emoji", vendor="apple")  # type: ignore[arg-type]


def test_quickstart(tmp_path: Path) -> None:
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "plait", "quickstart", "-o", str(tmp_path / "q")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert time.perf_counter() - start < 600  # a hang, not a speed
    assert "Combining modalities helped" in run.stdout
    assert run.stdout.count("unseen emoji") == 2
    assert "plait fit your.csv --target COLUMN -o model" in run.stdout
    written = sorted(path.name for path in (tmp_path / "q").iterdir())
    assert written == ["board.csv", "board.png", "model"]
    rows = {
        r["entrant"]: r for r in csv.DictReader((tmp_path / "q/board.csv").read_text().splitlines())
    }
    assert float(rows["name"]["accuracy"]) > 0.5
    assert float(rows["picture"]["accuracy"]) > 0.4
    best = max(rows.values(), key=lambda row: float(row["accuracy"]))
    assert best["level"] in ("feature", "decision", "trees")
    assert float(best["gain"]) > 0.03
