"""Emoji: the group from the picture, the name and both; the vendor learned from, and the other.

    python benchmarks/emoji.py            about 12 minutes: five seeds
    python benchmarks/emoji.py --full     the same with ten seeds

Each seed holds out a quarter of the families (skin tone, gender and flags stay together), learns on
Google's drawings of the rest with `plait.fit`, and is scored on unseen emoji as Google and as
Twitter draw them. Flags are one family, so they are never scored.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from rows import Row, describe, measure, table

INPUTS = {"picture": ["picture"], "name": ["name"], "both": ["picture", "name"]}


def run(key: Row) -> Row:
    """Fit and score one set of inputs with one seed."""
    from sklearn.model_selection import GroupShuffleSplit

    import plait
    from plait.progress import Progress

    quiet = Progress(show=False)
    google, twitter = (plait.datasets.load("emoji", vendor=v) for v in ("google", "twitter"))
    parts = GroupShuffleSplit(1, test_size=0.25, random_state=key["seed"])
    families = google.values("family")
    learning, test = next(parts.split(families, groups=families))
    flags = np.array([group == "flags" for group in google.values("group")])
    test = test[~flags[test]]
    unused = [c for c in google.columns if c not in (*INPUTS[key["inputs"]], "group")]
    model = plait.fit(
        google.take(learning), "group", ignore=unused, split="group:family",
        config=plait.FitConfig(seed=key["seed"], folds=3), progress=quiet,
    )  # fmt: skip
    own, other = (model.evaluate(t.take(test), quiet)["accuracy"] for t in (google, twitter))
    return {"winner": model.entrant.name, "own_vendor": own, "other_vendor": other}


def main() -> None:
    """Measure, print every row, and the means with intervals over seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    seeds = range(10 if parser.parse_args().full else 5)
    keys = [{"inputs": inputs, "seed": seed} for seed in seeds for inputs in INPUTS]
    rows = measure("emoji", keys, run, budget=45 * 60)
    table(rows, ["inputs", "seed", "winner", "own_vendor", "other_vendor"])
    print()
    for place in ("own_vendor", "other_vendor"):
        values = {i: [r[place] for r in rows if r["inputs"] == i] for i in INPUTS}
        for inputs, found in values.items():
            print(f"{place} {inputs}: {describe(found)}")
        complete = min(map(len, values.values()))
        for single in ("picture", "name"):
            apart = np.subtract(values["both"][:complete], values[single][:complete])
            print(f"{place} both - {single}: {describe(apart)}")


if __name__ == "__main__":
    sys.exit(main())
