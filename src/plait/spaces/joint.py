"""Joint models, which have a space of their own before anything is learned: CLIP, SigLIP, CLAP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from plait.encoders.encoder import Encoder
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.weights import find_model, read_json
from plait.fusion.towers import Towers
from plait.grouping import Groups
from plait.network import Network
from plait.tasks.align import Align

FAMILIES = ("clip", "siglip", "siglip2", "clap", "chinese_clip", "altclip")
"""Types of models whose towers end in one space."""

SCALES = ("logit_scale", "logit_scale_a")
"""Where such models keep the logarithm of what cosines are multiplied with."""


@dataclass(frozen=True)
class Joint:
    """A model in whose space all groups lie already.

    Attributes:
        name: of the model.
        log_scale: logarithm of what its authors multiply cosines with.
        bias: that they add; 0 for models of InfoNCE.
    """

    name: str
    log_scale: float
    bias: float


def joint_of(groups: Groups, encoders: Mapping[str, Encoder]) -> Joint | None:
    """Return the model whose towers read all groups; None where there is no such model."""
    if any(len(own) != 1 for own in groups.values()):
        return None
    found = [encoders.get(own[0].name) for own in groups.values()]
    read = [encoder for encoder in found if isinstance(encoder, Pretrained)]
    names, kinds = {encoder.name for encoder in read}, {encoder.kind for encoder in read}
    if len(read) < len(found) or len(names) > 1 or len(kinds) < 2:
        return None
    (name,) = names
    folder = find_model(name)
    if read_json(folder, "config.json").get("model_type") not in FAMILIES:
        return None
    return Joint(name, *_scales(folder))


def _scales(folder: Path) -> tuple[float, float]:
    """Return the scale's logarithm and the bias, read without the rest of the weights."""
    from safetensors import safe_open

    found: dict[str, float] = {}
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as weights:
            for name in {*SCALES, "logit_bias"} & set(weights.keys()):
                found[name] = float(weights.get_tensor(name).reshape(-1)[0])
    scale = next((found[name] for name in SCALES if name in found), 0.0)
    return scale, found.get("logit_bias", 0.0)


@torch.no_grad()
def begin_in(network: Network, joint: Joint) -> None:
    """Let a network of towers give the vectors of a joint model, and its scale, before it learns.

    Each map begins as the identity of the one vector that its group holds.
    """
    towers, task = network.fusion, network.task
    assert isinstance(towers, Towers)
    assert isinstance(task, Align)
    for to_space in towers.maps:
        for layer in to_space.modules():
            if isinstance(layer, nn.Linear):
                nn.init.eye_(layer.weight)
    task.log_scale.fill_(joint.log_scale)
    if task.config.loss == "siglip":
        task.bias.fill_(joint.bias)
