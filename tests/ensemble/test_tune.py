"""The search: it finds what is better, gives up what is worse, and goes on after it was killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.ensemble import tune as module
from plait.ensemble.config import FitConfig
from plait.ensemble.tune import Tuning
from plait.errors import MissingExtraError, TrainingError
from plait.fitting import set_up
from plait.progress import Progress
from plait.train.config import TrainConfig
from plait.types import Modality

QUIET = Progress(show=False)
BAD = FitConfig(folds=3, train=TrainConfig(epochs=10, least_steps=1, learning_rate=1e-7))


@pytest.fixture(scope="module")
def setup():
    """Return XOR of two columns: only a deep enough head and a good rate learn it."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 240))
    table = {
        "a": a.tolist(),
        "b": b.tolist(),
        "text": [f"{word} thing" for word in rng.choice(["red", "blue"], 240)],
        "kind": np.where((a > 0) ^ (b > 0), "odd", "even").tolist(),
    }
    return set_up(table, "kind", {"text": Modality.TEXT.value}, (), None, BAD, QUIET)


def search(setup, trials: int, storage: Path | None = None, told: list[int] | None = None):
    return module.tune(
        setup.problem, setup.split.folds, BAD, "accuracy", trials, storage,
        (told if told is not None else []).append,
    )  # fmt: skip


def test_it_finds_better_settings_and_uses_them(setup) -> None:
    told: list[int] = []
    config, tuning = search(setup, 14, told=told)
    assert sum(told) == 14 == len(tuning.trials)
    first, best = tuning.trials[0], tuning.trials[tuning.best]
    assert first.settings["fusion"] == "concat"  # the settings that were given come first
    assert best.score > first.score + 0.1
    assert best.score == max(t.score for t in tuning.trials if not t.pruned and t.score is not None)
    assert config.train.learning_rate == best.settings["learning_rate"] > 1e-4
    assert config.head.kind == best.settings["head"]
    assert config.fusion == best.settings["fusion"]
    assert config.train.epochs == BAD.train.epochs
    assert any(trial.pruned for trial in tuning.trials)


def described(tuning: Tuning) -> list[tuple[object, ...]]:
    return [(t.settings, t.score, t.pruned) for t in tuning.trials]


def test_killed_it_goes_on_as_it_would_have(setup, tmp_path: Path, monkeypatch) -> None:
    _, whole = search(setup, 7)
    storage = tmp_path / "deep" / "tuning.jsonl"
    build, built = module.build_expert, []

    def killed(*arguments):
        built.append(1)
        if len(built) == 8:
            raise KeyboardInterrupt
        return build(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, "build_expert", killed)
        with pytest.raises(KeyboardInterrupt):
            search(setup, 7, storage)
    _, resumed = search(setup, 7, storage)
    assert described(resumed) == described(whole)
    before = len(storage.read_bytes())
    _, again = search(setup, 7, storage)
    assert described(again) == described(whole)
    assert len(storage.read_bytes()) < before + 500  # nothing was tried again


def diverging(*_: object) -> None:
    raise TrainingError("The loss is nan")


def test_a_trial_that_fails_is_not_the_end(setup, monkeypatch) -> None:
    build, built = module.build_expert, []

    def fails(*arguments):
        built.append(build(*arguments))
        if len(built) in (1, 5):
            built[-1].fit = diverging
        return built[-1]

    monkeypatch.setattr(module, "build_expert", fails)
    _, tuning = search(setup, 4)
    assert [trial.score is None for trial in tuning.trials].count(True) == 2


def test_when_all_fail_it_says_so(setup, monkeypatch) -> None:
    def fails(*arguments):
        expert = build(*arguments)
        expert.fit = diverging
        return expert

    build = module.build_expert
    monkeypatch.setattr(module, "build_expert", fails)
    with pytest.raises(TrainingError, match="None of 2 trials came to an end; lower the learning"):
        search(setup, 2)


def test_without_optuna_it_says_how_to_get_it(setup, monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'plait\[tune\]'"):
        search(setup, 1)


def test_fit_takes_the_best_and_tells_of_the_search(tmp_path: Path, setup) -> None:
    rng = np.random.default_rng(1)
    sizes = rng.normal(size=120)
    table = {"size": sizes.tolist(), "kind": np.where(sizes > 0, "large", "small").tolist(),
             "text": ["a thing", "the thing"] * 60}  # fmt: skip
    config = replace(BAD, folds=2)
    model = plait.fit(
        table, "kind", modalities={"text": "text"}, config=config, trials=3, progress=QUIET
    )
    tuning = model.facts["tuning"]
    assert len(tuning["trials"]) == 3
    best = tuning["trials"][tuning["best"]]["settings"]
    assert model.config.train.learning_rate == best["learning_rate"]
    assert model.config.fusion == best["fusion"]


def test_encoders_that_are_trained_are_searched_too() -> None:
    import optuna

    words = ["red", "blue", "green", "grey"] * 10
    config = replace(BAD, encoders=replace(BAD.encoders, of_text="lstm"))
    setup = set_up({"text": [f"{w} thing" for w in words], "kind": words}, "kind",
                   {"text": "text"}, (), None, config, QUIET)  # fmt: skip
    settings = {"learning_rate": 1e-3, "weight_decay": 1e-3, "head": "mlp", "head_dropout": 0.1,
                "encoder_width": 64, "encoder_layers": 3, "encoder_dropout": 0.2}  # fmt: skip
    found = module.propose(optuna.trial.FixedTrial(settings), setup.problem, config)
    assert (found.encoders.trained.width, found.encoders.trained.layers) == (64, 3)
    assert found.deep.learning_rate == 1e-3
    assert found.train == config.train
