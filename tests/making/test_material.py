"""Rows made ready: which column is made, what is refused, which rows stay together."""

from __future__ import annotations

from typing import Any

import pytest

import plait
from plait import FitConfig
from plait.data.detect import detect
from plait.data.loader import Reader, Source, sources_of
from plait.data.quality import Ledger
from plait.encoders.encoder import Encoder
from plait.ensemble.entrants import build_encoder
from plait.errors import ColumnError, TableError
from plait.making.material import Material, Parted, Request, gather, keys_of
from plait.progress import Progress
from plait.types import Modality

CONFIG = FitConfig()


def encoders_of(sources: Any) -> dict[str, Encoder]:
    made: list[Source] = list(sources)
    return {source.name: build_encoder(source, CONFIG.encoders) for source in made}


def gathered(table: dict[str, list[Any]], target: Any, **request: Any) -> tuple[Material, Parted]:
    asked = Request(target, Modality.TEXT, **request)
    return gather(plait.read(table), asked, encoders_of, CONFIG, Progress(show=False))


def test_the_target_of_the_modality_is_made() -> None:
    table = {"a": ["u", "v", "w"], "b": ["some", "more", None], "n": [1.0, 2.5, 4.0]}
    material, parted = gathered(table, ["n", "b:text"], modalities={"a": "text"})
    assert material.target == "b"
    assert list(material.values) == ["some", "more"]
    assert material.others is not None
    assert material.others.name == "n"
    assert [source.name for source in material.sources] == ["a"]
    assert sorted([*parted.learning, *parted.judged]) == [0, 1]
    assert material.ledger.counts() == {"b": 1}


def test_without_media_rows_of_the_same_inputs_stay_together() -> None:
    table = plait.read({"a": ["x", "x", "y", None], "b": ["1", "1", "1", "1"]})
    sources = sources_of(detect(
        table, (), {"a": Modality.TEXT, "b": Modality.TEXT}
    ))  # fmt: skip
    keys, groups = keys_of(Reader(table, Ledger()), sources)
    assert keys[0] == keys[1] != keys[2]
    assert groups[0] == groups[1] != groups[2]


def test_what_is_refused() -> None:
    some = {"a": ["x y", "z w"], "b": ["some", "words"]}
    with pytest.raises(ColumnError, match="holds category .* and text is needed here; say b:text"):
        gathered(some, "b:category")
    with pytest.raises(ColumnError, match="Targets 'a', 'b' are texts, and one can be made"):
        gathered(some, ["a:text", "b:text"])
    with pytest.raises(TableError, match="No column is left to make 'b' from: a: ignored"):
        gathered(some, "b:text", ignore=["a"])
    one = {"a": ["x y", "z w"], "b": ["some", None]}
    with pytest.raises(TableError, match="Target 'b' is known in 1 row; 2 at least are needed"):
        gathered(one, "b:text", modalities={"a": "text"})
    nothing = {"a": [None, None], "b": ["some", "words"]}
    with pytest.raises(TableError, match="No row has a cell that can be read to make 'b' from"):
        gathered(nothing, "b:text", modalities={"a": "text"})
