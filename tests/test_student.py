"""What a student is made of: sizes, encoders, columns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plait.data.loader import sources_of
from plait.data.table import Table
from plait.encoders.config import choose_encoders
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import Entrant
from plait.parts import Parts
from plait.student import SIZES, plan
from plait.tasks.target import Target
from plait.types import Column, Modality, Schema

SCHEMA = Schema((
    Column("photo", Modality.IMAGE), Column("clip", Modality.VIDEO),
    Column("clip.sound", Modality.AUDIO, of="clip"), Column("name", Modality.TEXT),
    Column("size", Modality.NUMBER), Column("weight", Modality.NUMBER),
    Column("id", Modality.TEXT, left_out="ignored"),
    Column("kind", Modality.CATEGORY, left_out="target"),
))  # fmt: skip
SOURCES = sources_of(SCHEMA)
TABLE = Table.of({column.stored: [None] for column in SCHEMA.columns})


def teacher(words: list[str] | None = None, read: tuple[str, ...] = ()) -> Parts:
    """Return a model of all sources, without what it learned."""
    names = read or tuple(source.name for source in SOURCES)
    config = FitConfig(encoders=choose_encoders(words or []), metric="f1_macro", max_bad_share=0.4)
    entrant = Entrant("concat", "feature", "network", names)
    target = Target("kind", "classify", ("a", "b"), (0.5, 0.5))
    return Parts(SCHEMA, target, SOURCES, entrant, (entrant,), {}, {}, None, config)


def made(words: list[str] | None = None, **more):
    said = {"table": TABLE, "size": "small", "columns": None, "encoders": [], "seed": 3}
    return plan(teacher(words), **(said | more))


def test_it_reads_what_the_teacher_reads_with_one_network() -> None:
    found = made()
    assert found.entrant.sources == ("photo", "clip", "clip.sound", "name", "table")
    assert (found.entrant.method, found.entrant.level) == ("network", "feature")
    assert (found.config.seed, found.config.metric, found.config.max_bad_share) == (
        3, "f1_macro", 0.4
    )  # fmt: skip
    some = plan(teacher(read=("name", "table")), TABLE, "small", None, [], 0)
    assert [source.name for source in some.sources] == ["name", "table"]


def test_columns_may_be_fewer_and_what_the_table_lacks_is_left_out() -> None:
    found = made(columns=["size", "clip.sound"])
    assert [source.name for source in found.sources] == ["clip.sound", "table"]
    assert [column.name for column in found.sources[1].columns] == ["size"]
    reasons = {column.name: column.left_out for column in found.schema.columns}
    assert reasons["photo"] == reasons["weight"] == "not for the student"
    assert (reasons["id"], reasons["kind"]) == ("ignored", "target")
    found = made(table=TABLE.drop(["clip", "size"]))
    assert [source.name for source in found.sources] == ["photo", "name", "table"]
    assert made(columns=["name"]).entrant.level == "single"


def test_pretrained_encoders_become_classical_and_trained_ones_smaller() -> None:
    large = made(["image=./vit", "text=owner/bert", "audio=gru"]).config.encoders
    assert [large.name(kind) for kind in ("image", "text", "audio", "video")] == [
        "classical", "classical", "gru", "classical"
    ]  # fmt: skip
    chosen = made(["text=owner/bert"], encoders=["text=lstm"]).config.encoders
    assert chosen.name("text") == "lstm"


@pytest.mark.parametrize("size", SIZES)
def test_a_size_is_smaller_than_what_is_usual(size) -> None:
    config, usual = made(size=size).config, FitConfig()
    assert config.encoders.trained.width < usual.encoders.trained.width
    assert config.encoders.text.vocabulary < usual.encoders.text.vocabulary
    assert config.encoders.image.width <= usual.encoders.image.width
    assert config.fusion_settings.width < usual.fusion_settings.width


def test_sizes_are_in_order() -> None:
    small, tiny = SIZES["small"], SIZES["tiny"]
    assert tiny.trained.width < small.trained.width
    assert tiny.image.width < small.image.width
    assert tiny.text.width < small.text.width
    assert tiny.fusion.width < small.fusion.width


def test_other_settings_of_the_teachers_encoders_stay() -> None:
    known = teacher()
    seen = replace(known.config.encoders, video=replace(known.config.encoders.video, frames=3))
    known = replace(known, config=replace(known.config, encoders=seen))
    assert plan(known, TABLE, "small", None, [], 0).config.encoders.video.frames == 3
