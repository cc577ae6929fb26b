"""What a student is made of: a table of sizes, and the columns that it reads of its teacher's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plait.catalog import ENCODERS, FUSIONS
from plait.data.loader import Source, sources_of
from plait.data.table import Table
from plait.encoders.classical_image import ClassicalImageConfig
from plait.encoders.classical_text import ClassicalTextConfig
from plait.encoders.config import KINDS, EncoderConfig, choose_encoders
from plait.encoders.trained import TrainedConfig
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import Entrant
from plait.errors import ColumnError, ConfigError, did_you_mean, unknown
from plait.fusion.fusion import FusionConfig
from plait.parts import Parts
from plait.types import Column, Schema

NAME = "student"


@dataclass(frozen=True)
class Size:
    """How large a student is.

    Attributes:
        image: settings of its classical encoder of pictures.
        text: of its classical encoder of texts.
        trained: of its encoders that are trained.
        fusion: of what joins them.
    """

    image: ClassicalImageConfig
    text: ClassicalTextConfig
    trained: TrainedConfig
    fusion: FusionConfig


SIZES: Mapping[str, Size] = {
    "small": Size(
        ClassicalImageConfig(),
        ClassicalTextConfig(vocabulary=10_000, width=128),
        TrainedConfig(width=96, vocabulary=4000, longest=64),
        FusionConfig(width=128),
    ),
    "tiny": Size(
        ClassicalImageConfig(side=32, words=16, width=48),
        ClassicalTextConfig(vocabulary=3000, width=64),
        TrainedConfig(width=48, layers=1, vocabulary=2000, longest=32, side=48),
        FusionConfig(width=64),
    ),
}
"""The sizes that can be asked for."""

FUSION = "projection"


@dataclass(frozen=True)
class Plan:
    """A student that has not learned yet.

    Attributes:
        schema: the teacher's, with what the student does not read left out.
        sources: that it reads.
        entrant: the one network that it is.
        config: its settings.
    """

    schema: Schema
    sources: tuple[Source, ...]
    entrant: Entrant
    config: FitConfig


def plan(
    teacher: Parts,
    table: Table,
    size: str,
    columns: Sequence[str] | None,
    encoders: Sequence[str],
    seed: int,
) -> Plan:
    """Return what a student will be made of.

    Args:
        teacher: the model that it learns from.
        table: the rows that it learns from.
        size: of `SIZES`.
        columns: that it reads; those that the teacher reads and the table has, by default.
        encoders: words for encoders that are not to be chosen here; see `choose_encoders`.
        seed: of everything random.

    Raises:
        ColumnError: for a column that the teacher cannot read, or that the table does not have.
        ConfigError: for a size that is not known, or no column at all.
    """
    if size not in SIZES:
        raise ConfigError(unknown("Size", size, SIZES))
    names = _names(teacher, table, columns)
    schema = Schema(tuple(_left_out(column, names) for column in teacher.schema.columns))
    sources = sources_of(schema)
    level = FUSIONS[FUSION].level if len(sources) > 1 else "single"
    entrant = Entrant(NAME, level, "network", tuple(s.name for s in sources), FUSION)
    made = SIZES[size]
    own = replace(teacher.config.encoders, image=made.image, text=made.text, trained=made.trained)
    config = FitConfig(
        fusion=FUSION,
        fusion_settings=made.fusion,
        metric=teacher.config.metric,
        seed=seed,
        max_bad_share=teacher.config.max_bad_share,
        encoders=choose_encoders(encoders, _light(own)),
    )
    return Plan(schema, sources, entrant, config)


def _names(teacher: Parts, table: Table, columns: Sequence[str] | None) -> list[str]:
    """Return the names of the columns that the student reads."""
    if columns is None:
        read = [column for source in teacher.read for column in source.columns]
        return [column.name for column in read if column.stored in table]
    if not columns:
        raise ConfigError("A student of no columns would read nothing; name one at least.")
    allowed = {c.name: c for source in teacher.sources for c in source.columns}
    for name in columns:
        if name not in allowed:
            raise ColumnError(
                f"Column {name!r} is none that the teacher learned to read."
                f"{did_you_mean(name, allowed)}"
            )
        table.require(allowed[name].stored)
    return list(columns)


def _left_out(column: Column, names: Sequence[str]) -> Column:
    if column.left_out or column.name in names:
        return column
    return replace(column, left_out="not for the student")


def _light(teacher: EncoderConfig) -> EncoderConfig:
    """Return encoders that are light: plait's own in the student's size, none that is pretrained.

    In the place of a pretrained one stands the classical one: it is a few megabytes and, unlike
    one that is trained from scratch, needs no more rows than most tables have.
    """
    own = {kind: teacher.name(kind) for kind in KINDS}
    names: dict[str, Any] = {
        f"of_{kind}": name if name in ENCODERS[kind] else "classical" for kind, name in own.items()
    }
    return replace(teacher, **names)
