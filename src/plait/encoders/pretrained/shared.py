"""One network in memory, however many columns read it: CLIP and its like have several towers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from plait.encoders.pretrained.weights import load_network, read_json

_loaded: WeakValueDictionary[Path, Any] = WeakValueDictionary()


def load_shared(folder: Path) -> Any:
    """Return the frozen network of a folder, the same one for every tower that still holds it."""
    place = folder.resolve()
    network = _loaded.get(place)
    if network is None:
        network = _loaded[place] = load_network(folder, **_without_pooler(folder))
    return network


def _without_pooler(folder: Path) -> dict[str, Any]:
    """Return the arguments that keep ViT from making a pooler that nobody trained."""
    own = read_json(folder, "config.json").get("model_type") in ("vit", "deit", "vit_msn")
    return {"add_pooling_layer": False} if own else {}
