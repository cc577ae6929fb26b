"""A small table of things, and a space of its words and codes, for the tests of search."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

import plait
from plait.progress import Progress
from plait.spaces.space import AlignConfig, Space
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

QUIET = Progress(show=False)
COLOURS = ["red", "green", "blue", "white", "black", "yellow", "brown"]
SHAPES = ["cup", "bowl", "plate", "fork", "spoon", "knife", "glass"]
CHINESE = ["红色的杯子很漂亮", "绿色的碗很大", "蓝色的盘子", "白色叉子", "黑色勺子", "黄刀", "棕色"]
BRANDS = ["X", "Y", "Z"]
SAID = {"code": "vector", "words": "text", "price": "number", "brand": "category"}


def things(rows: int = 200, seed: int = 0) -> dict[str, list[Any]]:
    """Return things in words, a noisy vector that is a code of them, and plain columns."""
    # Every table has the same codes, whatever its rows.
    codes = np.random.default_rng(7).normal(size=(2, 7, 12))
    random = np.random.default_rng(seed)
    colour, shape = random.integers(0, 7, (2, rows))
    code = codes[0, colour] + codes[1, shape] + 0.3 * random.normal(size=(rows, 12))
    return {
        "name": [f"thing {seed}-{row}" for row in range(rows)],
        "words": [f"{COLOURS[c]} {SHAPES[s]}" for c, s in zip(colour, shape, strict=True)],
        "zh": [CHINESE[c] for c in colour],
        "code": [row.tolist() for row in code],
        "price": [float(p) for p in random.integers(0, 100, rows)],
        "brand": [BRANDS[b] for b in random.integers(0, 3, rows)],
    }


def part(table: dict[str, list[Any]], rows: Sequence[int]) -> dict[str, list[Any]]:
    """Return some rows of a table."""
    return {name: [cells[row] for row in rows] for name, cells in table.items()}


@cache
def made_space(loss: str = "infonce", seed: int = 0) -> Space:
    """Return a space of words and codes, learned in a second."""
    config = AlignConfig(
        task=AlignTaskConfig(loss, width=32),  # type: ignore[arg-type]
        train=TrainConfig(epochs=40, batch_size=128, learning_rate=5e-3, modality_dropout=0.0),
        seed=seed,
    )
    table = {name: cells for name, cells in things(400).items() if name in ("words", "code")}
    said = {name: SAID[name] for name in table}
    return plait.align(table, "words", "code", modalities=said, config=config, progress=QUIET)
