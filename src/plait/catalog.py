"""Every encoder, fusion and task by its name."""

from __future__ import annotations

from plait.encoders.classical_image import ClassicalImage
from plait.encoders.classical_table import ClassicalTable
from plait.encoders.classical_text import ClassicalText
from plait.encoders.encoder import Encoder
from plait.fusion.feature import Concat, Gated, Mean, Projection
from plait.fusion.fusion import Fusion
from plait.tasks.classify import Classify, Multilabel
from plait.tasks.regress import Regress
from plait.tasks.task import Task

ENCODERS: dict[str, type[Encoder]] = {
    "image": ClassicalImage,
    "text": ClassicalText,
    "table": ClassicalTable,
}
"""The encoder of each kind of source in the preset `quick`."""

FUSIONS: dict[str, type[Fusion]] = {
    "concat": Concat,
    "mean": Mean,
    "projection": Projection,
    "gated": Gated,
}

TASKS: dict[str, type[Task]] = {
    "classify": Classify,
    "multilabel": Multilabel,
    "regress": Regress,
}
