"""CPU seconds of an epoch where rows share pictures: each encoded once a row, or once a batch.

    python benchmarks/speed_repeats.py                     phrases in scenes, and Easy-VQA
    python benchmarks/speed_repeats.py --rows 640          fewer rows, to see that it works

Three ways, on the same rows and with the same weights at the start: every row encodes its own
picture (`apart`); batches as chance has them, of which equal pictures are encoded once (`once`);
and with up to ten rows of a picture side by side (`together`), as masks are learned. The second of
two epochs is measured, on one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import questions
import segment
import torch
from rows import Row, measure, table

import plait
from plait.progress import Progress
from plait.segmenter import learning
from plait.train.record import Record
from plait.types import Raw
from plait.writer.learning import learn as learn_to_write
from plait.writer.material import gather

QUIET = Progress(show=False)
WAYS = ("apart", "once", "together")
EPOCHS = 2


def run(key: Row) -> Row:
    """Return the CPU seconds of an epoch, and of a row in milliseconds."""
    ends: list[float] = []
    record = Record(None, lambda course: ends.append(time.process_time()))
    together = 10 if key["way"] == "together" else 1
    apart = key["way"] == "apart"
    whole = Raw.once

    def once(rows: Raw) -> tuple[Raw, torch.Tensor]:
        return (rows, torch.arange(len(rows))) if apart else whole(rows)

    learned = {"phrases": phrases, "questions": easy_vqa}[key["table"]]
    with patch.object(Raw, "once", once):
        count = learned(key["rows"], together, record)
    seconds = ends[1] - ends[0]
    return {"learned": count, "seconds": seconds, "milliseconds": 1000 * seconds / count}


def phrases(rows: int, together: int, record: Record) -> int:
    """Learn phrases, and return how many."""
    config = segment.phrase_config(0, EPOCHS)
    config = replace(config, segmenting=replace(config.segmenting, together=together))
    made = segment.gathered_phrases(plait.read(segment.HOME / "phrases.csv"), config)
    some = made.parted.learning[: rows or None]
    learning.learn(made.material, made.classes, some, config, record, QUIET)
    return len(some)


def easy_vqa(rows: int, together: int, record: Record) -> int:
    """Learn answers of Easy-VQA, and return how many."""
    config = questions.config_of("easy-vqa", 0, full=False)
    config = replace(config, writing=replace(config.writing, epochs=EPOCHS, together=together))
    asked = questions.rows_of("easy-vqa", full=False)
    if rows:
        asked = asked.take(np.arange(rows + rows // 4))
    said = {"question": "text", "picture": "image"}
    ignore = [name for name in asked.columns if name not in ("picture", "question", "answer")]
    material, _ = gather(asked, "answer:text", said, ignore, None, config, QUIET)
    some = material.rows[: rows or None]
    learn_to_write(material, some, config, record, QUIET)
    return len(some)


def main() -> None:
    """Measure, and print a line for each table and way."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=0)
    rows = parser.parse_args().rows
    keys = [{"table": name, "way": way, "rows": rows}
            for name in ("phrases", "questions") for way in WAYS]  # fmt: skip
    found = measure("speed_repeats", keys, run, budget=40 * 60)
    table(found, ["table", "way", "learned", "seconds", "milliseconds"])


if __name__ == "__main__":
    sys.exit(main())
