"""The model folder: JSON, safetensors and LightGBM's own text; nothing that can run."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from plait.card import model_card
from plait.config import from_json, to_json
from plait.data.loader import Source, sources_of
from plait.encoders.encoder import Encoder
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import Entrant, build_expert, frozen_for
from plait.ensemble.expert import State
from plait.ensemble.several import build_combiner
from plait.errors import ModelError, did_you_mean
from plait.parts import Parts
from plait.tasks.target import Target
from plait.types import Column, Modality, Schema

FORMAT = 1
"""Version of the folder's layout."""

Kind = Literal["model", "space", "recommender", "writer", "segmenter", "drawer"]

TREE_MARK = "# plait trees of "


def write_folder(model: Parts, folder: str | Path, overwrite: bool = False) -> Path:
    """Write a model folder, under another name first, so that a failure leaves the old one.

    Args:
        model: the model.
        folder: where; its parent must exist or be makeable.
        overwrite: replace a model that is there already.

    Returns:
        The folder.

    Raises:
        ModelError: when something is there and may not be replaced, or is no model.
    """
    with new_folder(folder, overwrite) as partial:
        _write(model, partial)
    return Path(folder)


@contextmanager
def new_folder(folder: str | Path, overwrite: bool) -> Iterator[Path]:
    """Give a hidden folder to write in; it takes the place of `folder` when the block ends well.

    Raises:
        ModelError: when something is there and may not be replaced, or is no model.
    """
    folder = require_free(folder, overwrite)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield partial
        _swap(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def require_free(folder: str | Path, overwrite: bool) -> Path:
    """Return the path of a model folder that may be written.

    Raises:
        ModelError: when something is there and may not be replaced, or is no model, or when
            nothing can be written there.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        if not (folder / "plait.json").is_file():
            raise ModelError(
                f"{str(folder)!r} exists and is not a plait model, so it is never overwritten; "
                "choose another folder."
            )
        if not overwrite:
            raise ModelError(
                f"{str(folder)!r} exists already; choose another folder, or say overwrite=True "
                "(--overwrite)."
            )
    try:  # now, and not after an hour of learning
        folder.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder.parent).close()
    except OSError as error:
        raise ModelError(
            f"Folder {str(folder.parent)!r} cannot be made or written in: {error}"
        ) from error
    return folder


def _swap(partial: Path, folder: Path) -> None:
    """Put the new folder in the place of the old; the old is deleted last."""
    partial.chmod(0o755)
    if not folder.exists():
        partial.rename(folder)
        return
    old = folder.with_name(f".{folder.name}-old-{os.getpid()}")
    folder.rename(old)
    try:
        partial.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def _write(model: Parts, folder: Path) -> None:
    states: dict[str, Mapping[str, Any]] = {
        f"encoders/{name}": encoder.state_dict() for name, encoder in model.encoders.items()
    }
    trees: list[str] = []
    facts: dict[str, Any] = {}
    for name, expert in model.experts.items():
        state = expert.state()
        states[f"experts/{name}"], facts[name] = state.tensors, state.facts
        trees += [f"{TREE_MARK}{name}\n{text}" for text in state.trees]
    if model.combiner is not None:
        states["combiner"] = model.combiner.state()
    (folder / "trees.txt").write_text("\n".join(trees), encoding="utf-8")
    document = {
        "target": to_json(model.target),
        "schema": to_json(model.schema),
        "sources": [source.name for source in model.sources],
        "entrant": to_json(model.entrant),
        "members": to_json(model.members),
        "config": to_json(model.config),
        "experts": facts,
        "facts": model.facts,
    }
    write_states(folder, "model", document, states)
    (folder / "README.md").write_text(model_card(model), encoding="utf-8")
    if len(model.ledger):
        model.ledger.write(folder / "skipped.csv")


def write_states(
    folder: Path, kind: Kind, document: dict[str, Any], states: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write what a folder is made of: plain JSON, and the states of modules by name."""
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    vocabulary: dict[str, Any] = {}
    for name, state in states.items():
        for key, value in state.items():
            place = vocabulary if key.endswith("_extra_state") else tensors
            place[f"{name}/{key}"] = value
    # A copy each: safetensors refuses tensors that share memory.
    weights = {key: tensor.contiguous().clone() for key, tensor in tensors.items()}
    save_file(weights, folder / "weights.safetensors")
    (folder / "weights.safetensors").chmod(0o644)  # safetensors leaves it to its owner alone
    _json(folder / "vocabulary.json", vocabulary)
    _json(folder / "plait.json", {"format": FORMAT, "kind": kind} | document)


def _json(path: Path, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_folder(folder: str | Path) -> Parts:
    """Read a model folder.

    Raises:
        ModelError: when it is no model, a part is missing or damaged, or a newer plait wrote it.
    """
    document, stored = read_states(folder, "model")
    target = from_json(Target, document["target"])
    schema = read_schema(document["schema"])
    config = from_json(FitConfig, document["config"])
    entrant = from_json(Entrant, document["entrant"])
    members = tuple(from_json(Entrant, member) for member in document["members"])
    sources = tuple(s for s in sources_of(schema) if s.name in document["sources"])
    encoders = frozen_for(members, _needed(sources, members), config.encoders)
    put_states(encoders, stored)
    trees = _read_trees(Path(folder) / "trees.txt")
    experts = {}
    for member in members:
        own = under(stored, f"experts/{member.name}/")
        state = State(own, document["experts"][member.name], trees.get(member.name, []))
        experts[member.name] = build_expert(member, target, config, sources)
        experts[member.name].load(state)
    combiner = None
    if entrant.members:
        combiner = build_combiner(entrant.method, target)
        combiner.load(under(stored, "combiner/"))
    return Parts(
        schema, target, sources, entrant, members, encoders, experts, combiner, config,
        document["facts"],
    )  # fmt: skip


def _needed(sources: tuple[Source, ...], members: tuple[Entrant, ...]) -> list[Source]:
    names = {name for member in members for name in member.sources}
    return [source for source in sources if source.name in names]


def kind_of(folder: str | Path) -> Kind:
    """Return what a folder holds.

    Raises:
        ModelError: when it is nothing that plait wrote.
    """
    kind: Kind = _read_json(Path(folder), "plait.json").get("kind", "model")
    return kind


def read_states(folder: str | Path, kind: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `write_states` wrote: the JSON, and the states as one dictionary.

    Raises:
        ModelError: when it is of another kind, a part is missing or damaged, or a newer plait
            wrote it.
    """
    folder = Path(folder)
    document = _read_json(folder, "plait.json")
    version = document.get("format")
    if not isinstance(version, int) or version > FORMAT:
        raise ModelError(
            f"{str(folder)!r} has format {version}, this plait reads up to {FORMAT}; "
            f"it was written by plait {document.get('facts', {}).get('versions', {}).get('plait')}."
        )
    found = document.get("kind", "model")
    if found != kind:
        raise ModelError(f"{str(folder)!r} holds a {found}, and a {kind} is needed.")
    tensors = _read_weights(folder / "weights.safetensors")
    return document, {**tensors, **_read_json(folder, "vocabulary.json")}


def put_states(
    encoders: Mapping[str, Encoder], stored: dict[str, Any], place: str = "encoders"
) -> None:
    """Give encoders the states that are stored in a place, by source."""
    for name, encoder in encoders.items():
        encoder.load_state_dict(under(stored, f"{place}/{name}/"))
        encoder.eval()


def under(values: dict[str, Any], start: str) -> dict[str, Any]:
    """Return the states whose name begins so, without that beginning."""
    return {k.removeprefix(start): v for k, v in values.items() if k.startswith(start)}


def read_schema(values: dict[str, Any]) -> Schema:
    """Return a schema from its JSON."""
    columns = [{**c, "modality": Modality(c["modality"])} for c in values["columns"]]
    return Schema(tuple(from_json(Column, column) for column in columns))


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        if not folder.exists():
            near = [p.name for p in folder.absolute().parent.glob("*") if p.is_dir()]
            hint = did_you_mean(folder.name, near)
            raise ModelError(f"There is no model folder {str(folder)!r}.{hint}")
        what = "has no" if folder.is_dir() else "is not a folder, so there is no"
        raise ModelError(f"{str(folder)!r} {what} {name}; give the folder that `fit` wrote.")
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ModelError(f"{str(path)!r} is damaged: {error}") from error


def _read_weights(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except FileNotFoundError:
        raise ModelError(f"{str(path)!r} is not there; the model folder is not whole.") from None
    except SafetensorError as error:
        raise ModelError(f"{str(path)!r} is damaged: {error}") from error


def _read_trees(path: Path) -> dict[str, list[str]]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    trees: dict[str, list[str]] = {}
    for part in text.split(TREE_MARK)[1:]:
        name, _, booster = part.partition("\n")
        trees.setdefault(name, []).append(booster)
    return trees
