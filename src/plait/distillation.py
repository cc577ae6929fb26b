"""`distil`: a small student learns from what a larger model makes of a table's rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.beside import Beside, beside
from plait.cache import Encoded
from plait.catalog import FUSIONS
from plait.config import to_json
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.rules import is_missing
from plait.data.split import make_split
from plait.data.table import Table
from plait.ensemble.contest import Problem, encode_rows
from plait.ensemble.entrants import build_encoder, build_expert
from plait.ensemble.journal import Journal
from plait.ensemble.network_expert import NetworkExpert
from plait.errors import TableError
from plait.fitting import (
    check_cells,
    classes_of,
    fingerprint,
    fingerprint_of,
    versions,
    without_nan,
)
from plait.fusion.fusion import FusionConfig
from plait.layers import one_thread
from plait.model import Model, known_targets, load, prepare
from plait.parts import Parts
from plait.progress import Progress
from plait.student import NAME, Plan, plan
from plait.tasks.target import Target
from plait.train.distil import DistilConfig, Teacher
from plait.train.record import Record, Track

TEACHER, CONTROL = "teacher", "labels alone"
"""What stands beside the student in its report."""


@dataclass(frozen=True)
class Distilled:
    """What came of a distillation.

    Attributes:
        beside: the teacher, the student, and where labels are known the same student that learned
            from these alone, on rows that no student learned from.
        size: that was asked for.
        columns: that the student reads.
        rows: that it learned from.
        labelled: how many of them had a truth.
        seen: whether it is the very table that the teacher learned from.
        tested: whether the judged rows are of a table of their own.
        teacher: a hash of what the teacher learned.
        config: how the student learned.
    """

    beside: Beside
    size: str
    columns: tuple[str, ...]
    rows: int
    labelled: int
    seen: bool
    tested: bool
    teacher: str
    config: DistilConfig

    @property
    def sentence(self) -> str:
        """Whether the teacher was of use, and what the student costs beside it."""
        student, teacher = self.beside[NAME], self.beside[TEACHER]
        said = (
            f"The student is {student.rows_per_second / teacher.rows_per_second:.2g} times as fast "
            f"as the teacher and has {student.megabytes / teacher.megabytes:.2g} of its size."
        )
        if self.beside.sides[-1].name == CONTROL:
            said = f"{self._helped()} {said}"
        if self.seen:
            too_good = "" if self.tested else " its own score here is too good, and"
            said += (
                f" Careful: the teacher has learned from this table:{too_good} its predictions "
                "tell less than those of rows that are new to it, for which no label is needed."
            )
        return said

    def _helped(self) -> str:
        control = self.beside[CONTROL]
        found = control.lead
        assert found is not None
        assert control.score is not None
        verb = "helped" if found.low > 0 else "hurt" if found.high < 0 else "made no difference"
        return (
            f"Learning from the teacher {verb}: {self.beside.metric} "
            f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}] over the same student on "
            f"{self.labelled:,} labels alone ({control.score.value:.3f}), p = {found.p:.3f}."
        )


def distil(
    model: Model | str | Path,
    table: Any,
    *,
    size: str = "small",
    columns: Sequence[str] | None = None,
    encoders: Sequence[str] = (),
    test: Any = None,
    split: str | None = None,
    config: DistilConfig | None = None,
    journal: str | Path | None = None,
    track: Track | None = None,
    progress: Progress | None = None,
) -> Model:
    """Let a small student learn from a model's predictions and Features of a table's rows.

    Rows need no truth: the teacher's predictions are learned from, and the truth where it is known
    (see `plait.train.distil.Pupil`). The student is one network on encoders that are light.

    Args:
        model: the teacher, or its folder.
        table: anything that `plait.read` takes, with the target or without it; best of rows that
            the teacher has not learned from.
        size: of `plait.student.SIZES`.
        columns: that the student reads; all that the teacher does, by default.
        encoders: words for its encoders, where those of the size are not wanted:
            `image=transformer`.
        test: rows to judge on; by default a fifth of the table's that no student learns from.
        split: what holds out this fifth, as in `fit`.
        config: how much the truth, the predictions and the Features weigh.
        journal: folder in which trainings under way are kept; a run that was killed goes on.
        track: is told of every epoch of every training.
        progress: where to show it; a terminal, by default.

    Returns:
        The student, an ordinary model. `model.facts["distilled"]` holds a `Distilled`.

    Raises:
        ColumnError: for a column that the teacher or the table does not have.
        ConfigError: for a setting that is not allowed.
        ModelError: when the teacher cannot be read, or the journal is of another run.
        TableError: when the table has nothing that can be learned from.
    """
    teacher = model if isinstance(model, Model) else load(model)
    table, config, progress = read(table), config or DistilConfig(), progress or Progress()
    teacher.require_columns(table)
    made = plan(teacher, table, size, columns, encoders, config.seed)
    ledger = Ledger()
    ledger.add_table(table)
    truth = truths(teacher, table, ledger)
    learning, judged = _divide(teacher, table, truth, test, split, config.seed)
    rows = table.take(learning)
    problem = _problem(teacher.target, made, rows, truth[learning], ledger, progress)
    run = {"table": fingerprint(table), "teacher": identity_of(teacher), "plan": to_json(made),
           "settings": to_json(config), "split": split, "versions": versions()}  # fmt: skip
    kept = Journal(None if journal is None else Path(journal), run, track)
    taught, there = _taught(teacher, rows, config, progress)
    labelled = np.flatnonzero(~np.isnan(problem.truth).all(axis=1))
    with progress.stage("Learning from the teacher", 1):
        student = _learn(problem, made, there, taught, kept.record(None, NAME))
    models = {TEACHER: teacher, NAME: student}
    if len(labelled) and judged.known:
        with progress.stage("Learning from labels alone", 1):
            models[CONTROL] = _learn(problem, made, labelled, None, kept.record(None, CONTROL))
    with progress.stage("Judging", 1):
        found = beside(
            models, NAME, judged.table, judged.truth, judged.groups, made.config.metric, config.seed
        )
    result = Distilled(
        found, size, tuple(student.columns), len(there), len(labelled),
        teacher.facts.get("fingerprint") == run["table"], test is not None, str(run["teacher"]),
        config,
    )  # fmt: skip
    facts = _facts(result, ledger) | {"fingerprint": run["table"], "versions": run["versions"]}
    kept.remove()
    return replace(student, facts=facts, ledger=ledger)


def _facts(result: Distilled, ledger: Ledger) -> dict[str, Any]:
    return {
        "distilled": without_nan(to_json(result)),
        "sentence": result.sentence,
        "rows": result.rows,
        "skipped": dict(ledger.counts()),
    }


@dataclass(frozen=True)
class _Judged:
    """Rows that are judged, their truth (n c), and the numbers (n) of their groups."""

    table: Table
    truth: np.ndarray
    groups: np.ndarray

    @property
    def known(self) -> bool:
        """Whether the truth of any row is known."""
        return not bool(np.isnan(self.truth).all())


def _divide(
    teacher: Parts, table: Table, truth: np.ndarray, test: Any, way: str | None, seed: int
) -> tuple[np.ndarray, _Judged]:
    """Return the rows that learn, and those that are judged.

    Rows of the table without a truth are judged only if there are no others; they learn where no
    row of their group is judged.
    """
    if test is not None:
        rows = read(test)
        judged = _Judged(rows, truths(teacher, rows, Ledger()), np.arange(len(rows)))
        if not judged.known:
            raise TableError(f"No row of the test has a value of target {teacher.target.name!r}.")
        return np.arange(len(table)), judged
    known = ~np.isnan(truth).all(axis=1)
    classes = classes_of(teacher.target, truth) if known.any() else None
    made = make_split(table, way, 1, classes, seed)
    held = made.test if len(made.test) else made.folds[0][1]
    held = held[known[held]] if known[held].any() else held
    learning = np.flatnonzero(~np.isin(made.groups, made.groups[held]))
    return learning, _Judged(table.take(held), truth[held], made.groups[held])


def truths(model: Parts, table: Table, ledger: Ledger) -> np.ndarray:
    """Return (n c) the truth of a model's target, NaN where it is not known.

    A class that the model has never seen is a row of zeros. What is there and cannot be read goes
    to the ledger.
    """
    columns = [model.schema[part.name] for part, _ in model.target.each]
    found = np.full((len(table), model.target.width), np.nan)
    if all(column.name in table for column in columns):
        filled = [
            row for row in range(len(table))
            if any(not is_missing(table.cell(column.name, row)) for column in columns)
        ]  # fmt: skip
        rows, values = known_targets(table.take(filled), columns, ledger)
        if len(rows):
            found[np.asarray(filled)[rows]] = model.target.encode(values)
    return found


def _problem(
    target: Target, made: Plan, table: Table, truth: np.ndarray, ledger: Ledger, progress: Progress
) -> Problem:
    """Return the learning rows as the student reads them, with the truth that it can learn."""
    reader = Reader(table, ledger)
    encoders = {source.name: build_encoder(source, made.config.encoders) for source in made.sources}
    limit = made.config.max_bad_share
    samples, seconds = prepare(reader, made.sources, encoders, progress, limit)
    check_cells(reader, made.sources, limit)
    truth = truth.copy()
    for part, own in target.each:
        if part.kind == "classify":  # a class that is new to the teacher has no place in its target
            truth[np.flatnonzero(truth[:, own].sum(axis=1) == 0), own] = np.nan
    groups = np.arange(len(table))
    raw = {name: samples[name] for name, encoder in encoders.items() if encoder.trained}
    return Problem(
        made.sources, samples, seconds, target, truth, groups, prepared=encoders, raw=raw
    )


def _taught(
    teacher: Model, table: Table, config: DistilConfig, progress: Progress
) -> tuple[Teacher, np.ndarray]:
    """Return the (k) rows in which the teacher has something to read, and what it makes of them."""
    encoded, _ = teacher.encode(table, progress)
    there = np.flatnonzero(encoded.present(source.name for source in teacher.read).numpy())
    if not len(there):
        raise TableError("No row has anything that the teacher can read.")
    rows = encoded.take(there)
    scores, vectors = teacher.scores(rows), joined(teacher, rows)
    return Teacher(torch.from_numpy(scores), torch.from_numpy(vectors), config), there


@one_thread()
def joined(teacher: Parts, rows: Encoded) -> np.ndarray:
    """Return (n d), the joint vectors of the teacher's network that reads most.

    A teacher that has no network joins nothing: the Features of its encoders stand side by side.
    """
    networks = [e for e in teacher.experts.values() if isinstance(e, NetworkExpert)]
    if networks:
        return max(networks, key=lambda expert: len(expert.sources)).vectors(rows)
    widths = {name: features.width for name, features in rows.features.items()}
    concat = FUSIONS["concat"](widths, FusionConfig())
    return np.asarray(concat(rows.features).pooled.numpy())


@one_thread()
def _learn(
    problem: Problem, made: Plan, rows: np.ndarray, teacher: Teacher | None, record: Record
) -> Model:
    """Return a student that learned from the given rows: from a teacher, or their truth alone."""
    if teacher is not None:  # what is fitted to a target takes the teacher's where none is known
        guessed, own = problem.truth.copy(), problem.truth[rows]
        guessed[rows] = np.where(np.isnan(own), teacher.scores.numpy(), own)
        encoders, encoded = encode_rows(
            replace(problem, truth=guessed), made.sources, rows, made.config
        )
    else:
        encoders, encoded = encode_rows(problem, made.sources, rows, made.config)
    expert = build_expert(made.entrant, problem.target, made.config, made.sources)
    assert isinstance(expert, NetworkExpert)
    there = encoded.present(expert.sources).numpy()
    if not there.any():
        names = ", ".join(map(repr, expert.sources))
        raise TableError(f"No row that the student could learn from has anything in {names}.")
    taught = None if teacher is None else teacher.take(torch.from_numpy(there))
    truth, weight = problem.truth[rows[there]], np.ones(int(there.sum()))
    expert.fit(encoded.take(there), truth, weight, made.config.seed, record, taught)
    return Model(
        made.schema, problem.target, made.sources, made.entrant, (made.entrant,),
        encoders, {made.entrant.name: expert}, None, made.config,
    )  # fmt: skip


def identity_of(model: Parts) -> str:
    """Return a hash of what a model's experts learned."""
    digest = hashlib.sha256()
    for name, expert in sorted(model.experts.items()):
        state = expert.state()
        digest.update("".join([name, fingerprint_of(state.tensors), *state.trees]).encode())
    return digest.hexdigest()[:16]
