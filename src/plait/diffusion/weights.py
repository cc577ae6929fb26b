"""Models of Hugging Face diffusers: where they are, and what they are read by; safetensors only."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from plait.encoders.pretrained.weights import PICKLES, locate
from plait.errors import MissingExtraError, ModelError


def diffusers_of(what: str) -> Any:
    """Return the package, imported now.

    Args:
        what: needs it, with its article.

    Raises:
        MissingExtraError: when it is not there.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of optional packages of its own
            import diffusers
    except ImportError as error:
        raise MissingExtraError(
            f"{what} of diffusers needs a package that is not there: pip install 'plait[draw]'"
        ) from error
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    return diffusers


def find_weights(name: str) -> Path:
    """Return the folder of a model or pipeline of diffusers.

    Args:
        name: a folder, or a name on the hub.

    Raises:
        ModelError: when it is nowhere, is none, or has no safetensors.
    """
    folder = locate(name)
    if not any((folder / file).is_file() for file in ("config.json", "model_index.json")):
        raise ModelError(
            f"{name!r} has neither config.json nor model_index.json, so it is no model of Hugging "
            "Face diffusers."
        )
    if any(folder.rglob("*.safetensors")):
        return folder
    pickled = sorted(p.name for pattern in PICKLES for p in folder.rglob(pattern))
    found = f"pickled weights alone ({pickled[0]!r}), which can run any code" if pickled else "none"
    raise ModelError(f"{name!r} must have weights as *.safetensors, and has {found}.")
