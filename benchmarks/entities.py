"""Are two offers of one product? Entity matching on pairs with mined strangers.

    python benchmarks/entities.py           about 15 minutes of one core: three seeds
    python benchmarks/entities.py --quick   one seed, fewer products: does it run?

A catalogue of our own: families of products that differ in model number, size and colour, each
offered by two shops. The second shop writes as shops do: words in another order, left out, misspelt
or shortened, sizes in other units, prices a little off or missing. A space of title and price of
both shops is learned, on the same products a matcher of pairs, and both are judged on products of
other families: each offer with its own, with the nearest of the 49 others of its block, or with one
of them at random. `characters` is the cosine of scikit-learn's TF-IDF of character runs, on
which nothing is learned. AUC is 0.5 by chance; `F1` is that of matches at what the matcher says,
among nearest and random strangers together.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from rows import Row, describe, measure, table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score, roc_auc_score

import plait
from plait.ensemble.config import FitConfig
from plait.layers import one_thread
from plait.pairs.pairing import MATCH, PAIR_GROUP, pair_rows
from plait.progress import Progress

QUIET = Progress(show=False)
LEFT, RIGHT = "title,price", "offer,cost"
SAID = {"title": "text", "offer": "text", "price": "number", "cost": "number"}
READ = {"left.title": "text", "left.price": "number", "right.offer": "text", "right.cost": "number"}
WAYS = ("characters", "cosine", "matcher", "matcher with similarity")
BRANDS = ["Norvik", "Aldeo", "Kestrel", "Bright & Sons", "Ostara", "Pelham", "Quanta", "Rivello",
          "Tamsin", "Umbra", "Vesper", "Wexford"]  # fmt: skip
KINDS = {"kettle": "l", "water bottle": "l", "hard drive": "TB", "desk lamp": "W",
         "rice cooker": "l", "power bank": "Ah", "tent": "kg", "rope": "m"}  # fmt: skip
COLOURS = ["black", "white", "red", "navy", "olive", "silver"]
SHORT = {"black": "blk", "white": "wht", "silver": "slv", "water bottle": "bottle",
         "hard drive": "HDD", "Bright & Sons": "B&S", "power bank": "powerbank"}  # fmt: skip


def catalogue(families: int, seed: int) -> dict[str, list[object]]:
    """Return the offers of both shops, a product a row, five products a family."""
    random = np.random.default_rng(seed)
    rows: dict[str, list[object]] = {name: [] for name in (*SAID, "family")}
    for family in range(families):
        brand, kind = random.choice(BRANDS), random.choice(list(KINDS))
        letters = "".join(random.choice(list("ABCDEFGHKLMNPRSTVXZ"), 2))
        base = float(np.exp(random.normal(4, 0.6)))
        numbers = random.choice(np.arange(10, 99), 5, replace=False) * 10
        for number in numbers.tolist():
            size = float(random.choice([0.5, 1.0, 1.5, 2.0, 4.0]))
            colour = str(random.choice(COLOURS))
            price = base * (1 + 0.2 * size) * float(random.uniform(0.9, 1.1))
            model, unit = f"{letters}-{number}", KINDS[kind]
            rows["title"].append(f"{brand} {kind} {model} {size:g} {unit} {colour}")
            rows["price"].append(round(price, 2))
            words = [brand, kind, model, size_of(size, unit, random), colour]
            rows["offer"].append(rewritten(words, random))
            cost = price * float(np.exp(0.08 * random.normal()))
            rows["cost"].append(None if random.random() < 0.1 else round(cost, 2))
            rows["family"].append(f"family {family}")
    return rows


def size_of(size: float, unit: str, random: np.random.Generator) -> str:
    """Return a size as the other shop may write it."""
    if random.random() < 0.5:
        return f"{size:g}{unit}"
    return f"{size * 1000:g} m{unit}" if unit in ("l", "Ah") else f"{size:.1f} {unit.lower()}"


def rewritten(words: list[str], random: np.random.Generator) -> str:
    """Return a title as the other shop may write it."""
    found = []
    for place, word in enumerate(words):
        own = SHORT.get(word, word) if random.random() < 0.4 else word
        if place == 2 and random.random() < 0.5:
            own = own.replace("-", "").lower()
        if place != 2 and random.random() < 0.15:
            continue  # a word that is left out
        if random.random() < 0.1 and len(own) > 3:
            spot = int(random.integers(1, len(own) - 1))
            own = own[:spot] + own[spot + 1] + own[spot] + own[spot + 2 :]  # two letters swapped
        found.append(own)
    order = random.permutation(len(found)) if random.random() < 0.5 else range(len(found))
    return " ".join(found[place] for place in order)


def characters(pairs: dict[str, list[object]]) -> np.ndarray:
    """Return the cosine of the character runs of both titles."""
    reader = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    reader.fit([*pairs["left.title"], *pairs["right.offer"]])
    left, right = (reader.transform(pairs[name]) for name in ("left.title", "right.offer"))
    return np.asarray(left.multiply(right).sum(axis=1)).ravel()


@one_thread()
def run(key: Row) -> Row:
    """Learn a space and two matchers, and judge them and two cosines on the same pairs."""
    seed = key["seed"]
    train, test = (catalogue(key[part], 2 * seed + n) for n, part in enumerate(("train", "test")))
    space = plait.align(train, LEFT, RIGHT, modalities=SAID, split="group:family", progress=QUIET)
    made = pair_rows(train, LEFT, RIGHT, space=space, seed=seed, progress=QUIET).columns
    judged = {
        kind: pair_rows(test, LEFT, RIGHT, space=space, hard=hard, random=1 - hard, unseen=True,
                        seed=seed, progress=QUIET).columns
        for kind, hard in (("nearest", 1), ("random", 0))
    }  # fmt: skip
    result: Row = {"pairs": {kind: len(pairs[MATCH]) for kind, pairs in judged.items()}}
    for way in WAYS:
        result[way] = {}
        if way.startswith("matcher"):
            kept = {n: v for n, v in made.items() if way == WAYS[-1] or n != "similarity"}
            config = FitConfig(fusion="comparison", metric="auroc", folds=1, seed=seed)
            model = plait.fit(kept, MATCH, split=f"group:{PAIR_GROUP}", ignore=[PAIR_GROUP],
                              modalities=READ, config=config, progress=QUIET)  # fmt: skip
            place = list(model.target.labels).index("yes")
            scores = {
                k: model.predict(pairs, QUIET).scores[:, place] for k, pairs in judged.items()
            }
            result[way] = {"entrant": model.entrant.name, "F1": f1(scores, judged)}
        elif way == "characters":
            scores = {kind: characters(pairs) for kind, pairs in judged.items()}
        else:
            scores = {k: np.array(pairs["similarity"], float) for k, pairs in judged.items()}
        for kind, pairs in judged.items():
            truth = np.array(pairs[MATCH]) == "yes"
            result[way][kind] = float(roc_auc_score(truth, scores[kind]))
        print(way, result[way], flush=True)
    return result


def f1(scores: dict[str, np.ndarray], judged: dict[str, dict[str, list[object]]]) -> float:
    """Return the F1 of matches: those of one table, and the strangers of both."""
    truth = np.concatenate([np.array(pairs[MATCH]) == "yes" for pairs in judged.values()])
    said = np.concatenate([scores[kind] > 0.5 for kind in judged])
    own = np.ones(len(truth), bool)
    first = len(judged["nearest"][MATCH])
    own[first:] = ~truth[first:]  # the matches are the same in both
    return float(f1_score(truth[own], said[own]))


def main() -> None:
    """Measure, and print each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    seeds, train, test = (1, 100, 60) if given.quick else (3, 400, 200)
    keys = [{"seed": seed, "train": train, "test": test} for seed in range(seeds)]
    rows = measure("entities", keys, run, budget=25 * 60)
    lines = []
    for way in WAYS:
        line: Row = {"told apart by": way}
        for kind in ("nearest", "random"):
            line[f"AUC, {kind} strangers"] = describe([row[way][kind] for row in rows])
        line["F1"] = describe([row[way]["F1"] for row in rows]) if "F1" in rows[0][way] else ""
        lines.append(line)
    table(lines, list(lines[0]))


if __name__ == "__main__":
    sys.exit(main())
