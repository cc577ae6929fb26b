"""An expert that is gradient-boosted trees on raw columns and reduced Features (LightGBM)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from plait.cache import Encoded
from plait.config import check_range
from plait.data.split import apart
from plait.encoders.reduction import Reduction
from plait.ensemble.expert import NOTHING, Expert, State
from plait.errors import MissingExtraError
from plait.tasks.target import Target
from plait.train.record import Record

if TYPE_CHECKING:
    import lightgbm


SMOOTH = 3
"""Rows that the levels of a category are smoothed by. LightGBM's 10, and groups of 100 rows, made
nothing of 49 postal codes of 428 houses (R2 0.69, and 0.80 so); of thousands of rows all is one."""


@dataclass(frozen=True)
class TreesConfig:
    """Settings of the trees.

    Attributes:
        rounds: most rounds of boosting.
        trees: most trees in all; many classes, which take a tree each a round, get fewer rounds.
        leaves: leaves a tree.
        learning_rate: how far each round goes, at least; a few rounds go further.
        least_rows: rows a leaf must have.
        patience: rounds without a lower validation loss after which boosting stops.
        reduced_to: principal components of each picture or text source that the trees see.
    """

    rounds: int = 400
    trees: int = 3000
    leaves: int = 15
    learning_rate: float = 0.05
    least_rows: int = 10
    patience: int = 30
    reduced_to: int = 32

    def __post_init__(self) -> None:
        check_range(self, "rounds", 1, 100_000)
        check_range(self, "trees", 1, 10_000_000)
        check_range(self, "leaves", 2, 100_000)
        check_range(self, "learning_rate", 1e-6, 1.0)
        check_range(self, "least_rows", 1, 1_000_000)
        check_range(self, "patience", 1, 100_000)
        check_range(self, "reduced_to", 1, 4096)


def load_lightgbm() -> Any:
    """Return the module.

    Raises:
        MissingExtraError: when its OpenMP library is not on the machine.
    """
    try:
        import lightgbm
    except OSError as error:
        raise MissingExtraError(
            f"LightGBM cannot start ({error}). It needs the OpenMP library: "
            "`apt-get install libgomp1` on Debian, `brew install libomp` on macOS."
        ) from error
    return lightgbm


class TreesExpert(Expert):
    """Boosted trees: deterministic, at home with missing values and unscaled columns.

    Tabular sources are read as they are; of others the leading components. For several labels, one
    booster a label.
    """

    def __init__(self, sources: tuple[str, ...], target: Target, config: TreesConfig) -> None:
        super().__init__(sources, target)
        self.config = config
        self.boosters: list[lightgbm.Booster] = []
        self.reductions: dict[str, Reduction] = {}

    def fit(
        self,
        rows: Encoded,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        record: Record = NOTHING,
    ) -> None:
        """Reduce the Features, then boost."""
        rows, target, weight = self.present_rows(rows, target, weight)
        self.reductions = {}
        for name in self.sources:
            if not isinstance(rows.matrices.get(name), np.ndarray):
                features = rows.features[name]
                self.reductions[name] = Reduction(self.config.reduced_to)
                self.reductions[name].fit(features.pooled[features.present], seed)
        matrix = self._matrix(rows)
        codes = self._codes(rows)
        columns = target.T if self.target.kind == "multilabel" else [self._labels(target)]
        self.boosters = [
            self._boost(matrix, column, weight, rows.groups, codes, seed) for column in columns
        ]

    def _labels(self, target: np.ndarray) -> np.ndarray:
        if self.target.kind == "classify":
            return target.argmax(axis=1)
        return self.target.scale.to_units(torch.from_numpy(target[:, 0]).double()).numpy()

    def _matrix(self, rows: Encoded) -> np.ndarray:
        """Return (n d) float64: raw values, and reduced Features with NaN where missing."""
        blocks = []
        for name in self.sources:
            if name in self.reductions:
                features = rows.features[name]
                block = self.reductions[name](features.pooled)
                block = block.masked_fill(~features.present[:, None], torch.nan).double().numpy()
            else:
                block = np.asarray(rows.matrices[name], dtype=np.float64)
            blocks.append(block)
        return np.concatenate(blocks, axis=1)

    def _codes(self, rows: Encoded) -> list[int]:
        codes, start = [], 0
        for name in self.sources:
            reduced = name in self.reductions
            codes += [] if reduced else [start + code for code in rows.codes[name]]
            width = self.reductions[name].width if reduced else rows.matrices[name].shape[1]
            start += width
        return codes

    def _objective(self) -> dict[str, Any]:
        match self.target.kind:
            case "regress":
                return {"objective": "regression"}
            case "classify" if self.target.width > 2:
                return {"objective": "multiclass", "num_class": self.target.width}
        return {"objective": "binary"}

    def _boost(
        self,
        matrix: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray,
        groups: np.ndarray | None,
        codes: list[int],
        seed: int,
    ) -> lightgbm.Booster:
        lightgbm = load_lightgbm()
        config = self.config
        order = np.random.default_rng(seed).permutation(len(matrix))
        held_out = round(0.1 * len(matrix)) if len(matrix) >= 50 else 0
        checking, learning = (np.sort(part) for part in apart(order, groups, [held_out]))
        a_round = self._objective().get("num_class", len(self.target.labels) or 1)
        rounds = max(min(config.rounds, config.trees // a_round), 1)
        parameters = {
            **self._objective(),
            "num_leaves": config.leaves,
            # Where many classes leave few rounds, each must go further.
            "learning_rate": max(config.learning_rate, min(4 / rounds, 0.3)),
            "min_data_in_leaf": config.least_rows,
            "min_data_per_group": config.least_rows,
            "cat_smooth": SMOOTH,
            "deterministic": True,
            "force_row_wise": True,
            # One core is left to the networks that learn beside them; a second one saved a fifth.
            "num_threads": _threads(matrix, spared=1),
            "seed": seed,
            "max_bin": 127,
            "verbosity": -1,
        }
        data = lightgbm.Dataset(
            matrix[learning],
            target[learning],
            weight=weight[learning],
            categorical_feature=codes,
            params=parameters,
        )
        if not held_out:
            return lightgbm.train(parameters, data, min(rounds, 100))
        check = data.create_valid(
            matrix[checking], target[checking], weight=weight[checking], params=parameters
        )
        stop = lightgbm.early_stopping(config.patience, verbose=False)
        return lightgbm.train(parameters, data, rounds, valid_sets=[check], callbacks=[stop])

    def scores(self, rows: Encoded) -> np.ndarray:
        """Return (n c)."""
        matrix = self._matrix(rows)
        threads = _threads(matrix)
        columns = [np.asarray(b.predict(matrix, num_threads=threads)) for b in self.boosters]
        if self.target.kind == "regress":
            return self.target.scale.from_units(torch.from_numpy(columns[0][:, None])).numpy()
        if self.target.kind == "multilabel":
            return np.stack(columns, axis=1)
        return (
            columns[0] if columns[0].ndim == 2 else np.stack([1 - columns[0], columns[0]], axis=1)
        )

    def state(self) -> State:
        """Return the boosters as text, and the reductions."""
        tensors = {
            f"reductions.{name}.{key}": value
            for name, reduction in self.reductions.items()
            for key, value in reduction.state_dict().items()
            if isinstance(value, torch.Tensor)
        }
        trees = [booster.model_to_string(booster.best_iteration) for booster in self.boosters]
        return State(tensors, {"reduced": sorted(self.reductions)}, trees)

    def load(self, state: State) -> None:
        """Take back the boosters and the reductions."""
        lightgbm = load_lightgbm()
        self.boosters = [lightgbm.Booster(model_str=text) for text in state.trees]
        self.reductions = {}
        for name in state.facts["reduced"]:
            start = f"reductions.{name}."
            own = {
                k.removeprefix(start): v for k, v in state.tensors.items() if k.startswith(start)
            }
            self.reductions[name] = Reduction(self.config.reduced_to)
            self.reductions[name].load_state_dict(own, strict=False)


def _threads(matrix: np.ndarray, spared: int = 0) -> int:
    """Return how many threads to use: for few numbers, starting them costs more than they save."""
    return 1 if matrix.size < 100_000 else max((os.cpu_count() or 1) - spared, 1)
