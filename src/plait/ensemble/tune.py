"""Tuning: the settings of one network, searched by their score on the folds of the contest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.cache import Encoded, encode, fit_and_encode
from plait.catalog import FUSIONS
from plait.encoders.trained import TrainedConfig
from plait.ensemble.config import FitConfig
from plait.ensemble.contest import Folds, Problem, row_weights
from plait.ensemble.entrants import Entrant, build_expert, frozen_encoders, raw_sources
from plait.errors import MissingExtraError, TrainingError
from plait.evaluate.run import metrics_of
from plait.layers import one_thread
from plait.progress import Advance
from plait.train.config import TrainConfig

if TYPE_CHECKING:
    import optuna

RATES, DECAYS, SHARES = (1e-4, 3e-2), (1e-4, 0.3), (0.0, 0.5)
"""Bounds of learning rates, of weight decay, and of all that is dropped."""

WIDTHS = (32, 64, 128, 256, 512)
HEADS = ("linear", "mlp")
STARTS = 10
"""Trials drawn at random before the search learns from them; the first has the settings given."""


DIVERGED = "diverged"
"""What is noted of a trial whose loss was no number."""


@dataclass(frozen=True)
class Trial:
    """Settings that were tried: by name, their score (None when it failed), and whether pruned."""

    number: int
    settings: Mapping[str, int | float | str]
    score: float | None
    pruned: bool


@dataclass(frozen=True)
class Tuning:
    """A search: the trials in their order, the metric, and which trial was best."""

    metric: str
    higher: bool
    trials: tuple[Trial, ...]
    best: int


@one_thread()
def tune(
    problem: Problem,
    folds: Folds,
    config: FitConfig,
    metric: str,
    trials: int,
    storage: Path | None,
    advance: Advance,
) -> tuple[FitConfig, Tuning]:
    """Search the fusion, widths, rates and dropout of the network that reads all sources.

    Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) proposes; a trial that
    is below the median of the others after as many folds is given up. Every trial's random numbers
    come from the seed and its number, so a search that was killed goes on as it would have.

    Args:
        problem: what is to be learned.
        folds: that each trial is judged on.
        config: where the search starts; what is not searched stays.
        metric: that decides.
        trials: how many, those in `storage` among them.
        storage: file of the search, so that it can go on; None keeps it in memory.
        advance: is told of each trial that is done.

    Returns:
        The best settings, and the search.

    Raises:
        MissingExtraError: when Optuna is not there.
        TrainingError: when no trial came to an end.
    """
    study = _study(storage, metrics_of(problem.target)[metric].higher)
    done = _done(study)
    advance(min(len(done), trials))
    encoded = [_encoded(problem, *fold, config) for fold in folds]
    if not done:
        study.enqueue_trial(_given(problem, config))
    for number in range(len(done), trials):
        study.sampler = _sampler(config.seed + number)
        trial = study.ask()
        tried = propose(trial, problem, config)
        _judge(study, trial, problem, folds, encoded, tried, metric)
        advance(1)
    return _result(study, problem, config, metric)


def _encoded(
    problem: Problem, learning: np.ndarray, held: np.ndarray, config: FitConfig
) -> tuple[Encoded, Encoded]:
    """Return the learning and the held-out rows, which all trials share."""
    encoders = frozen_encoders(problem.sources, config.encoders)
    truth = problem.target.guess(problem.truth[learning])
    learned = fit_and_encode(encoders, problem.samples, learning, truth, config.seed, problem.raw)
    learned = replace(learned, groups=problem.groups[learning])
    return learned, encode(encoders, problem.samples, held, problem.raw)


def propose(trial: optuna.trial.BaseTrial, problem: Problem, config: FitConfig) -> FitConfig:
    """Return the settings that a trial says."""
    several, deep = len(problem.sources) > 1, _is_deep(problem, config)
    rates: dict[str, Any] = {
        "learning_rate": trial.suggest_float("learning_rate", *RATES, log=True),
        "weight_decay": trial.suggest_float("weight_decay", *DECAYS, log=True),
    }
    if several:
        rates["modality_dropout"] = trial.suggest_float("modality_dropout", *SHARES)
    head: dict[str, Any] = {
        "kind": trial.suggest_categorical("head", HEADS),
        "dropout": trial.suggest_float("head_dropout", *SHARES),
    }
    train = replace(config.deep if deep else config.train, **rates)
    found = replace(config, head=replace(config.head, **head))
    found = replace(found, deep=train) if deep else replace(found, train=train)
    if several:
        found = replace(
            found,
            fusion=trial.suggest_categorical("fusion", tuple(FUSIONS)),
            fusion_settings=replace(
                config.fusion_settings,
                width=trial.suggest_categorical("fusion_width", WIDTHS),
                dropout=trial.suggest_float("fusion_dropout", *SHARES),
            ),
        )
    if deep:
        trained = replace(
            config.encoders.trained,
            width=trial.suggest_categorical("encoder_width", WIDTHS),
            layers=trial.suggest_int("encoder_layers", 1, 4),
            dropout=trial.suggest_float("encoder_dropout", *SHARES),
        )
        found = replace(found, encoders=replace(config.encoders, trained=trained))
    return found


def _given(problem: Problem, config: FitConfig) -> dict[str, Any]:
    """Return the settings that the search starts from, the nearest to them in its bounds."""
    train: TrainConfig = config.deep if _is_deep(problem, config) else config.train
    trained: TrainedConfig = config.encoders.trained
    values = {
        "learning_rate": _within(train.learning_rate, RATES),
        "weight_decay": _within(train.weight_decay, DECAYS),
        "modality_dropout": _within(train.modality_dropout, SHARES),
        "head": config.head.kind,
        "head_dropout": _within(config.head.dropout, SHARES),
        "fusion": config.fusion,
        "fusion_width": config.fusion_settings.width,
        "fusion_dropout": _within(config.fusion_settings.dropout, SHARES),
        "encoder_width": trained.width,
        "encoder_layers": trained.layers,
        "encoder_dropout": _within(trained.dropout, SHARES),
    }
    choices = {"head": HEADS, "fusion_width": WIDTHS, "encoder_width": WIDTHS}
    return {k: v for k, v in values.items() if k not in choices or v in choices[k]}


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])


def _is_deep(problem: Problem, config: FitConfig) -> bool:
    return bool(raw_sources(problem.sources, config.encoders))


def _study(storage: Path | None, higher: bool) -> optuna.Study:
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    except ImportError as error:
        raise MissingExtraError("Tuning needs Optuna: pip install 'plait[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kept = None
    if storage is not None:
        storage.parent.mkdir(parents=True, exist_ok=True)
        # A lock that a killed run left is stale after half a minute.
        kept = JournalStorage(JournalFileBackend(str(storage), JournalFileOpenLock(str(storage))))
    study = optuna.create_study(
        storage=kept,
        study_name="plait",
        load_if_exists=True,
        direction="maximize" if higher else "minimize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTS // 2),
    )
    for trial in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # it was killed
    return study


def _done(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials that came to an end of their own: not those that were killed."""
    finished = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    return [t for t in finished if t.state.name != "FAIL" or DIVERGED in t.user_attrs]


