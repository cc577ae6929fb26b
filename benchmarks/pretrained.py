"""Frozen MobileNetV2 and MiniLM on real tables: every modality alone, fusions, and the blend.

    python benchmarks/weights.py                 the encoders, once
    python benchmarks/pretrained.py              about 30 minutes: five seeds, subsamples, and all
                                                 films and products once
    python benchmarks/pretrained.py --full       all rows, in five folds

Every row is one `plait compare` with the preset `standard`: folds on which all entrants are judged.
House prices are learned as logarithms, in five folds. Genres of films are read from plot and
poster. Types of products are read from title and photo, with equal titles on one side. Findings of
X-rays (COVID-19 or not) are read from picture, notes, sex and age, with a patient's pictures on one
side; words of the notes that name the disease are masked.

Beside them stands what a person writes in an hour: scikit-learn's regression, as it comes, on the
same vectors with the table's columns standardised or one-hot, on the same folds.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rows import Row, data_folder, describe, measure, table
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

import plait
from plait.config import to_json
from plait.data.loader import Source
from plait.encoders.config import choose_encoders
from plait.ensemble.contest import Problem
from plait.evaluate.run import metrics_of
from plait.fitting import Setup, ready, set_up
from plait.progress import Progress
from plait.types import Modality

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
ENCODERS = choose_encoders(["image=mobilenet_v2", "text=all-MiniLM-L6-v2"])
NAMES = re.compile(r"\b(covid\S*|corona\S*|sars\S*|n?cov\S*|2019)\b", re.IGNORECASE)


ROWS = {"houses": 535, "xray": 605, "movies": 2000, "products": 3000}
"""Of each table, unless --full."""

ALL = 10**6


def houses(frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str | None]:
    """Return the table, its target, its metric and its split."""
    frame["log_price"] = np.log(frame.pop("price_usd"))
    return frame, "log_price:number", "r2", None


def xray(frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str | None]:
    """Return the table, its target, its metric and its split."""
    frame = frame[frame["finding"] != "todo"]
    covid = frame["finding"].str.contains("COVID")
    kept = frame[["image", "clinical_notes", "sex", "age", "patientid"]].assign(
        finding=np.where(covid, "COVID-19", "other"),
        clinical_notes=frame["clinical_notes"].fillna("").map(lambda note: NAMES.sub("it", note)),
    )
    return kept, "finding", "auroc", "group:patientid"


def movies(frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str | None]:
    """Return the table, its target, its metric and its split."""
    return frame[["plot", "poster", "ml_genres"]], "ml_genres:categories", "map", None


def products(frame: pd.DataFrame) -> tuple[pd.DataFrame, str, str, str | None]:
    """Return the table, its target, its metric and its split."""
    kept = frame[["title", "photo", "articleType"]].dropna()
    return kept, "articleType", "accuracy", "group:title"


TABLES = {"houses": houses, "xray": xray, "movies": movies, "products": products}


def run(key: Row) -> Row:
    """Compare all entrants on one table with one seed, and the plain regression on its folds."""
    home, quiet = data_folder() / key["table"], Progress(show=False)
    frame = pd.read_csv(home / f"{key['table']}.csv")
    frame = frame.sample(min(key["rows"], len(frame)), random_state=key["seed"])
    frame, target, metric, split = TABLES[key["table"]](frame)
    frame = frame[frame[target.split(":")[0]].notna()].reset_index(drop=True)
    config = plait.FitConfig(encoders=ENCODERS, metric=metric, seed=key["seed"], folds=key["folds"])
    said = {c: "text" for c in ("plot", "title", "clinical_notes") if c in frame}
    ignore = ["patientid"] if "patientid" in frame else []
    table, start = plait.read(frame, folder=home), time.perf_counter()
    board = plait.compare(
        table, target, preset="standard", ignore=ignore, split=split, modalities=said,
        fusions=["concat", "gated"], config=config, progress=quiet,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    setup = set_up(table, target, said, ignore, split, ready(config, "standard"), quiet)
    lines = {line.name: (line.level, line.score.value) for line in board.lines}
    gains = {line.name: to_json(line.gain) for line in board.lines if line.gain}
    return {
        "read": len(frame), "metric": metric, "lines": lines, "gains": gains,
        "winner": board.winner, "plain": plain_regression(setup, frame), "seconds": seconds,
    }  # fmt: skip


def plain_regression(setup: Setup, frame: pd.DataFrame) -> float:
    """Return the score of scikit-learn's regression on the vectors and columns of a contest."""
    problem, scores = setup.problem, np.full(setup.problem.truth.shape, np.nan)
    matrix = np.concatenate([_block(source, problem, frame) for source in problem.sources], axis=1)
    for learning, held in setup.split.folds:
        scale = StandardScaler().fit(matrix[learning])
        learned, asked = scale.transform(matrix[learning]), scale.transform(matrix[held])
        truth = problem.truth[learning]
        if problem.target.kind == "regress":
            model = RidgeCV(np.logspace(0, 5, 11)).fit(learned, truth[:, 0])
            scores[held, 0] = model.predict(asked)
        elif problem.target.kind == "classify":
            model = LogisticRegression(max_iter=200).fit(learned, truth.argmax(axis=1))
            scores[held] = 0
            scores[np.ix_(held, model.classes_)] = model.predict_proba(asked)
        else:
            model = OneVsRestClassifier(LogisticRegression(max_iter=200)).fit(learned, truth)
            scores[held] = model.predict_proba(asked)
    judged = ~np.isnan(scores).any(axis=1)
    metric = metrics_of(problem.target)[setup.metric]
    return metric.score(problem.truth[judged], scores[judged])


