"""Tables whose target is a text, made of what others have published.

    pip install easy-vqa==1.0
    python benchmarks/text_targets.py FOLDER

Writes Easy-VQA (Victor Zhou, MIT licence: https://victorzhou.com/blog/easy-vqa/) to FOLDER as a
table: 4,000 pictures of one coloured shape with 38,575 questions for training, 1,000 with 9,673 for
testing. `flickr_captions` is a table of the Flickr photos among the development data (research).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import pandas as pd
from rows import data_folder

import plait
from plait.data.table import Table
from plait.scenes.files import write_csv

KINDS = {
    word: kind
    for kind, words in {
        "yes or no": "yes no",
        "shape": "rectangle circle triangle",
        "colour": "teal black green blue gray yellow red brown",
    }.items()
    for word in words.split()
}
"""What each of the 13 answers is."""


def write_easy_vqa(folder: Path) -> None:
    """Write `questions.csv` (picture, question, answer, type, split), the pictures, `things.csv`.

    The split is the authors' own. `things.csv` has the shape and colour of each picture as far as
    its questions tell: the package says them nowhere else, so some are empty.

    Args:
        folder: that is made.
    """
    import easy_vqa

    rows, things = [], []
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
        names, known = {}, {}
        for number, path in sorted(getattr(easy_vqa, f"get_{split}_image_paths")().items()):
            names[number] = f"{split}/{number:04d}.png"
            known[number] = {"picture": names[number], "shape": "", "colour": ""}
            shutil.copyfile(path, folder / names[number])
        asked = getattr(easy_vqa, f"get_{split}_questions")()
        for question, answer, number in zip(*asked, strict=True):
            kind = KINDS[answer]
            row = {"picture": names[number], "question": question, "answer": answer}
            rows.append({**row, "type": kind, "split": split})
            if kind != "yes or no":  # `what is the blue shape?` tells its colour, too
                words = [word for word in (*question.strip("?").split(), answer) if word in KINDS]
                known[number] |= {KINDS[word]: word for word in words}
        things += known.values()
    write_csv(folder / "questions.csv", rows)
    write_csv(folder / "things.csv", things)


def flickr_captions() -> tuple[Table, dict[str, list[str]]]:
    """Return photos with captions and their split, and the five references of each photo.

    A photo for training is five rows, one a caption; any other is one row, with its first caption,
    since it is to be described once and judged against all five.
    """
    home = data_folder() / "flickr"
    frame = pd.read_csv(home / "captions.csv")
    references = frame.groupby("photo", sort=False)["caption"].agg(list).to_dict()
    kept = (frame["split"] == "train") | ~frame.duplicated("photo")
    return plait.read(frame[kept].reset_index(drop=True), folder=home), references


def main() -> None:
    """Write Easy-VQA."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_easy_vqa(parser.parse_args().folder)


if __name__ == "__main__":
    sys.exit(main())
