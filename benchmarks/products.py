"""Products: the type of an article from its photo and title, beside one scikit-learn baseline.

    python benchmarks/products.py            about 30 minutes: 5,000 rows, three seeds; scaling
    python benchmarks/products.py --full     all 15,000 rows, five seeds

Both are split by title (four fifths learn), read the same two columns and run in processes of
their own. The baseline is what a practitioner writes: HOG and colour histograms reduced to 256
principal components, TF-IDF of words and characters, one logistic regression; C from {1, 10} on a
fifth of the learning rows, then fitted again on all of them.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from rows import Row, data_folder, in_process, measure, table

IGNORED = ["id", "gender", "masterCategory", "subCategory", "baseColour", "season", "year", "usage"]
GRID = (1, 10)


def split(rows: int, seed: int) -> tuple:  # type: ignore[type-arg]
    """Return the frame and the learning and test rows."""
    import pandas as pd
    from sklearn.model_selection import GroupShuffleSplit

    frame = pd.read_csv(data_folder() / "products" / "products.csv").drop(columns=IGNORED)
    frame["title"] = frame["title"].fillna("")
    frame = frame.sample(min(rows, len(frame)), random_state=seed).reset_index(drop=True)
    parts = GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(
        frame, groups=frame["title"]
    )
    learning, test = next(parts)
    return frame, learning, test


def finish(scores: Row, start: float) -> None:
    """Print a step's result with its seconds and peak memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**scores, "seconds": time.perf_counter() - start, "peak_mb": peak}))


def run_plait(rows: int, seed: int) -> None:
    """Fit plait's contest, and score each entrant's part in it and the winner on the test rows."""
    import plait

    frame, learning, test = split(rows, seed)
    home = data_folder() / "products"
    start = time.perf_counter()
    model = plait.fit(
        plait.read(frame.iloc[learning], folder=home),
        "articleType",
        split="group:title",
        config=plait.FitConfig(seed=seed),
    )
    fitted = time.perf_counter() - start
    result = model.evaluate(plait.read(frame.iloc[test], folder=home))
    lines = {line["name"]: line for line in model.facts["board"]["lines"]}
    finish(
        {
            "accuracy": result["accuracy"],
            "winner": model.entrant.name,
            "fit_seconds": fitted,
            "fusion_seconds": lines["concat"]["fit_seconds"],
            "fusion_accuracy": lines["concat"]["score"]["value"],
        },
        start,
    )


def run_baseline(rows: int, seed: int) -> None:
    """Fit the scikit-learn baseline, and score it on the test rows."""
    import cv2
    from scipy.sparse import csr_matrix, hstack
    from skimage.feature import hog
    from sklearn.decomposition import PCA
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import FeatureUnion

    frame, learning, test = split(rows, seed)
    home = data_folder() / "products"

    def look(name: str) -> np.ndarray:
        picture = cv2.imread(str(home / name))
        grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (64, 64))
        hsv = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)
        ranges = [0, 180, 0, 256, 0, 256]
        colours = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], ranges).ravel()
        edges = hog(grey, 9, (8, 8), (2, 2))
        return np.concatenate([edges, np.sqrt(colours / colours.sum())])

    start = time.perf_counter()
    pictures = np.stack([look(name) for name in frame["photo"]]).astype(np.float32)
    pca = PCA(256, random_state=seed).fit(pictures[learning])
    words = FeatureUnion([
        ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)),
        ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2,
                                       sublinear_tf=True, max_features=50_000)),
    ]).fit(frame["title"].iloc[learning])  # fmt: skip
    inputs = hstack(
        [csr_matrix(pca.transform(pictures)), words.transform(frame["title"])], format="csr"
    )
    goals = frame["articleType"].to_numpy()
    order = np.random.default_rng(seed).permutation(learning)
    checking, first = order[: len(order) // 5], order[len(order) // 5 :]
    found = {}
    for strength in GRID:
        model = LogisticRegression(C=strength, max_iter=100).fit(inputs[first], goals[first])
        found[strength] = model.score(inputs[checking], goals[checking])
    best = max(found, key=found.__getitem__)
    model = LogisticRegression(C=best, max_iter=100).fit(inputs[learning], goals[learning])
    fitted = time.perf_counter() - start
    accuracy = model.score(inputs[test], goals[test])
    finish({"accuracy": accuracy, "C": best, "fit_seconds": fitted}, start)


def main() -> None:
    """Measure, or run one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--step", choices=("plait", "baseline"))
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.step:
        {"plait": run_plait, "baseline": run_baseline}[arguments.step](
            arguments.rows, arguments.seed
        )
        return
    rows, seeds = (15_000, range(5)) if arguments.full else (5_000, range(3))
    keys = [
        {"rows": rows, "seed": seed, "step": s} for seed in seeds for s in ("plait", "baseline")
    ]
    # One fit a size more, for the growth of time and memory.
    sizes = {1_000, 5_000, 15_000} - {rows}
    keys += [{"rows": size, "seed": 0, "step": "plait"} for size in sorted(sizes)]

    def run(key: Row) -> Row:
        here = str(Path(__file__))
        return in_process(here, "--step", key["step"], "--rows", key["rows"], "--seed", key["seed"])

    measured = measure("products", keys, run, budget=4 * 3600 if arguments.full else 40 * 60)
    columns = ["rows", "seed", "step", "accuracy", "winner", "fit_seconds", "fusion_seconds",
               "fusion_accuracy", "peak_mb"]  # fmt: skip
    table(measured, columns)
    pairs = [
        (a, b) for a in measured for b in measured
        if (a["step"], b["step"]) == ("plait", "baseline")
        and (a["rows"], a["seed"]) == (b["rows"], b["seed"]) and a["rows"] == rows
    ]  # fmt: skip
    apart = [a["accuracy"] - b["accuracy"] for a, b in pairs]
    contest = [a["fit_seconds"] / b["fit_seconds"] for a, b in pairs]
    fusion = [a["fusion_seconds"] / b["fit_seconds"] for a, b in pairs]
    if pairs:
        print(f"\naccuracy, plait - baseline: {np.mean(apart):+.4f} ({min(apart):+.4f} to "
              f"{max(apart):+.4f}, {len(pairs)} seeds)")  # fmt: skip
        print(f"time, plait's contest / baseline: {np.median(contest):.2f}; one fusion / baseline: "
              f"{np.median(fusion):.2f}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
