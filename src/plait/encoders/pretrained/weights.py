"""Where pretrained weights come from: a folder, or the Hugging Face hub; safetensors only."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from plait.errors import ModelError, did_you_mean
from plait.store import Store, default_store, keys_of

HOME = "PLAIT_MODELS"
"""The environment variable of a folder with models by their names; looked in before the hub."""

WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
UNWANTED = ("onnx/*", "openvino/*", "original/*", "*.onnx*")
"""Files of a hub's repository that are fetched, and those of them that are not."""

LARGE = 2**24
"""Bytes from which on the hash of a file is remembered."""

SETTLED = 2 * 10**9
"""Nanoseconds after which a change of a file surely has another time than the one before."""

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


def find_model(name: str) -> Path:
    """Return the folder of a model.

    Args:
        name: a folder, or a name on the hub, with `@revision` if one is meant.

    Raises:
        ModelError: when it is nowhere, is no model, or has no safetensors.
    """
    return _require_model(locate(name), name)


def is_model_name(name: str) -> bool:
    """Return whether a word can only be a model's folder or its name on the hub."""
    return "/" in name or "\\" in name or name.startswith(".") or _own(name) is not None


def _own(name: str) -> Path | None:
    """Return the folder of a name that is one, here or under $PLAIT_MODELS."""
    places = [Path(name).expanduser()]
    if os.environ.get(HOME):
        places.append(Path(os.environ[HOME]) / name)
    return next((place for place in places if place.is_dir()), None)


def locate(name: str) -> Path:
    """Return a folder of a name, whatever it holds, fetched first if need be.

    Raises:
        ModelError: when it is nowhere.
    """
    folder = _own(name)
    if folder is not None:
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelError(f"There is no model folder {name!r}.{_near(Path(name))}")
    return _fetch(*name.partition("@")[::2])


def _near(folder: Path) -> str:
    parent = folder.expanduser().absolute().parent
    names = [p.name for p in parent.glob("*") if p.is_dir()] if parent.is_dir() else []
    return did_you_mean(folder.name, names)


@lru_cache(maxsize=32)
def _fetch(name: str, revision: str) -> Path:
    """Return the hub's folder on this machine, fetched first where it is not yet here."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    try:
        found = snapshot_download(
            name,
            revision=revision or None,
            allow_patterns=list(WANTED),
            ignore_patterns=list(UNWANTED),
        )
    except RepositoryNotFoundError as error:
        raise ModelError(f"The hub has no model {name!r} that you may read.") from error
    except (HfHubHTTPError, OSError, ValueError) as error:  # no network, a wrong name or revision
        raise ModelError(
            f"Model {name!r} is not on this machine and could not be fetched "
            f"({type(error).__name__}). Looked in {constants.HF_HUB_CACHE!r}"
            f"{_looked()}. Give a local folder in its place (--encoders image=FOLDER), "
            "or use preset='quick', which needs no weights."
        ) from error
    return Path(found)


def _looked() -> str:
    home = os.environ.get(HOME)
    return f" and {home!r} (${HOME})" if home else ""


def _require_model(folder: Path, name: str) -> Path:
    """Return the folder of a model that can be read.

    Raises:
        ModelError: when it has no configuration, or no weights that cannot run code.
    """
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise ModelError(
            f"{name!r} has no config.json, so it is no model of Hugging Face transformers."
        )
    if any(folder.rglob("*.safetensors")):
        return folder
    pickled = sorted(p.name for pattern in PICKLES for p in folder.glob(pattern))
    if pickled:
        raise ModelError(
            f"{name!r} has pickled weights alone ({pickled[0]!r}), which can run any code when "
            'they are read. If you trust them, convert them once: python -c "from transformers '
            f"import AutoModel as m; m.from_pretrained('{name}').save_pretrained('safe')\", and "
            "give the folder 'safe'."
        )
    raise ModelError(f"{name!r} has no weights: no *.safetensors in {str(folder)!r}.")


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """Return what a JSON file of a model holds; nothing where there is no such file.

    Raises:
        ModelError: when it is damaged.
    """
    path = folder / name
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ModelError(f"{str(path)!r} is damaged: {error}") from error


def weights_size(folder: Path) -> int:
    """Return the bytes of a model's weights on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


@lru_cache(maxsize=32)
def identity(folder: Path, remember: bool = False) -> str:
    """Return a hash of everything in a model's folder that its vectors depend on.

    Args:
        folder: of the model.
        remember: whether the hashes of large files are kept in the cache until the files change.
    """
    store = default_store() if remember else None
    digest = hashlib.blake2b(digest_size=12)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", ".json", ".txt", ".model") and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            large = path.stat().st_size >= LARGE
            digest.update(_remembered(path, store) if store and large else _digest(path))
    if store is not None:
        store.close()
    return digest.hexdigest()


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def _remembered(path: Path, store: Store) -> bytes:
    """Return the hash of a file from the store, or compute it and keep it there.

    Nobody can set back the time at which the file system last changed a file's entry, so a file
    whose times, size and number are the same is the same; one that changed just now may change
    again within the clock's tick, and is not remembered yet.
    """
    there = path.stat()
    times = (there.st_mtime_ns, there.st_ctime_ns)
    entry = f"{path.resolve()} {there.st_dev} {there.st_ino} {there.st_size} {times}"
    (key,) = keys_of([entry.encode()], "digest")
    assert key is not None
    known = store.read([key])
    if key in known:
        return known[key][0].tobytes()
    digest = _digest(path)
    if time.time_ns() - max(times) > SETTLED:
        store.write({key: (np.frombuffer(digest, np.uint8),)})
    return digest


@contextmanager
def quiet() -> Iterator[None]:
    """Let transformers say nothing while it loads; what matters is checked and said by plait."""
    import warnings

    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def load_network(folder: Path, kind: Any = None, **arguments: Any) -> Any:
    """Return a transformers model in float32, ready to be used.

    Args:
        folder: of the model.
        kind: the class to read it as; `AutoModel` by default.
        **arguments: of that class's constructor.

    Raises:
        ModelError: when it cannot be built, or weights are missing that are needed.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModel

    with quiet():
        try:
            model, loading = (kind or AutoModel).from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
                **arguments,
            )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"The model in {str(folder)!r} cannot be read: {_first_line(error)}"
            ) from error
    # A pooler that was not stored is not used either; all else must be there.
    missing = [key for key in loading["missing_keys"] if "pooler" not in key]
    if missing:
        raise ModelError(
            f"The weights in {str(folder)!r} lack {missing[0]!r} and {len(missing) - 1} others; "
            "config.json and the weights are not of one model."
        )
    model.without_pooler = len(loading["missing_keys"]) > 0
    return model.eval().requires_grad_(False)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
