"""Metrics of captions beside the evaluation of COCO, on the same texts, in turn.

pip install 'plait[metrics]' and have Java; python benchmarks/captions.py [photos]     two minutes
Captions of Flickr photos: the first of each photo beside the other four.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median

from pycocoevalcap.cider.cider import Cider as OtherCider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
from rows import data_folder

from plait.metrics.cider import Cider
from plait.metrics.meteor.score import meteor, meteor_statistics
from plait.metrics.tokenise import tokenise


def seconds(run: Callable[[], object]) -> float:
    """Return the wall seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Print how long both take for each step, and the ratio."""
    photos: dict[str, list[str]] = defaultdict(list)
    with (data_folder() / "flickr" / "captions.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            photos[row["photo"]].append(row["caption"])
    all_texts = list(photos.values())[: int(sys.argv[1]) if sys.argv[1:] else 1000]
    candidates, references = [t[0] for t in all_texts], [t[1:] for t in all_texts]
    asked = {i: [{"caption": text} for text in texts] for i, texts in enumerate(all_texts)}
    split = PTBTokenizer().tokenize(asked)
    written = {i: texts[:1] for i, texts in split.items()}
    right = {i: texts[1:] for i, texts in split.items()}
    reward, other_meteor = Cider(references), Meteor()

    def words() -> None:
        tokenise.cache_clear()
        for texts in all_texts:
            for text in texts:
                tokenise(text)

    steps: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "words": (words, lambda: PTBTokenizer().tokenize(asked)),
        "CIDEr as a reward": (
            lambda: reward(candidates, references),
            lambda: OtherCider().compute_score(right, written),
        ),
        "METEOR": (
            lambda: meteor(meteor_statistics(candidates, references)),
            lambda: other_meteor.compute_score(right, written),
        ),
    }
    print(
        "| step | photos | plait s | COCO's evaluation s | ratio |\n| --- | --- | --- | --- | --- |"
    )
    for name, pair in steps.items():
        own, other = (median(seconds(run) for _ in range(3)) for run in pair)
        print(f"| {name} | {len(candidates)} | {own:.3f} | {other:.3f} | {own / other:.2f} |")


if __name__ == "__main__":
    main()
