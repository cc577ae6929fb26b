"""The folder of a space: JSON, safetensors and a card, without pickle."""

from __future__ import annotations

from pathlib import Path

import torch

from plait.config import from_json, to_json
from plait.data.histories import HistoryColumn
from plait.encoders.pretrained.tuned import learned_of, put_learned, tuned_of
from plait.folder import new_folder, put_states, read_schema, read_states, under, write_states
from plait.grouping import group_sources
from plait.spaces.card import space_card
from plait.spaces.config import AlignConfig
from plait.spaces.histories import Items
from plait.spaces.network import built, towers_of
from plait.spaces.parts import SpaceParts


def write_space(space: SpaceParts, folder: str | Path, overwrite: bool = False) -> Path:
    """Write a space under another name first, and return its folder.

    Raises:
        ModelError: when something is there and may not be replaced.
    """
    document = {
        "schema": to_json(space.schema),
        "groups": list(space.groups),
        "config": to_json(space.config),
        "widths": space.network.fusion.widths,
        "histories": [to_json(items.column) for items in space.items.values()],
        "facts": space.facts,
    }
    states = {f"encoders/{name}": e.state_dict() for name, e in space.encoders.items()}
    states |= {
        f"items/{name}": {"vectors": torch.from_numpy(own.vectors), "keys_extra_state": own.keys}
        for name, own in space.items.items()
    }
    with new_folder(folder, overwrite) as partial:
        write_states(partial, "space", document, {**states, "network": learned_of(space.network)})
        (partial / "README.md").write_text(space_card(space), encoding="utf-8")
        if len(space.ledger):
            space.ledger.write(partial / "skipped.csv")
    return Path(folder)


def read_space(folder: str | Path) -> SpaceParts:
    """Read what `write_space` wrote.

    Raises:
        ModelError: when it is no space, or damaged.
    """
    document, stored = read_states(folder, "space")
    schema = read_schema(document["schema"])
    config = from_json(AlignConfig, document["config"])
    groups = group_sources(schema, document["groups"])
    frozen, trained = built(groups, config)
    put_states(frozen, stored)
    trained |= tuned_of(frozen, config.encoders.finetune)
    histories = document.get("histories", [])  # spaces of earlier versions have none
    columns = [from_json(HistoryColumn, column) for column in histories]
    network = towers_of(groups, document["widths"], trained, config, columns)
    put_learned(network, under(stored, "network/"))
    items = {}
    for column in columns:
        own = under(stored, f"items/{column.name}/")
        keys, vectors = tuple(own["keys_extra_state"]), own["vectors"].numpy()
        items[column.name] = Items(column, keys, vectors)
    facts = document["facts"]
    return SpaceParts(schema, groups, frozen, network.eval(), config, facts, items=items)
