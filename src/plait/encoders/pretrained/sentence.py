"""From token vectors to a text's vector, as a folder of sentence-transformers says it.

The steps stand in `modules.json`: pooling, dense layers, normalisation (Reimers and Gurevych,
Sentence-BERT, EMNLP 2019). They are few, so they are here; the library itself is not needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from plait.encoders.pretrained.weights import read_json
from plait.errors import ModelError, unknown

MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
"""Ways of pooling; several are put side by side in this order."""

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "Identity": nn.Identity,
    "Tanh": nn.Tanh,
    "GELU": nn.GELU,
    "ReLU": nn.ReLU,
}


class Pool(nn.Module):
    """Pools (b t d) tokens with their mask (b t) to (b d), or to (b k d) of k ways."""

    def __init__(self, modes: tuple[str, ...]) -> None:
        super().__init__()
        self.modes = modes

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return the vectors."""
        return torch.cat([_pool(tokens, mask, mode) for mode in self.modes], dim=-1)


def _pool(tokens: Tensor, mask: Tensor, mode: str) -> Tensor:
    weight = mask[:, :, None].to(tokens.dtype)
    match mode:
        case "cls":
            return tokens[:, 0]
        case "max":
            return tokens.masked_fill(~mask[:, :, None], -torch.inf).max(dim=1).values
        case "lasttoken":
            last = (mask.long() * torch.arange(1, mask.shape[1] + 1, device=mask.device)).argmax(1)
            return tokens[torch.arange(len(tokens), device=mask.device), last]
        case "weightedmean":  # SGPT (Muennighoff, 2022): later tokens of a decoder know more
            places = torch.arange(1, mask.shape[1] + 1, device=mask.device, dtype=tokens.dtype)
            weight = weight * places[None, :, None]
    count = weight.sum(dim=1).clamp_min(1e-9)
    total = (tokens * weight).sum(dim=1)
    return total / (count.sqrt() if mode == "mean_sqrt_len_tokens" else count)


class Unit(nn.Module):
    """Scale (b d) to length one."""

    def forward(self, values: Tensor) -> Tensor:
        """Return (b d)."""
        return normalize(values, dim=-1)


def read_steps(folder: Path, default: str) -> tuple[Path, Pool, nn.Sequential]:
    """Return where the network lies, how its tokens are pooled, and what follows.

    Args:
        folder: of the model.
        default: how tokens are pooled where the folder does not say it.

    Raises:
        ModelError: for a step that is not known.
    """
    modules = _modules(folder)
    place, pool, after = folder, Pool((default,)), nn.Sequential()
    for module in modules:
        name, own = str(module["type"]).rpartition(".")[2], folder / str(module["path"])
        match name:
            case "Transformer":
                place = own
            case "Pooling":
                pool = Pool(_modes(own))
            case "Normalize":
                after.append(Unit())
            case "Dense":
                after.append(_dense(own))
            case "Dropout":
                pass  # does nothing once trained
            case _:
                raise ModelError(
                    f"{str(folder)!r} has a step {name!r}, which plait does not know. It knows "
                    "Transformer, Pooling, Dense, Normalize and Dropout."
                )
    return place, pool, after.eval().requires_grad_(False)


def _modules(folder: Path) -> list[dict[str, Any]]:
    import json

    path = folder / "modules.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def _modes(folder: Path) -> tuple[str, ...]:
    own = read_json(folder, "config.json")
    said = own.get("pooling_mode")
    if isinstance(said, str):
        said = [said]
    if said is None:
        said = [mode for mode in MODES if _flag(own, mode)] or ["mean"]
    for mode in said:
        if mode not in MODES:
            raise ModelError(unknown("Way of pooling", str(mode), MODES))
    return tuple(said)


def _flag(own: dict[str, Any], mode: str) -> bool:
    plain = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens",
             "weightedmean": "weightedmean_tokens"}.get(mode, mode)  # fmt: skip
    return bool(own.get(f"pooling_mode_{plain}"))


def _dense(folder: Path) -> nn.Module:
    from safetensors.torch import load_file

    own = read_json(folder, "config.json")
    name = str(own.get("activation_function", "torch.nn.modules.activation.Tanh"))
    activation = ACTIVATIONS.get(name.rpartition(".")[2])
    if activation is None:
        raise ModelError(unknown("Activation", name, ACTIVATIONS))
    layer = nn.Linear(own["in_features"], own["out_features"], bias=own.get("bias", True))
    weights = load_file(folder / "model.safetensors")
    layer.load_state_dict({k.removeprefix("linear."): v for k, v in weights.items()})
    return nn.Sequential(layer, activation())


def default_prompt(folder: Path) -> str:
    """Return what a folder of sentence-transformers wants before every text; mostly nothing."""
    own = read_json(folder, "config_sentence_transformers.json")
    name = own.get("default_prompt_name")
    return str(own.get("prompts", {}).get(name) or "") if name else ""
