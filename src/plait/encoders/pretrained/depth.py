"""How deep in a network each of its weights lies."""

from __future__ import annotations

from collections.abc import Collection

from torch import nn


def depths(network: nn.Module, used: Collection[str]) -> dict[str, int]:
    """Return how many layers lie above each parameter: 0 for those at the top.

    Layers are the items of the innermost lists of modules, in the order in which the network holds
    them; what stands before the first layer is one deeper, what stands behind the last is at the
    top with it (Howard and Ruder, ULMFiT, ACL 2018, section 3.2; Bao and others, BEiT, 2022).

    Args:
        network: any.
        used: names of the parameters that are meant.
    """
    lists = [name for name, module in network.named_modules() if isinstance(module, nn.ModuleList)]
    innermost = [name for name in lists if not any(other.startswith(f"{name}.") for other in lists)]
    layers: list[str] = []
    place: dict[str, int] = {}
    for name, _ in network.named_parameters():
        if name not in used:
            continue
        own = next((start for start in innermost if name.startswith(f"{start}.")), None)
        if own is not None:
            layer = f"{own}.{name[len(own) + 1 :].split('.')[0]}"
            layers += [layer] if layer not in layers else []
        place[name] = len(layers)
    return {name: max(len(layers) - number, 0) for name, number in place.items()}