def _block(source: Source, problem: Problem, frame: pd.DataFrame) -> np.ndarray:
    """Return (n d): a network's vectors, zeros where there is none; or a table's columns."""
    if source.kind == "table":
        kinds = {c.name: str for c in source.columns if c.modality is Modality.CATEGORY}
        own = pd.get_dummies(frame[[c.name for c in source.columns]].astype(kinds), dtype=float)
        return own.fillna(own.median()).to_numpy()
    samples = problem.samples[source.name]
    width = next(len(sample[0]) for sample in samples if sample is not None)
    return np.stack([np.zeros(width) if sample is None else sample[0] for sample in samples])


def main() -> None:
    """Measure, and print a line for each entrant of each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [
        {"table": name, "rows": ALL if full else ROWS[name], "seed": seed,
         "folds": 5 if full or name in ("houses", "xray") else 1}
        for seed in range(5) for name in TABLES
    ]  # fmt: skip
    keys += [{"table": name, "rows": ALL, "seed": 0, "folds": 1} for name in ("movies", "products")]
    rows = measure("pretrained", keys, run, budget=40 * 60)
    lines = []
    for name, most in dict.fromkeys((key["table"], key["rows"]) for key in keys):
        own = [row for row in rows if (row["table"], row["rows"]) == (name, most)]
        for entrant in own[0]["lines"] if own else ():
            scores = [row["lines"][entrant][1] for row in own]
            worse = sum(row["gains"].get(entrant, {"high": 0})["high"] < 0 for row in own)
            lines.append({
                "table": name, "rows": own[0]["read"], "metric": own[0]["metric"],
                "entrant": entrant,
                "score": describe(scores), "worse than best single": f"{worse} of {len(own)}",
            })  # fmt: skip
        if own:
            plain = describe([row["plain"] for row in own])
            lines.append({
                "table": name, "rows": own[0]["read"], "metric": own[0]["metric"],
                "entrant": "plain regression",
                "score": plain, "worse than best single": "",
            })  # fmt: skip
    table(lines, list(lines[0]) if lines else [])


if __name__ == "__main__":
    sys.exit(main())
