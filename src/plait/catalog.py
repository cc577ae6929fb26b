"""Every encoder, fusion and task by its name."""

from __future__ import annotations

from plait.encoders.classical_image import ClassicalImage
from plait.encoders.classical_table import ClassicalTable
from plait.encoders.classical_text import ClassicalText
from plait.encoders.encoder import Encoder
from plait.fusion.feature import Concat, Gated, Mean, Projection
from plait.fusion.fusion import Fusion
from plait.fusion.graph import GraphAttention
from plait.fusion.interaction import Bottleneck, CrossAttention, SelfAttention
from plait.fusion.representation import ProductOfExperts, SharedEncoder
from plait.fusion.tensor import Bilinear, LowRankTensor
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
    "bilinear": Bilinear,
    "low_rank": LowRankTensor,
    "shared": SharedEncoder,
    "experts": ProductOfExperts,
    "self_attention": SelfAttention,
    "cross_attention": CrossAttention,
    "bottleneck": Bottleneck,
    "graph": GraphAttention,
}

FEATURE_LEVEL = tuple(name for name, fusion in FUSIONS.items() if fusion.level == "feature")
"""Fusions that are compared unless others are asked for: quick, and hard to beat."""

TASKS: dict[str, type[Task]] = {
    "classify": Classify,
    "multilabel": Multilabel,
    "regress": Regress,
}
