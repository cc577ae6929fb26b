"""What a model writes of rows that it did not learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plait.evaluate.written import Texts, WrittenEvaluation, evaluate_written, judge_others
from plait.making.material import Material
from plait.making.reading import encoded_rows
from plait.metrics.text import TEXT_METRICS
from plait.progress import Progress
from plait.writer.references import references_of
from plait.writer.trust import Trust
from plait.writer.writer import Writer


def judged(
    model: Writer, material: Material, rows: np.ndarray, progress: Progress
) -> tuple[WrittenEvaluation, Trust | None]:
    """Return how good the texts of some rows are, and what confidence means where they are answers.

    Rows with the same inputs are written once.
    """
    first, references = references_of(material.keys, rows, material.values)
    encoded = encoded_rows(model, material, first)
    found = model.written(encoded, progress)
    texts = [text or "" for text in found.values]
    result = evaluate_written(
        material.target, texts, references, material.groups[first], model.config.seed
    )
    if material.others is not None and material.truth is not None:
        others = judge_others(material.others, material.truth[first], model.scores(encoded))
        result = replace(result, others=others)
    if result.metric != "exact_match":
        return result, None
    right = TEXT_METRICS["exact_match"].rows(texts, references)
    return result, Trust(tuple(found.confidence.tolist()), tuple(right.tolist()))


def written(model: Writer, material: Material, rows: np.ndarray, progress: Progress) -> Texts:
    """Return the texts of some rows."""
    return model.written(encoded_rows(model, material, rows), progress)
