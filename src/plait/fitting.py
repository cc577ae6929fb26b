"""`fit` and `compare`: two views of one contest."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from plait.catalog import ENCODERS, FUSIONS, QUICK_FUSIONS
from plait.config import to_json
from plait.data.detect import detect, require_target, split_targets
from plait.data.loader import Reader, Source, sources_of
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.reference import JoinedColumn
from plait.data.split import Split, make_split, marking
from plait.data.table import Table
from plait.encoders.config import CLASSICAL, KINDS, STANDARD, EncoderConfig
from plait.ensemble.board import Board, make_board
from plait.ensemble.combine import COMBINERS
from plait.ensemble.config import FitConfig
from plait.ensemble.contest import Contest, Problem, hold, refit
from plait.ensemble.entrants import Entrant, build_encoder, line_up
from plait.ensemble.journal import Journal
from plait.ensemble.race import remaining
from plait.ensemble.tune import Tuning, tune
from plait.errors import ConfigError, TableError, unknown
from plait.evaluate.run import choose_metric, evaluate
from plait.model import Model, known_targets, load, prepare, prepare_networks
from plait.progress import Progress
from plait.tasks.target import Target
from plait.train.record import Track
from plait.transfer import starts_of
from plait.types import MEDIA, Column, Modality, Schema

PRESETS = {"quick": CLASSICAL, "standard": STANDARD, "best": STANDARD}
"""The encoders of each preset."""

LEAST_A_CLASS = 50
"""Rows a class, in the mean, under which networks are not trained on."""

TOKENS_KEPT = 16
"""Tokens of a pretrained network that are kept of a row, for fusions that attend to them."""


@dataclass(frozen=True)
class Setup:
    """A table made ready for a contest."""

    schema: Schema
    problem: Problem
    split: Split
    ledger: Ledger
    metric: str
    config: FitConfig
    note: str = ""

    @property
    def learning(self) -> np.ndarray:
        """All rows but those kept apart for the test."""
        rows = np.arange(len(self.problem.truth))
        return np.setdiff1d(rows, self.split.test)


def fit(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    config: FitConfig | None = None,
    trials: int = 0,
    start: Model | str | Path | None = None,
    journal: str | Path | None = None,
    track: Track | None = None,
    progress: Progress | None = None,
) -> Model:
    """Learn to predict columns from the others, and keep the best of a fair contest.

    The best single modality, simple late fusion, the fusion asked for, boosted trees on frozen
    Features and a blend of all are judged on held-out rows; the winner is fitted again on all.
    What is clearly behind after a fold is not fitted in the next (`FitConfig.drop`).

    Args:
        table: anything that `plait.read` takes.
        target: the column, or `column:modality` to say what it holds; or a list of them. A row
            may lack some of several targets.
        preset: the encoders that none is named for: `quick` needs no download, `standard` takes
            pretrained networks as they are.
        modalities: what columns hold, where detection should not decide.
        ignore: columns to leave out.
        split: `stratified`, `random`, `group:COLUMN`, `time:COLUMN` or `column:COLUMN`.
        config: all other settings.
        trials: of a search for better settings of the network, before the contest (Optuna).
        start: another model, whose trained encoders of columns of the same names are the start.
        journal: folder in which what is finished is kept until the end. A run that was killed goes
            on from it, and ends with the same numbers to the bit.
        track: is told of every epoch of every training.
        progress: where to show it; a terminal, by default.

    Returns:
        The model. `model.facts["board"]` holds what every entrant scored.

    Raises:
        ColumnError: for a column that is not there, or that cannot be a target.
        ConfigError: for a setting that is not allowed.
        ModelError: when the journal is of another run.
        TableError: when the table cannot be learned from.
    """
    table = read(table)  # once: the fingerprint needs it again
    config = ready(config or FitConfig(), preset, list(FUSIONS) if trials else None)
    progress = progress or Progress()
    setup = set_up(table, target, modalities or {}, ignore, split, config, progress)
    config = setup.config
    if start is not None:
        before = start if isinstance(start, Model) else load(start)
        begun = starts_of(before, setup.problem.sources, config)
        setup = replace(setup, problem=replace(setup.problem, start=begun))
    place = None if journal is None else Path(journal)
    kept = Journal(place, _run_facts(table, setup, config, trials), track)
    search: Tuning | None = None
    if trials:
        config, search = _tune(setup, config, trials, place, progress)
    entrants = line_up(
        setup.problem.sources,
        setup.problem.target.kinds,
        [config.fusion],
        ["average"],
        config.encoders,
        len(setup.learning),
    )
    contest, board = _run(setup, entrants, config, progress, kept)
    entrants = remaining(entrants, contest.dropped)
    winner = next(entrant for entrant in entrants if entrant.name == board.winner)
    with progress.stage(f"Fitting {winner.name} on all rows", 1 + max(len(winner.members), 1)) as a:
        fitted = refit(setup.problem, setup.learning, winner, entrants, contest, config, a, kept)
    model = Model(
        setup.schema,
        setup.problem.target,
        setup.problem.sources,
        winner,
        tuple(e for e in entrants if e.name in fitted.experts),
        fitted.encoders,
        {e.name: fitted.experts[e.name] for e in entrants if e.name in fitted.experts},
        fitted.combiner,
        config,
        _facts(table, setup, board),
        setup.ledger,
    )
    if len(setup.split.test):
        model.facts["test"] = _test(model, setup)
    if search is not None:
        model.facts["tuning"] = to_json(search)
    kept.remove()
    return model


def _tune(
    setup: Setup, config: FitConfig, trials: int, place: Path | None, progress: Progress
) -> tuple[FitConfig, Tuning]:
    storage = None if place is None else place / "tuning.jsonl"
    with progress.stage(f"Tuning of {trials}", trials) as advance:
        return tune(
            setup.problem, setup.split.folds, config, setup.metric, trials, storage, advance
        )


def compare(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    fusions: Sequence[str] = QUICK_FUSIONS,
    config: FitConfig | None = None,
    progress: Progress | None = None,
) -> Board:
    """Judge every modality alone and several fusions on the same folds.

    Takes what `fit` takes, and raises what it raises.

    Args:
        fusions: names of `plait.catalog.FUSIONS`; those of the feature level by default.

    Returns:
        The board, with intervals and the paired gain over the best single modality.
    """
    config, progress = ready(config or FitConfig(), preset, fusions), progress or Progress()
    setup = set_up(table, target, modalities or {}, ignore, split, config, progress)
    config = replace(setup.config, drop=0.0)  # every row of the board is of all folds
    entrants = line_up(
        setup.problem.sources,
        setup.problem.target.kinds,
        fusions,
        list(COMBINERS),
        config.encoders,
        len(setup.learning),
    )
    return _run(setup, entrants, config, progress)[1]


def set_up(
    source: Any,
    target: str | Sequence[str],
    modalities: Mapping[str, str],
    ignore: Sequence[str],
    way: str | None,
    config: FitConfig,
    progress: Progress,
) -> Setup:
    """Read a table, detect its columns, drop rows without a target, split, and prepare samples."""
    table = read(source)
    names, said = split_targets(target, table)
    overrides = overrides_of(modalities) | said
    require_rows(table)
    schema = detect(table, names, overrides, [*ignore, *marking(way, table)])
    columns = [require_target(schema, name) for name in names]
    sources = sources_of(schema)
    if not sources:
        raise TableError(
            "No column is left to learn from: "
            + "; ".join(f"{c.name}: {c.left_out}" for c in schema.columns if c.name not in names)
        )
    ledger = Ledger()
    ledger.add_table(table)
    rows, values = known_targets(table, columns, ledger)
    known = table.take(rows)
    learned = _learn_target(columns, values)
    metric = choose_metric(learned, config.metric)
    require_settings(learned, config)
    truth = learned.encode(values)
    classes = classes_of(learned, truth)
    split = make_split(known, way, config.folds, classes, config.seed)
    reader = Reader(known, ledger)
    encoders = {s.name: build_encoder(s, config.encoders) for s in sources}
    samples, seconds = prepare(reader, sources, encoders, progress, config.max_bad_share)
    check_cells(reader, sources, config.max_bad_share)
    config, note = _enough_to_tune(learned, truth, config)
    if note:
        progress.say(note)
    raw = {name: samples[name] for name, encoder in encoders.items() if encoder.trained}
    if config.encoders.finetune.way != "none":
        raw |= prepare_networks(reader, sources, encoders, samples, progress)
    problem = Problem(
        sources, samples, seconds, learned, truth, split.groups, prepared=encoders, raw=raw
    )
    return Setup(schema, problem, split, ledger, metric, config, note)


def require_rows(table: Table) -> None:
    """Refuse a table of a single row, of which nothing could be held out.

    Raises:
        TableError: saying so.
    """
    if len(table) < 2:
        raise TableError("The table has 1 row; learning needs two at least.")


def _enough_to_tune(target: Target, truth: np.ndarray, config: FitConfig) -> tuple[FitConfig, str]:
    """Return the settings, without training networks on where classes have few rows, and why."""
    if config.encoders.finetune.way == "none":
        return config, ""
    rows = [np.nansum(truth[:, own]) / len(part.labels) for part, own in target.each if part.labels]
    if not rows or min(rows) >= LEAST_A_CLASS:
        return config, ""
    encoders = replace(config.encoders, finetune=replace(config.encoders.finetune, way="none"))
    note = (
        f"Pretrained networks stay as they are, with regularised heads on them: {min(rows):.0f} "
        f"rows a class in the mean are fewer than the {LEAST_A_CLASS} from which on training them "
        "helps."
    )
    return replace(config, encoders=encoders), note


def _learn_target(columns: Sequence[Column], values: Sequence[Any]) -> Target:
    """Return the target of what is to be predicted, one column or several."""
    if len(columns) == 1:
        return Target.learn(columns[0].name, columns[0].modality, values)
    each = zip(*values, strict=True) if values else [[] for _ in columns]
    return Target.together(
        [
            Target.learn(column.name, column.modality, [v for v in cells if v is not None])
            for column, cells in zip(columns, each, strict=True)
        ]
    )


def classes_of(target: Target, truth: np.ndarray) -> np.ndarray | None:
    """Return (n) the class of each row, of the first target that has classes; or None."""
    for part, own in target.each:
        if part.kind == "classify":
            classes: np.ndarray = part.guess(truth[:, own]).argmax(axis=1)
            return classes
    return None


def require_settings(target: Target, config: FitConfig) -> None:
    """Refuse settings that the task has no use for.

    Raises:
        ConfigError: naming the setting, and what is allowed.
    """
    for train in (config.train, config.deep):
        if train.stop_on != "loss":
            choose_metric(target, train.stop_on)
    balances = {
        "class_weights": config.class_weights,
        "train.balanced": config.train.balanced or config.deep.balanced,
        "head.loss": config.head.loss != "plain",
    }
    asked = [name for name, on in balances.items() if on]
    rows = [name for name in asked if name != "head.loss"]
    if target.parts and rows:
        raise ConfigError(
            f"Setting {rows[0]!r} balances the classes of one target, and there are several; "
            "balance by head.loss ('focal' or 'adjusted'), which each target has."
        )
    if target.kinds == {"regress"} and asked:
        raise ConfigError(
            f"Setting {asked[0]!r} balances classes, and a number has none; leave it as it is, or "
            "say TARGET:category."
        )


def ready(config: FitConfig, preset: str, fusions: Sequence[str] | None = None) -> FitConfig:
    """Return the settings with the preset's encoders, and with tokens if a fusion attends to them.

    Args:
        config: as the user gave it.
        preset: by name.
        fusions: that take part; the one asked for by default.

    Raises:
        ConfigError: for a preset that does not exist.
    """
    encoders = preset_encoders(config.encoders, preset)
    known = [FUSIONS[n] for n in (fusions or [config.fusion]) if n in FUSIONS]  # others fail later
    if any(fusion.by_tokens for fusion in known) and not encoders.pretrained.tokens:
        pretrained = replace(encoders.pretrained, tokens=TOKENS_KEPT)
        encoders = replace(encoders, pretrained=pretrained)
    return replace(config, encoders=encoders)


def preset_encoders(encoders: EncoderConfig, preset: str) -> EncoderConfig:
    """Return the encoders with those of a preset where none is named, trained on by `best`.

    Raises:
        ConfigError: for a preset that does not exist, or where nothing can be fine-tuned.
    """
    if preset not in PRESETS:
        raise ConfigError(unknown("Preset", preset, PRESETS))
    encoders = encoders.or_else(PRESETS[preset])
    if preset == "best" and encoders.finetune.way == "none":
        encoders = replace(encoders, finetune=replace(encoders.finetune, way="all"))
    if encoders.finetune.way != "none" and all(encoders.name(k) in ENCODERS[k] for k in KINDS):
        raise ConfigError(
            f"There is no pretrained network to fine-tune ({encoders.finetune.way!r} was asked "
            "for); say preset='best', or name one: image=NAME."
        )
    return encoders


def overrides_of(modalities: Mapping[str, str]) -> dict[str, Modality]:
    """Return modalities by column from their words.

    Raises:
        ConfigError: for a word that is no modality.
    """
    allowed = [m.value for m in Modality]
    for word in modalities.values():
        if word not in allowed:
            raise ConfigError(unknown("Modality", word, allowed))
    return {name: Modality(word) for name, word in modalities.items()}


def check_cells(reader: Reader, sources: Sequence[Source], limit: float) -> None:
    """Read every cheap cell once, so that the ledger is whole before the contest starts."""
    for source in sources:
        for column in source.columns:
            if column.modality not in MEDIA:
                for row in range(len(reader.table)):
                    reader.cell(column, row)
        reader.require_readable(source, limit)


def _run(
    setup: Setup,
    entrants: Sequence[Entrant],
    config: FitConfig,
    progress: Progress,
    journal: Journal | None = None,
) -> tuple[Contest, Board]:
    folds = setup.split.folds
    steps = len(folds) * len(entrants)
    with progress.stage(f"Contest of {len(entrants)}", steps) as advance:
        contest = hold(setup.problem, folds, entrants, config, advance, journal)
    return contest, make_board(setup.problem, entrants, contest, setup.metric, config.seed)


def _run_facts(table: Table, setup: Setup, config: FitConfig, trials: int) -> dict[str, Any]:
    """Return what the numbers of a run depend on."""
    return {
        "table": fingerprint(table),
        "columns": to_json(setup.schema),
        "split": hashlib.sha256(
            b"".join(held.tobytes() for _, held in setup.split.folds)
        ).hexdigest()[:16],
        "settings": to_json(config),
        "trials": trials,
        "start": {name: fingerprint_of(state) for name, state in setup.problem.start.items()},
        "versions": versions(),
    }


def _test(model: Model, setup: Setup) -> dict[str, Any]:
    from plait.cache import encode

    rows = setup.split.test
    raw = {name: setup.problem.raw[name] for name in model.raw}
    scores = model.scores(encode(model.encoders, setup.problem.samples, rows, raw))
    result = evaluate(model.target, setup.problem.truth[rows], scores, setup.problem.groups[rows])
    return {"rows": len(rows), "scores": to_json(dict(result.scores))}


def _facts(table: Table, setup: Setup, board: Board) -> dict[str, Any]:
    return {
        "board": without_nan(to_json(board)),
        "sentence": board.sentence,
        "rows": len(setup.problem.truth),
        "fingerprint": fingerprint(table),
        "skipped": dict(setup.ledger.counts()),
        "versions": versions(),
    } | ({"note": setup.note} if setup.note else {})


def without_nan(value: Any) -> Any:
    """Return JSON values with numbers that are not finite as null."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def fingerprint(table: Table) -> str:
    """Return a hash of a table's names and cells; of pictures held as objects, of their bytes."""
    digest = hashlib.sha256(repr(table.columns).encode())
    for reference in table.references.values():  # each of its rows once, and not by every reference
        digest.update(fingerprint(reference.table).encode())
    joined = [name for name in table.columns if isinstance(table.data[name], JoinedColumn)]
    for column in (name for name in table.columns if name not in joined):
        for row in range(len(table)):  # one by one: bytes in shards are not all held at once
            value = table.cell(column, row)
            content = value.tobytes() if hasattr(value, "tobytes") else repr(value).encode()
            digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:16]


def fingerprint_of(state: Mapping[str, Any]) -> str:
    """Return a hash of the tensors of a module's state."""
    digest = hashlib.sha256()
    for name, value in state.items():
        content = value.numpy().tobytes() if hasattr(value, "numpy") else repr(value).encode()
        digest.update(name.encode() + content)
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Return the versions of what the numbers depend on."""
    found = {"python": platform.python_version()}
    for package in (
        "plait",
        "torch",
        "numpy",
        "scikit-learn",
        "lightgbm",
        "opencv-python-headless",
        "transformers",
    ):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
