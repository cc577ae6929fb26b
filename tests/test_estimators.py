"""The estimators with scikit-learn's own tools, on pandas frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from plait import FitConfig, PlaitClassifier, PlaitRegressor
from plait.ensemble.trees import TreesConfig
from plait.errors import TableError
from plait.train.config import TrainConfig

CONFIG = FitConfig(folds=2, trees=TreesConfig(rounds=5), train=TrainConfig(epochs=8))


@pytest.fixture(scope="module")
def frame(things: Path) -> pd.DataFrame:
    return pd.read_csv(things)


def test_classifier(frame: pd.DataFrame, things: Path) -> None:
    model = PlaitClassifier(folder=str(things.parent), config=CONFIG)
    inputs = frame[["photo", "text", "weight"]]
    fitted = model.fit(inputs, frame["kind"])
    assert fitted is model
    assert list(model.classes_) == sorted(set(frame["kind"]))
    assert model.n_features_in_ == 3
    assert list(model.feature_names_in_) == list(inputs.columns)
    shares = model.predict_proba(inputs)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert (model.predict(inputs) == model.classes_[shares.argmax(axis=1)]).all()
    assert model.score(inputs, frame["kind"]) > 0.9


def test_classes_keep_their_type() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(80, 2))
    classes = (inputs[:, 0] > 0).astype(int) * 10 + 2
    model = PlaitClassifier(config=CONFIG).fit(inputs, classes)
    assert model.classes_.tolist() == [2, 12]
    assert model.predict(inputs).dtype == classes.dtype
    assert model.score(inputs, classes) > 0.9
    truths = PlaitClassifier(config=CONFIG).fit(inputs, classes > 5)
    assert truths.classes_.tolist() == [False, True]


def test_clone_and_parameters() -> None:
    model = PlaitClassifier(fusion="mean", head="svm", random_state=3)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert copy.set_params(fusion="gated").fusion == "gated"
    with pytest.raises(NotFittedError):
        copy.predict(pd.DataFrame({"a": [1]}))


def test_cross_val_score_grid_search_and_pipeline(frame: pd.DataFrame) -> None:
    inputs, kinds = frame[["text", "weight"]], frame["kind"].str.split().str[0]
    scores = cross_val_score(PlaitClassifier(config=CONFIG), inputs, kinds, cv=2)
    assert scores.shape == (2,)
    assert scores.mean() > 0.8
    search = GridSearchCV(PlaitClassifier(config=CONFIG), {"fusion": ["concat", "mean"]}, cv=2)
    assert search.fit(inputs, kinds).best_score_ > 0.8
    steps = [("lower", FunctionTransformer(lambda f: f.assign(text=f["text"].str.lower()))),
             ("plait", PlaitClassifier(config=CONFIG))]  # fmt: skip
    assert Pipeline(steps).fit(inputs, kinds).score(inputs, kinds) > 0.8


def test_regressor(frame: pd.DataFrame) -> None:
    inputs = frame[["text", "weight"]]
    model = PlaitRegressor(config=CONFIG).fit(inputs, frame["price"])
    assert model.predict(inputs).shape == (160,)
    assert model.score(inputs, frame["price"]) > 0.6


def test_lengths_must_agree(frame: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="X has 160 rows and y has 3 values"):
        PlaitRegressor().fit(frame, [1, 2, 3])


def test_arrays_must_have_the_features_that_were_learned() -> None:
    inputs = np.random.default_rng(0).normal(size=(60, 2))
    model = PlaitRegressor(config=CONFIG).fit(inputs, inputs[:, 0])
    with pytest.raises(TableError, match="X has 1 features, but PlaitRegressor is expecting 2"):
        model.predict(inputs[:, :1])
    lacking = pd.DataFrame({"x0": inputs[:, 0]})  # a column that is missing is a missing modality
    assert np.isfinite(model.predict(lacking)).all()


def test_a_target_is_needed(frame: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="PlaitRegressor requires y to be passed, but the target"):
        PlaitRegressor().fit(frame, None)
    with pytest.raises(TableError, match="X has 1 sample; learning needs two at least"):
        PlaitRegressor().fit(frame.head(1), [1])


FAST = FitConfig(folds=2, trees=TreesConfig(rounds=3), train=TrainConfig(epochs=3, least_steps=60))


@parametrize_with_checks([PlaitClassifier(config=FAST), PlaitRegressor(config=FAST)])
@pytest.mark.filterwarnings("ignore")  # the checks give warnings of their own
def test_the_list_of_scikit_learn(estimator: BaseEstimator, check: Callable) -> None:
    check(estimator)
