"""What a file says of how its picture was made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from plait import __version__
from plait.config import from_json, to_json
from plait.errors import ConfigError

CREATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
EDITED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's words for what a model made, and for what it made of something else."""

GENERATOR = f"plait {__version__}"
"""The program."""

ACTIONS, DRAWING = "c2pa.actions", "plait.drawing"
"""Labels of what is asserted."""


@dataclass(frozen=True)
class Statement:
    """How a picture was drawn.

    Attributes:
        model: name of its folder, pipeline or endpoint.
        fingerprint: of what it learned from, or of its weights; empty where it is not known.
        seed: of the noise; -1 where it is not known.
        prompt: what was asked for; empty where rows are not one text.
        settings: of the sampler.
        edited: whether it was made of another picture.
        generator: program and version.
    """

    model: str
    fingerprint: str
    seed: int
    prompt: str
    settings: dict[str, str | int | float]
    edited: bool
    generator: str


def to_manifest(statement: Statement) -> dict[str, Any]:
    """Return a statement in the words of C2PA (specification 2.1, sections 10 and 18).

    It is not signed, so it can be removed and forged: it tells the honest, and the watermark
    outlives what forgets it.
    """
    action = {
        "action": "c2pa.edited" if statement.edited else "c2pa.created",
        "digitalSourceType": EDITED if statement.edited else CREATED,
        "softwareAgent": {"name": statement.generator},
    }
    return {
        "claim_generator": statement.generator,
        "signature": None,
        "assertions": [
            {"label": ACTIONS, "data": {"actions": [action]}},
            {"label": DRAWING, "data": to_json(statement)},
        ],
    }


def read_manifest(text: str) -> Statement | None:
    """Return the statement of a manifest; None where it is not one of plait's."""
    try:
        assertions = json.loads(text)["assertions"]
        (own,) = [a["data"] for a in assertions if a["label"] == DRAWING]
        return from_json(Statement, own)
    except (ValueError, TypeError, KeyError, ConfigError):
        return None
