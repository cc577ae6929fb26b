"""Settings with which a model that writes learns in seconds."""

from __future__ import annotations

from dataclasses import replace

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
