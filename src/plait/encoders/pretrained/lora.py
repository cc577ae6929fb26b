"""Low-rank changes of a network's layers, learned in place of the layers and merged afterwards."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch import nn

from plait.encoders.pretrained.weights import quiet
from plait.errors import MissingExtraError, ModelError

HIGHER_RATE = 10.0
"""How much quicker low-rank changes learn than the weights themselves would have to (Schulman and
others, LoRA Without Regret, 2025)."""


def layers_of(network: nn.Module, used: Collection[str]) -> list[str]:
    """Return the names of the layers that can be changed: linear ones, and whole convolutions.

    Args:
        network: that is looked at.
        used: names of its parameters that take part; layers without one are passed over.
    """
    return [
        name
        for name, module in network.named_modules()
        if f"{name}.weight" in used and _fits(module)
    ]


def _fits(module: nn.Module) -> bool:
    if isinstance(module, (nn.Conv1d, nn.Conv2d)):
        return module.groups == 1
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"  # of GPT-2


def adapt(network: Any, used: Collection[str], rank: int) -> Any:
    """Put W + 2 B A in the place of the weights W of every layer, B A of a low rank and 0 at first.

    Follows Hu and others, LoRA (ICLR 2022), section 4.1, through Hugging Face's peft.

    Args:
        network: that is changed in place.
        used: names of its parameters that take part.
        rank: of B A.

    Returns:
        What `merge` takes.

    Raises:
        MissingExtraError: without peft.
        ModelError: when the network has no layer that can be changed.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingExtraError("LoRA needs peft: pip install 'plait[lora]'") from error
    names = layers_of(network, used)
    if not names:
        raise ModelError(
            f"{type(network).__name__} has no linear layer or convolution that LoRA could change; "
            "fine-tune its weights (finetune.way 'last' or 'all')."
        )
    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=names)
    layers = {name: network.get_submodule(name) for name in names}
    with quiet():
        adapted = get_peft_model(network, config)
    for name, layer in layers.items():  # some networks ask their convolutions how they were made
        for setting in set(getattr(layer, "__constants__", ())) - {"bias"}:
            setattr(network.get_submodule(name), setting, getattr(layer, setting))
    return adapted


def merge(adapted: Any) -> None:
    """Add what was learned to the weights, and give the network its own layers back."""
    adapted.merge_and_unload()
