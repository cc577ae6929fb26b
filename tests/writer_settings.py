"""Settings with which a model that writes learns in seconds, and what it learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from conftest import make_things

from plait import FitConfig
from plait.config import from_json
from plait.encoders.config import choose_encoders


def small(**write: object) -> FitConfig:
    """Return settings with which a model learns in seconds."""
    config = from_json(FitConfig, {
        "encoders": {"trained": {"width": 32, "side": 24, "layers": 1, "heads": 2}},
        "fusion_settings": {"width": 32},
        "write": {"width": 32, "layers": 2, "heads": 2, "longest": 12, "smoothing": 0.0, **write},
        "writing": {"epochs": 8, "least_steps": 160, "batch_size": 32, "learning_rate": 4e-3,
                    "precision": "float32", "patience": 8},
    })  # fmt: skip
    return replace(config, encoders=choose_encoders(["trained"], config.encoders))


FILLERS = ("today", "again", "here", "there", "maybe", "still", "now", "often")


def make_captions(folder: Path, rows: int, seed: int) -> dict[str, list[Any]]:
    """Return pictures and texts, and the caption that names what both of them know."""
    table = make_things(folder, rows, seed)
    fillers = np.random.default_rng(seed).choice(FILLERS, (rows, 2))
    return {
        "photo": table["photo"],
        "text": [
            " ".join([text.partition(" no ")[0], *map(str, own)])
            for text, own in zip(table["text"], fillers, strict=True)
        ],
        "caption": [f"A {kind} Thing." for kind in table["kind"]],
    }
