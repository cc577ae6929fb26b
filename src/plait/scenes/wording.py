"""The ways to put a question into words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from plait.scenes.views import DIRECTIONS

TEMPLATES = {
    "exists": (
        "is there {a_name}?",
        "can you see {a_name}?",
        "does the picture show {a_name}?",
    ),
    "exists in colour": (
        "is there {a_phrase}?",
        "can you see {a_phrase}?",
        "does the picture show {a_phrase}?",
    ),
    "count": (
        "how many {plural} are there?",
        "how many {plural} can you see?",
        "what is the number of {plural}?",
    ),
    "count in colour": (
        "how many {colour} {plural} are there?",
        "how many {colour} {plural} can you see?",
        "what is the number of {colour} {plural}?",
    ),
    "count of a colour": (
        "how many {colour} things are there?",
        "how many things are {colour}?",
        "what is the number of {colour} things?",
    ),
    "colour": (
        "what colour is the {name}?",
        "which colour does the {name} have?",
        "what is the colour of the {name}?",
    ),
    **{
        f"relation, {direction}": (
            f"is the {{other}} {direction} the {{name}}?",
            f"can the {{other}} be seen {direction} the {{name}}?",
            f"does the {{other}} lie {direction} the {{name}}?",
        )
        for direction in DIRECTIONS
    },
    "neighbour": (
        "what is directly {direction} the {name}?",
        "which thing comes next {direction} the {name}?",
        "what is next to the {name}, {direction} it?",
    ),
    "group": (
        "is there another {group} besides the {name}?",
        "apart from the {name}, is there another {group}?",
        "does the picture show another {group} besides the {name}?",
    ),
    "order": (
        "which thing moved {place}?",
        "what was the {place} thing to move?",
        "what moved {place} of all?",
    ),
    "jumps": (
        "how often did the {name} jump?",
        "how many times did the {name} jump?",
        "what is the number of jumps of the {name}?",
    ),
    "way": (
        "where did the {name} go?",
        "in which direction did the {name} move?",
        "which way did the {name} go?",
    ),
    "moved at tone": (
        "what moved when the {tone} tone was heard?",
        "which thing moved during the {tone} tone?",
        "the {tone} tone was heard while what moved?",
    ),
    "tone of": (
        "which tone was heard when the {name} moved?",
        "what tone was there while the {name} moved?",
        "what kind of tone was heard when the {name} moved?",
    ),
    "the one": (
        "the {name}",
        "the {name} in the picture",
    ),
    "the one in colour": (
        "the {colour} {name}",
        "the {name} that is {colour}",
        "the {name} in {colour}",
    ),
    **{
        f"the one {direction}": (
            f"the {{other}} {direction} the {{name}}",
            f"the {{other}} that is {direction} the {{name}}",
            f"the {{other}} seen {direction} the {{name}}",
        )
        for direction in DIRECTIONS
    },
    "all": (
        "all {plural}",
        "the {plural}",
        "every {name}",
    ),
    "all in colour": (
        "all {colour} {plural}",
        "the {colour} {plural}",
        "every {colour} {name}",
    ),
    "all of a colour": (
        "all {colour} things",
        "the {colour} things",
        "everything that is {colour}",
    ),
}
"""By form: what is asked for, and what is put into the words."""


def worded(form: str, words: Mapping[str, str], random: np.random.Generator) -> str:
    """Return one of the ways to ask, at random."""
    templates = TEMPLATES[form]
    return templates[random.integers(len(templates))].format(**words)


def plural(name: str) -> str:
    """Return the plural of a thing's name."""
    return f"{name}es" if name.endswith("s") else f"{name}s"


def a(words: str) -> str:
    """Return words with the article that goes before them."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def yes(there: bool) -> str:
    """Return `yes` or `no`."""
    return "yes" if there else "no"
