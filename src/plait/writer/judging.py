"""What a model writes of rows that it did not learn from."""

from __future__ import annotations

import numpy as np

from plait.cache import encode
from plait.evaluate.written import Texts, WrittenEvaluation, evaluate_written
from plait.metrics.text import TEXT_METRICS
from plait.progress import Progress
from plait.writer.material import Material
from plait.writer.references import references_of
from plait.writer.trust import Trust
from plait.writer.writer import Writer


def judged(
    model: Writer, material: Material, rows: np.ndarray, progress: Progress
) -> tuple[WrittenEvaluation, Trust | None]:
    """Return how good the texts of some rows are, and what confidence means where they are answers.

    Rows with the same inputs are written once.
    """
    first, references = references_of(material.keys, rows, material.texts)
    found = written(model, material, first, progress)
    texts = [text or "" for text in found.values]
    result = evaluate_written(
        material.target, texts, references, material.groups[first], model.config.seed
    )
    if result.metric != "exact_match":
        return result, None
    right = TEXT_METRICS["exact_match"].rows(texts, references)
    return result, Trust(tuple(found.confidence.tolist()), tuple(right.tolist()))


def written(model: Writer, material: Material, rows: np.ndarray, progress: Progress) -> Texts:
    """Return the texts of some rows."""
    trained = model.network.by_name
    raw = {name: material.raw.get(name, material.samples[name]) for name in trained}
    frozen = {name: e for name, e in model.encoders.items() if name not in trained}
    return model.written(encode(frozen, material.samples, rows, raw), progress)
