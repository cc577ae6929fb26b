"""An encoder on a pretrained network that stays as it is: vectors once, then a projection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from plait.encoders.encoder import Encoder, present_of
from plait.encoders.padding import padded
from plait.encoders.pretrained.backbone import Backbone, Towered
from plait.encoders.pretrained.config import Precision, PretrainedConfig
from plait.encoders.pretrained.fewer import fewer, fewer_spans
from plait.encoders.pretrained.int8 import Graph
from plait.encoders.pretrained.weights import find_model, identity
from plait.encoders.reduction import Reduction
from plait.errors import ModelError
from plait.types import Features

Vectors = tuple[np.ndarray, ...]
"""The pooled vector (p) float32; where tokens are kept, these too (t d) as the bits of bfloat16,
their times (t) and places (t 2), empty where they have none."""

PREPARATION = 1
"""Raised whenever the same file would give other numbers than before."""

FITTED_ON = 20_000
"""Rows that the components are learned from, at most."""

READS = ("image", "text", "audio", "video")
"""Kinds of sources that pretrained networks are there for."""


class Pretrained(Encoder):
    """A network by name or folder, frozen, and the leading components of its vectors.

    Its samples are the network's vectors: they depend on nothing that is learned, so they are
    computed once for all folds, and kept by content for the next run.

    Args:
        kind: of the source.
        name: a folder, or a name on the hub.
        config: settings.
        frames: of a video that are looked at, by networks for pictures.
        seconds: of a sound that are heard.

    Attributes:
        precision: that the network computes in; `auto` until it is chosen.
        agreements: mean cosine of vectors with those of float32, by the precisions that were tried.
        calibration: the name of the graph that int8 is run by; empty otherwise.
        graph: returns that one, where it can be had.
        compiles: whether so many values are to come that compiling the network pays.
    """

    def __init__(
        self, kind: str, name: str, config: PretrainedConfig, frames: int, seconds: float
    ) -> None:
        super().__init__()
        self.kind, self.name, self.config = kind, name, config
        self.frames, self.seconds = frames, seconds
        self.precision: Precision = config.precision
        self.agreements: dict[Precision, float] = {}
        self.calibration = ""
        self.graph: Callable[[], Graph] | None = None
        self.compiles, self._started = False, False
        self.reduction = Reduction(config.width)
        self.token_reduction = Reduction(config.width)

    @cached_property
    def backbone(self) -> Backbone:
        """The network, loaded when it is first needed: not at all where all is in the cache.

        Raises:
            ModelError: when it cannot be had, or reads another modality.
        """
        return load_backbone(self)

    @property
    def network(self) -> str:
        """What the network's vectors depend on: its files, how they are prepared, and limits."""
        config = self.config
        limits: dict[str, tuple[object, ...]] = {
            "text": (config.prompt, config.longest_text),
            "audio": (self.seconds,),
            "video": (self.frames,),
        }
        own = limits.get(self.kind, ())
        files = identity(find_model(self.name), remember=config.cache)
        return f"{self.kind}-{PREPARATION}-{files}-{own}"

    @property
    def identity(self) -> str:
        """What the samples depend on.

        Raises:
            ModelError: when this encoder was fitted on another network's vectors.
        """
        learned = self.facts.get("network", self.network)
        if learned != self.network:
            raise ModelError(
                f"The model was fitted on vectors of another network than {self.name!r} is now "
                f"({learned} then, {self.network} now). Bring back the old one, or fit again."
            )
        own = self.calibration if self.precision == "int8" else ""
        return f"{learned}-{self.precision}{own}-{self.config.tokens}"

    @property
    def agreement(self) -> float:
        """Mean cosine of the vectors with those of float32."""
        return self.agreements.get(self.precision, 1.0)

    @property
    def remark(self) -> str:
        """What a person should know of the precision; empty where there is nothing to say."""
        figures = ", ".join(f"{name} {cosine:.5f}" for name, cosine in self.agreements.items())
        if self.calibration and self.precision != "int8":
            return (
                "learned from int8, whose calibration is not in the cache of this machine; "
                f"computed in float32 (mean cosine of both: {figures})"
            )
        if self.agreements:
            return f"computed in {self.precision}; mean cosine with float32: {figures}"
        asked = self.config.precision == "int8"
        return "this network cannot run in int8; computed in float32" if asked else ""

    def take(
        self,
        precision: Precision,
        calibration: str = "",
        graph: Callable[[], Graph] | None = None,
        started: bool = False,
    ) -> None:
        """Compute in a precision from now on; that of int8 comes with a graph and its name.

        `started` means that the network runs in it already.
        """
        self.precision, self.calibration = precision, calibration
        self.graph, self._started = graph, started
        if started and isinstance(self.backbone, Towered):
            self.backbone.settle()

    def recall(self, graph: Callable[[], Graph] | None) -> None:
        """Compute by the graph that this was fitted with, or in float32 where it is gone."""
        self.precision = "float32" if graph is None else "int8"
        self.graph, self._started = graph, False

    def _start(self, prepared: Sequence[Any]) -> None:
        """Set the network to the precision, compiled if that pays."""
        if self.precision == "int8" and self.graph is None:  # a single value, with no table
            self.precision = "float32"
        if isinstance(self.backbone, Towered):
            example = prepared if self.compiles else ()
            graph = None if self.graph is None else self.graph()
            self.backbone.set_precision(self.precision, example, graph)
            self.backbone.settle()
        self._started = True

    def prepared_by(self, other: Encoder) -> None:
        """Take over the precision that the samples were computed in."""
        if isinstance(other, Pretrained):
            self.precision, self.agreements = other.precision, other.agreements
            self.calibration = other.calibration

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take back what was learned, and with it the precision of the vectors."""
        super().set_extra_state(state)
        self.precision = state.get("precision", self.precision)
        self.calibration = state.get("calibration", "")
        self.agreements = state.get("agreements", {})

    @property
    def width(self) -> int:
        """The components kept of the pooled vector."""
        return max(self.reduction.width, 1)

    def preprocess(self, value: Any) -> Vectors:
        """Return the vectors of one decoded value."""
        self.precision = "float32" if self.precision == "auto" else self.precision
        return self.embed([self.backbone.prepare(value)])[0]

    @torch.no_grad()
    def embed(self, prepared: Sequence[Any]) -> list[Vectors]:
        """Return the vectors of a batch that the network has prepared."""
        if not self._started:
            self._start(prepared)
        features = self.backbone(prepared)
        if not self.config.tokens:
            return [(vector,) for vector in features.pooled.float().numpy()]
        return [_vectors(own, self.config.tokens) for own in rows_of(features)]

    def fit(self, samples: Sequence[Vectors | None], target: np.ndarray, seed: int) -> None:
        """Learn the components from the vectors of the training rows."""
        self.facts = {
            "network": self.network,
            "precision": self.precision,
            "agreement": self.agreement,
            "agreements": self.agreements,
            "calibration": self.calibration,
        }
        rows = present_of(samples, FITTED_ON, seed)
        if not rows:
            return
        self.reduction.fit(_stack(rows), seed)
        if len(rows[0]) > 1:
            tokens = torch.cat([_from_bits(row[1]) for row in rows[: FITTED_ON // 4]])
            chosen = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(seed))
            self.token_reduction = Reduction(self.width)
            self.token_reduction.fit(tokens[chosen[:FITTED_ON]], seed)

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        """Return the characters that each token which is kept stands for."""
        if not self.config.tokens:
            return None
        found = self.backbone.spans(text)
        return found and fewer_spans(found, self.config.tokens)

    def encode(self, samples: Sequence[Vectors]) -> Features:
        """Return the components of (b) samples, and of their tokens where these are kept."""
        if not self.reduction.width:  # there was nothing to learn from
            return Features.of_vectors(torch.zeros(len(samples), 1))
        pooled = self.reduction(_stack(samples))
        if len(samples[0]) == 1:
            return Features.of_vectors(pooled)
        tokens = [self.token_reduction(_from_bits(sample[1])) for sample in samples]
        return features_of(pooled, tokens, *(_there(samples, place) for place in (2, 3)))


def load_backbone(encoder: Pretrained) -> Backbone:
    """Return the network of an encoder, which others may hold too."""
    # transformers takes seconds to import, and is needed for nothing else.
    from plait.encoders.pretrained.image import image_backbone
    from plait.encoders.pretrained.sound import SoundBackbone
    from plait.encoders.pretrained.text import TextBackbone
    from plait.encoders.pretrained.video import video_backbone

    folder, config = find_model(encoder.name), encoder.config
    match encoder.kind:
        case "image":
            return image_backbone(folder)
        case "text":
            return TextBackbone(folder, config.prompt, config.longest_text)
        case "audio":
            return SoundBackbone(folder, encoder.seconds)
        case "video":
            return video_backbone(folder, encoder.frames)
    raise ModelError(
        f"A pretrained network for {encoder.kind} is not known; there are those for "
        f"{', '.join(READS)}."
    )


def rows_of(features: Features) -> list[Features]:
    """Return each row alone, without its padding."""
    rows = []
    for row in range(len(features)):
        own, kept = features.take(torch.tensor([row])), features.mask[row]
        rows.append(
            Features(
                own.pooled, own.tokens[:, kept], own.mask[:, kept], own.source[:, kept],
                None if own.time is None else own.time[:, kept],
                None if own.place is None else own.place[:, kept],
            )
        )  # fmt: skip
    return rows


def _vectors(own: Features, most: int) -> Vectors:
    few = fewer(own, most)
    nothing = np.zeros(0, np.float32)
    return (
        few.pooled[0].float().numpy(),
        few.tokens[0].bfloat16().view(torch.uint16).numpy(),
        nothing if few.time is None else few.time[0].float().numpy(),
        nothing if few.place is None else few.place[0].float().numpy(),
    )


def _from_bits(bits: np.ndarray) -> Tensor:
    """Return real numbers of the bits of bfloat16."""
    return torch.from_numpy(bits).view(torch.bfloat16).float()


def _there(samples: Sequence[Vectors], place: int) -> list[Tensor] | None:
    """Return the times (2) or places (3) of the tokens of each sample, where they have any."""
    if not samples[0][place].size:
        return None
    return [torch.from_numpy(sample[place]) for sample in samples]


def features_of(
    pooled: Tensor,
    tokens: Sequence[Tensor],
    times: Sequence[Tensor] | None,
    places: Sequence[Tensor] | None,
) -> Features:
    """Return Features of vectors (b d) and of each row's own tokens (t k), k at most d.

    Args:
        pooled: (b d).
        tokens: of each row; filled up with zeros to the width d.
        times: (t) of each row's tokens, in seconds.
        places: (t 2) of each row's tokens.
    """
    width = pooled.shape[1]
    wide = [pad(own, (0, width - own.shape[1])) for own in tokens]
    features = padded(wide, times or [own.new_zeros(len(own)) for own in wide])
    place = None if places is None else pad_sequence(list(places), batch_first=True)
    time = None if times is None else features.time
    return Features(pooled, features.tokens, features.mask, features.source, time, place)


def _stack(samples: Sequence[Vectors]) -> Tensor:
    return torch.from_numpy(np.stack([sample[0] for sample in samples]))
