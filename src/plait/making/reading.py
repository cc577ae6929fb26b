"""What reads the columns that another one is made from: encoders, fitted, and their fusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from plait.cache import Encoded, encode, fit_and_encode
from plait.catalog import FUSIONS
from plait.encoders.encoder import Encoder
from plait.ensemble.config import FitConfig
from plait.errors import ConfigError, unknown
from plait.fitting import preset_encoders
from plait.fusion.fusion import Fusion
from plait.fusion.towers import SideBySide
from plait.making.maker import Maker
from plait.making.material import Material

TOKENS = 49
"""Tokens of a pretrained network that are kept of a row: a grid of 7 by 7 cells of a picture."""


def ready(config: FitConfig, preset: str) -> FitConfig:
    """Return the settings with the preset's encoders, which leave their tokens to be read.

    Raises:
        ConfigError: for a preset or a fusion that does not exist.
    """
    if config.fusion not in FUSIONS:
        raise ConfigError(unknown("Fusion", config.fusion, FUSIONS))
    encoders = preset_encoders(config.encoders, preset)
    if not encoders.pretrained.tokens:
        encoders = replace(encoders, pretrained=replace(encoders.pretrained, tokens=TOKENS))
    return replace(config, encoders=encoders)


def fusion_of(widths: Mapping[str, int], config: FitConfig) -> Fusion:
    """Return the fusion of the settings, which keeps tokens; `concat` sets them side by side."""
    kind = SideBySide if config.fusion == "concat" else FUSIONS[config.fusion]
    return kind(widths, config.fusion_settings)


def fitted(
    material: Material,
    rows: np.ndarray,
    frozen: Mapping[str, Encoder],
    trained: Mapping[str, Encoder],
    seed: int,
) -> Encoded:
    """Fit all encoders, and return the rows, encoded where encoders are frozen."""
    nothing = np.zeros((len(rows), 1))
    raw = {name: material.samples[name] for name in trained}
    raw |= {name: own for name, own in material.raw.items() if name in frozen}
    encoded = fit_and_encode(frozen, material.samples, rows, nothing, seed, raw)
    for name, encoder in trained.items():
        encoder.fit(encoded.raw[name], nothing, seed)
    return encoded


def encoded_rows(model: Maker, material: Material, rows: np.ndarray) -> Encoded:
    """Return some rows as a model reads them."""
    trained = model.network.by_name
    raw = {name: material.raw.get(name, material.samples[name]) for name in trained}
    frozen = {name: e for name, e in model.encoders.items() if name not in trained}
    return encode(frozen, material.samples, rows, raw)
