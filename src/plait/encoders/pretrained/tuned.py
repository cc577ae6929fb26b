"""A pretrained network that is trained on, from where the frozen one stands."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from plait.encoders.encoder import Encoder, present_of
from plait.encoders.pretrained.adapted import Adapted
from plait.encoders.pretrained.config import FineTuneConfig
from plait.encoders.pretrained.encoder import Pretrained, features_of, load_backbone, rows_of
from plait.encoders.pretrained.fewer import fewer
from plait.encoders.pretrained.weights import find_model
from plait.errors import ModelError
from plait.types import Features, Sample, one_below_other

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
"""Keep the means of what they were trained on: batches here are small."""

LOOKED_AT = 4
"""Samples by which it is seen what of a network takes part."""

BACKBONE = ".backbone."
"""In the names of weights that are those of a pretrained network, unless they were trained."""


class FineTuned(Encoder):
    """A copy of a frozen encoder's network, with weights that learn.

    Its projection is that of the frozen encoder and stays as it is, so that before the first step
    both give the same Features.

    Args:
        frozen: the encoder that it begins as; fitted, unless a state is loaded.
        config: what is trained.
        copies: what was copied already, as `copy.deepcopy` notes it: encoders that are given the
            same, of columns that read one network, share one copy of it. None makes another.
    """

    trained = True

    def __init__(
        self, frozen: Pretrained, config: FineTuneConfig, copies: dict[int, Any] | None = None
    ) -> None:
        super().__init__()
        self.frozen = [frozen]  # in a list, so that it is no part of this one
        self.config, self.facts = config, dict(frozen.facts)
        self.backbone = copy.deepcopy(load_backbone(frozen), copies).requires_grad_(False)
        self.reduction = copy.deepcopy(frozen.reduction)
        self.token_reduction = copy.deepcopy(frozen.token_reduction)
        self._adapted = Adapted()

    @property
    def network(self) -> Any:
        """The network itself, whose weights are trained."""
        return self.backbone.network

    @property
    def width(self) -> int:
        """That of the frozen encoder."""
        return max(self.reduction.width, 1)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take the facts back.

        Raises:
            ModelError: when what was trained was part of another network than is found now.
        """
        super().set_extra_state(state)
        (frozen,) = self.frozen
        frozen.facts = dict(state)
        frozen.identity  # noqa: B018  # raises

    def preprocess(self, value: Any) -> Sample:
        """Return a value as the network reads it."""
        return self.backbone.prepare(value)

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Choose the weights that learn, and how quickly each does."""
        self.choose([self.used(samples, seed)])

    def used(self, samples: Sequence[Sample | None], seed: int) -> set[str]:
        """Return the names of the network's weights that the Features of some samples depend on.

        Others are those of a joint model's other towers, and of heads that nobody asks.
        """
        some = present_of(samples, LOOKED_AT, seed)
        if not some or not self.reduction.width:
            return set()
        self.eval()
        self.network.requires_grad_()
        features = self._read(some)
        (features.pooled.sum() + features.tokens.sum()).backward()
        used = {name for name, p in self.network.named_parameters() if p.grad is not None}
        self.network.requires_grad_(False).zero_grad()
        return used

    def choose(self, parts: Sequence[Collection[str]]) -> None:
        """Choose the weights that learn, for all encoders that share the network.

        Args:
            parts: names of the weights that each of them uses, as `used` returns them.
        """
        self._adapted = Adapted.begin(self.network, parts, self.config)

    def rates(self) -> dict[nn.Parameter, float]:
        """Return the highest learning rate of each weight that is trained."""
        return self._adapted.rates

    def finish(self) -> None:
        """Merge what was learned beside the weights into them; no weight learns from now on."""
        self._adapted.finish()

    def train(self, mode: bool = True) -> FineTuned:
        """Let dropout work, or not; normalisation over batches never changes."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, NORMS):
                module.eval()
        return self

    def encode(self, samples: Sequence[Sample]) -> Features:
        """Return Features; outside of training in small batches, as memory is for one step."""
        if not self.reduction.width:  # there was nothing to learn from
            return Features.of_vectors(torch.zeros(len(samples), 1))
        (frozen,) = self.frozen
        size = len(samples) if torch.is_grad_enabled() else frozen.config.batch_size
        parts = [self._read(samples[row : row + size]) for row in range(0, len(samples), size)]
        return one_below_other(parts)

    def _read(self, samples: Sequence[Sample]) -> Features:
        features: Features = self.backbone(samples)
        pooled = self.reduction(features.pooled)
        (frozen,) = self.frozen
        if not frozen.config.tokens:
            return Features.of_vectors(pooled)
        rows = [fewer(own, frozen.config.tokens) for own in rows_of(features)]
        tokens = [self.token_reduction(row.tokens[0]) for row in rows]
        times = [row.time[0] for row in rows if row.time is not None]
        places = [row.place[0] for row in rows if row.place is not None]
        return features_of(pooled, tokens, times or None, places or None)

    def export(self, folder: Path) -> None:
        """Write the network as a folder of Hugging Face's, with all that prepares its inputs."""
        (frozen,) = self.frozen
        origin = find_model(frozen.name)
        shutil.copytree(origin, folder, ignore=shutil.ignore_patterns(".*", "model*.safetensors*"))
        self.network.save_pretrained(folder)


def tuned_of(frozen: Mapping[str, Encoder], config: FineTuneConfig) -> dict[str, Encoder]:
    """Return copies that learn of the encoders on pretrained networks, if these are to learn.

    Columns that read the same network train the same copy: the towers of a joint model stay one.
    """
    copies: dict[int, Any] = {}
    if config.way == "none":
        return {}
    return {n: FineTuned(e, config, copies) for n, e in frozen.items() if isinstance(e, Pretrained)}


def fit_sharing(
    encoders: Mapping[str, FineTuned], samples: Mapping[str, Sequence[Sample | None]], seed: int
) -> None:
    """Choose the weights that learn of several encoders, by source; some may share a network."""
    sharing: dict[int, list[str]] = {}
    for name, encoder in encoders.items():
        sharing.setdefault(id(encoder.network), []).append(name)
    for names in sharing.values():
        parts = [encoders[name].used(samples[name], seed) for name in names]
        encoders[names[0]].choose(parts)


def learned_of(module: nn.Module) -> dict[str, Any]:
    """Return the state of a module without those weights of pretrained networks that stayed."""
    trained = {name for name, weight in module.named_parameters() if weight.requires_grad}
    state = module.state_dict()
    return {k: v for k, v in state.items() if BACKBONE not in k or k in trained}


def put_learned(module: nn.Module, tensors: Mapping[str, Any]) -> None:
    """Give a module what `learned_of` returned.

    Raises:
        ModelError: when something of it is missing.
    """
    found = module.load_state_dict(tensors, strict=False)
    lacking = [name for name in found.missing_keys if BACKBONE not in name]
    if lacking:
        raise ModelError(f"The model's weights lack {lacking[0]!r}; its folder is damaged.")
    own = [(name, weight) for name, weight in module.named_parameters(remove_duplicate=False)
           if BACKBONE in name]  # fmt: skip
    for _, weight in own:
        weight.requires_grad_(False)
    for name, weight in own:  # which one of those that share it was saved with
        if name in tensors:
            weight.requires_grad_()
