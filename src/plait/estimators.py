"""Estimators that follow scikit-learn's conventions and wrap the same thing as `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from plait.data.table import Table
from plait.ensemble.config import FitConfig
from plait.errors import TableError
from plait.fitting import fit
from plait.model import Model
from plait.progress import Progress
from plait.tasks.task import HeadConfig

TARGET = "target"


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both estimators share: `X` is a DataFrame or a 2-d array, `y` the target."""

    _modality = "category"

    def __init__(
        self,
        preset: str = "quick",
        fusion: str = "concat",
        head: str = "linear",
        modalities: dict[str, str] | None = None,
        folder: str | None = None,
        random_state: int = 0,
        config: FitConfig | None = None,
    ) -> None:
        self.preset = preset
        self.fusion = fusion
        self.head = head
        self.modalities = modalities
        self.folder = folder
        self.random_state = random_state
        self.config = config

    def fit(self, X: Any, y: Any) -> _Estimator:  # noqa: N803 - scikit-learn's name
        """Learn from n rows.

        Args:
            X: (n k) DataFrame, array, or list of rows.
            y: (n) target values.

        Raises:
            TableError: when the lengths differ, or the table cannot be learned from.
        """
        frame = _frame(X)
        targets = self._targets(y)
        if len(targets) != len(frame):
            raise TableError(f"X has {len(frame)} rows and y has {len(targets)} values.")
        if len(frame) == 1:
            raise TableError("X has 1 sample; learning needs two at least.")
        base = self.config or FitConfig()
        config = replace(
            base,
            fusion=self.fusion,
            head=HeadConfig(**{**vars(base.head), "kind": self.head}),
            seed=self.random_state,
        )
        table = self._table(frame)
        name = TARGET
        while name in table:
            name += "_"
        self.model_: Model = fit(
            table.with_column(name, [v.item() if hasattr(v, "item") else v for v in targets]),
            f"{name}:{self._modality}",
            preset=self.preset,
            modalities=self.modalities,
            config=config,
            progress=Progress(show=False),
        )
        self.n_features_in_ = frame.shape[1]
        self.feature_names_in_ = np.array(frame.columns, dtype=object)
        self._learned(targets)
        return self

    def _targets(self, y: Any) -> np.ndarray:
        """Return (n) target values."""
        if y is None:
            raise TableError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        return np.asarray(column_or_1d(y, warn=True))

    def _learned(self, targets: np.ndarray) -> None:
        """Keep what the kind of target needs."""

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags

    def _table(self, frame: pd.DataFrame) -> Table:
        from plait.data.read import read

        return read(frame, folder=self.folder)

    def _scores(self, X: Any) -> np.ndarray:  # noqa: N803
        check_is_fitted(self, "model_")
        frame = _frame(X)
        # A DataFrame may lack columns: a missing modality. The columns of an array have no names.
        if not isinstance(X, pd.DataFrame) and frame.shape[1] != self.n_features_in_:
            raise TableError(
                f"X has {frame.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        table = self._table(frame)
        return self.model_.predict(table, Progress(show=False)).scores


class PlaitClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """Classify rows of pictures, texts, numbers and categories.

    Args:
        preset: as for `plait.fit`.
        fusion: the feature-level fusion asked for.
        head: `linear`, `svm` or `mlp`.
        modalities: what columns hold, where detection should not decide.
        folder: where relative paths in cells start.
        random_state: the seed.
        config: all other settings.
    """

    def _targets(self, y: Any) -> np.ndarray:
        targets = super()._targets(y)
        check_classification_targets(targets)
        return targets

    def _learned(self, targets: np.ndarray) -> None:
        from plait.data.category import read_category

        values = np.unique(targets)
        by_label = {
            read_category(v.item() if hasattr(v, "item") else v): i for i, v in enumerate(values)
        }
        labels = self.model_.target.labels
        self.classes_ = values
        self._column = [labels.index(label) for label in sorted(by_label, key=by_label.__getitem__)]

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return (n c) probabilities, columns in the order of `classes_`."""
        scores = self._scores(X)
        return scores[:, self._column]

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return (n) classes."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


class PlaitRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """Predict a number from rows of pictures, texts, numbers and categories.

    Takes the same arguments as `PlaitClassifier`.
    """

    _modality = "number"

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return (n) numbers."""
        return self._scores(X)[:, 0]


def _frame(values: Any) -> pd.DataFrame:
    if isinstance(values, pd.DataFrame):
        return values
    if isinstance(values, Sequence):  # rows of anything: pictures must not become arrays
        frame = pd.DataFrame(list(values))
    else:
        frame = pd.DataFrame(check_array(values, dtype=None, ensure_all_finite=False))
    frame.columns = [f"x{i}" for i in range(frame.shape[1])]
    return frame
