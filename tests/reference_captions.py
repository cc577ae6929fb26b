"""126 captions with references, and what the evaluation of COCO says about them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "metrics"
READ = json.loads(gzip.decompress((FOLDER / "reference_captions.json.gz").read_bytes()))

CANDIDATES: list[str] = [row["candidate"] for row in READ["captions"]]
REFERENCES: list[list[str]] = [row["references"] for row in READ["captions"]]
SCORES: dict[str, dict[str, list[float]]] = READ["scores"]
assert len(CANDIDATES) == 126
assert len(SCORES) == 8