def _sampler(seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    return optuna.samplers.TPESampler(n_startup_trials=STARTS, seed=seed)


def _judge(
    study: optuna.Study,
    trial: optuna.Trial,
    problem: Problem,
    folds: Folds,
    encoded: Sequence[tuple[Encoded, Encoded]],
    config: FitConfig,
    metric: str,
) -> None:
    """Score a trial fold by fold; give it up when the others were better after as many."""
    import optuna

    names = tuple(source.name for source in problem.sources)
    entrant = Entrant("tuned", "feature", "network", names, config.fusion)
    score, scores = metrics_of(problem.target)[metric].score, []
    for number, (learning, held) in enumerate(folds):
        learned, judged = encoded[number]
        expert = build_expert(entrant, problem.target, config, problem.sources, problem.start)
        truth = problem.truth[learning]
        try:
            expert.fit(learned, truth, row_weights(truth, config), config.seed)
        except TrainingError as error:
            trial.set_user_attr(DIVERGED, str(error))
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            return
        predicted = problem.target.fill(expert.predict(judged))
        scores.append(score(problem.truth[held], predicted))
        trial.report(float(np.mean(scores)), number)
        if number + 1 < len(folds) and trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
    study.tell(trial, float(np.mean(scores)))


def _result(
    study: optuna.Study, problem: Problem, config: FitConfig, metric: str
) -> tuple[FitConfig, Tuning]:
    import optuna

    states = optuna.trial.TrialState
    trials = _done(study)
    complete = [trial for trial in trials if trial.state is states.COMPLETE]
    if not complete:
        raise TrainingError(
            f"None of {len(trials)} trials came to an end; lower the learning rate that the search "
            "starts from, and look at the table with `plait check`."
        )
    best = study.best_trial
    listed = tuple(
        Trial(t.number, dict(t.params), t.value, t.state is states.PRUNED) for t in trials
    )
    higher = metrics_of(problem.target)[metric].higher
    fixed = optuna.trial.FixedTrial(best.params, best.number)
    return propose(fixed, problem, config), Tuning(metric, higher, listed, best.number)
