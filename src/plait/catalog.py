"""Every encoder, fusion and task by its name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from plait.data.loader import Source
from plait.encoders.classical_image import ClassicalImage
from plait.encoders.classical_series import ClassicalSeries, ClassicalVector
from plait.encoders.classical_sound import ClassicalSound
from plait.encoders.classical_table import ClassicalTable
from plait.encoders.classical_text import ClassicalText
from plait.encoders.classical_video import ClassicalVideo
from plait.encoders.config import EncoderConfig
from plait.encoders.convolutional import ConvolutionalBody, ConvolutionalImage
from plait.encoders.encoder import Encoder
from plait.encoders.pictures import Patches
from plait.encoders.recurrent import RecurrentBody
from plait.encoders.series import SeriesSteps, VectorToken
from plait.encoders.sound import Spectrogram, SpectrogramMap, Waveform
from plait.encoders.subwords import Subwords
from plait.encoders.tabular import ColumnTokens, MLPBody
from plait.encoders.trained import Stem, TrainedEncoder
from plait.encoders.transformer import TransformerBody
from plait.encoders.video import FrameCells, Frames
from plait.fusion.comparison import Comparison
from plait.fusion.ensemble import Ensemble
from plait.fusion.feature import Concat, Gated, Mean, Projection
from plait.fusion.fusion import Fusion
from plait.fusion.graph import GraphAttention
from plait.fusion.interaction import Bottleneck, CrossAttention, SelfAttention
from plait.fusion.representation import ProductOfExperts, SharedEncoder
from plait.fusion.tensor import Bilinear, LowRankTensor
from plait.tasks.several import SINGLE, Several
from plait.tasks.target import Kind
from plait.tasks.task import Task

ENCODERS: dict[str, dict[str, Callable[[Source, EncoderConfig], Encoder]]] = {
    "image": {
        "classical": lambda source, c: ClassicalImage(c.image),
        "convolutional": lambda source, c: ConvolutionalImage(c.trained),
        "transformer": lambda source, c: _stemmed(
            Patches(c.trained), TransformerBody(c.trained), c
        ),
    },
    "text": {
        "classical": lambda source, c: ClassicalText(c.text),
        "convolutional": lambda source, c: _stemmed(
            Subwords(c.trained), ConvolutionalBody(c.trained), c
        ),
        "lstm": lambda source, c: _stemmed(
            Subwords(c.trained), RecurrentBody(c.trained, "lstm"), c
        ),
        "gru": lambda source, c: _stemmed(Subwords(c.trained), RecurrentBody(c.trained, "gru"), c),
        "transformer": lambda source, c: _stemmed(
            Subwords(c.trained), TransformerBody(c.trained), c
        ),
    },
    "audio": {
        "classical": lambda source, c: ClassicalSound(c.sound),
        "convolutional": lambda source, c: _stemmed(
            SpectrogramMap(c.sound, c.trained), nn.Identity(), c
        ),
        "waveform": lambda source, c: _stemmed(
            Waveform(c.sound, c.trained), ConvolutionalBody(c.trained), c
        ),
        "lstm": lambda source, c: _stemmed(
            Spectrogram(c.sound, c.trained), RecurrentBody(c.trained, "lstm"), c
        ),
        "gru": lambda source, c: _stemmed(
            Spectrogram(c.sound, c.trained), RecurrentBody(c.trained, "gru"), c
        ),
        "transformer": lambda source, c: _stemmed(
            Spectrogram(c.sound, c.trained), TransformerBody(c.trained), c
        ),
    },
    "video": {
        "classical": lambda source, c: ClassicalVideo(c.video, c.image),
        "convolutional": lambda source, c: _stemmed(
            Frames(c.video, c.trained), ConvolutionalBody(c.trained), c
        ),
        "lstm": lambda source, c: _stemmed(
            Frames(c.video, c.trained), RecurrentBody(c.trained, "lstm"), c
        ),
        "gru": lambda source, c: _stemmed(
            Frames(c.video, c.trained), RecurrentBody(c.trained, "gru"), c
        ),
        "transformer": lambda source, c: _stemmed(
            FrameCells(c.video, c.trained), TransformerBody(c.trained), c
        ),
    },
    "series": {
        "classical": lambda source, c: ClassicalSeries(c.series),
        "convolutional": lambda source, c: _stemmed(
            _steps(source, c), ConvolutionalBody(c.trained), c
        ),
        "lstm": lambda source, c: _stemmed(_steps(source, c), RecurrentBody(c.trained, "lstm"), c),
        "gru": lambda source, c: _stemmed(_steps(source, c), RecurrentBody(c.trained, "gru"), c),
        "transformer": lambda source, c: _stemmed(_steps(source, c), TransformerBody(c.trained), c),
    },
    "vector": {
        "classical": lambda source, c: ClassicalVector(c.vector),
        "mlp": lambda source, c: _stemmed(
            VectorToken(source.columns[0].size, c.trained), MLPBody(1, c.trained), c
        ),
    },
    "table": {
        "classical": lambda source, c: ClassicalTable(source.columns),
        "mlp": lambda source, c: _stemmed(
            ColumnTokens(source.columns, c.trained), MLPBody(len(source.columns), c.trained), c
        ),
        "transformer": lambda source, c: _stemmed(
            ColumnTokens(source.columns, c.trained), TransformerBody(c.trained, ordered=False), c
        ),
    },
}
"""The encoders of each kind of source; `classical` ones are frozen, the others are trained."""


def _stemmed(stem: Stem, body: nn.Module, config: EncoderConfig) -> TrainedEncoder:
    return TrainedEncoder(stem, body, config.trained.width)


def _steps(source: Source, config: EncoderConfig) -> SeriesSteps:
    return SeriesSteps(source.columns[0].size, config.series, config.trained)


FUSIONS: dict[str, type[Fusion]] = {
    "concat": Concat,
    "mean": Mean,
    "projection": Projection,
    "gated": Gated,
    "ensemble": Ensemble,
    "bilinear": Bilinear,
    "low_rank": LowRankTensor,
    "comparison": Comparison,
    "shared": SharedEncoder,
    "experts": ProductOfExperts,
    "self_attention": SelfAttention,
    "cross_attention": CrossAttention,
    "bottleneck": Bottleneck,
    "graph": GraphAttention,
}

QUICK_FUSIONS = ("concat", "mean", "projection", "gated")
"""Those that are compared unless others are asked for."""

TASKS: dict[Kind, type[Task]] = {**SINGLE, "several": Several}
