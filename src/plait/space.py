"""A space that groups of columns share: their vectors, zero-shot classes, save and load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from plait.cache import Encoded, encode
from plait.catalog import FUSIONS
from plait.config import check_range, from_json, to_json
from plait.data.histories import HistoryColumn, with_histories
from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.reference import joined_name, key_of, referred
from plait.data.table import Table
from plait.encoders.config import EncoderConfig
from plait.encoders.encoder import Encoder
from plait.encoders.history import HistoryConfig
from plait.encoders.pretrained.tuned import FineTuned, learned_of, put_learned, tuned_of
from plait.ensemble.entrants import build_encoder
from plait.errors import ConfigError, TableError, many, unknown
from plait.evaluate.retrieve import Retrieval
from plait.evaluate.sides import Side, Vectors
from plait.explain.pointing import Side as Pointed
from plait.explain.pointing import locate, located
from plait.explain.regions import Moments, Regions
from plait.folder import new_folder, put_states, read_schema, read_states, under, write_states
from plait.fusion.fusion import FusionConfig
from plait.fusion.tokens import TokenFusion
from plait.fusion.towers import SideBySide, Towers
from plait.grouping import Groups, content_keys, group_sources
from plait.layers import one_thread
from plait.model import prepare, prepare_raw
from plait.network import Network
from plait.progress import Progress
from plait.space_histories import (
    KIND,
    ByNumber,
    Items,
    history_encoders,
    history_samples,
    reader_of,
)
from plait.space_sides import judge, of_groups, sides_of
from plait.tasks.align import Align, AlignTaskConfig
from plait.train.config import TrainConfig
from plait.types import MEDIA, Features, Modality, Sample, Schema

SHOWN = ("recall@1", "recall@5", "recall@10", "median rank", "MRR")
"""Scores that tables show; all are in the facts."""

KEEP_TOKENS = ("concat", *(n for n, fusion in FUSIONS.items() if issubclass(fusion, TokenFusion)))
"""Fusions that leave all tokens to late interaction."""


@dataclass(frozen=True)
class AlignConfig:
    """Settings of `align`.

    Attributes:
        fusion: of the columns of each group, by its name in `plait.catalog.FUSIONS`; for the loss
            `filip` one of `KEEP_TOKENS`, of which `concat` then sets tokens side by side.
        fusion_settings: of that fusion.
        task: the loss, its temperature, the width of the space.
        encoders: which encoder reads what, and their settings.
        train: settings of the training loop on frozen Features.
        deep: settings of the training loop where encoders are trained from scratch.
        tuned: settings of the training loop where pretrained networks are trained on, after their
            maps have learned on them as they are.
        start: where linear maps on frozen encoders begin: `canonical`, as regularised canonical
            correlations of the rows that are learned from (`plait.fusion.canonical`), or `random`.
            Maps of tokens (`filip`), with a hidden layer, or beside encoders that are trained from
            scratch and histories begin at random; those of a joint model in its own space.
        history: how histories are read, if there are any.
        as_is: learn nothing; a joint model (CLIP, SigLIP, CLAP) has a space of its own.
        seed: of everything random.
        max_bad_share: share of a column's cells that may be unreadable before the run stops.
    """

    fusion: str = "concat"
    fusion_settings: FusionConfig = field(default_factory=FusionConfig)
    task: AlignTaskConfig = field(default_factory=AlignTaskConfig)
    encoders: EncoderConfig = field(default_factory=EncoderConfig)
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            batch_size=512, learning_rate=3e-3, weight_decay=0.1, patience=30, modality_dropout=0.0
        )
    )  # fmt: skip
    deep: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=30, least_steps=1000, batch_size=128, learning_rate=1e-3, weight_decay=0.05,
            patience=8, clip=1.0, modality_dropout=0.0,
        )
    )  # fmt: skip
    tuned: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=5, least_steps=100, batch_size=64, learning_rate=5e-4, weight_decay=0.1,
            patience=2, clip=1.0, modality_dropout=0.0,
        )
    )  # fmt: skip
    start: Literal["canonical", "random"] = "canonical"
    history: HistoryConfig = field(default_factory=HistoryConfig)
    as_is: bool = False
    seed: int = 0
    max_bad_share: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "seed", 0, 2**31 - 1)
        check_range(self, "max_bad_share", 0.0, 1.0)
        if self.fusion not in FUSIONS:
            raise ConfigError(unknown("Fusion", self.fusion, FUSIONS))
        if self.task.loss == "filip" and self.fusion not in KEEP_TOKENS:
            raise ConfigError(
                f"The loss 'filip' compares tokens, and the fusion {self.fusion!r} leaves one "
                f"vector a group; say one of {', '.join(KEEP_TOKENS)}, or another loss."
            )


@dataclass(frozen=True)
class Space:
    """What `align` learned: vectors of length 1 for each group of columns, near where they belong.

    Attributes:
        schema: of the table it learned from.
        groups: what is read of each group.
        encoders: frozen ones, by source.
        network: the towers, and the encoders that are trained with them.
        config: all settings.
        facts: plain JSON: scores of held-out rows, data fingerprint, versions.
        ledger: cells that could not be read while learning.
        items: what histories may name, by history.
    """

    schema: Schema
    groups: Groups
    encoders: Mapping[str, Encoder]
    network: Network
    config: AlignConfig
    facts: dict[str, Any] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger, repr=False)
    items: Mapping[str, Items] = field(default_factory=dict, repr=False)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources of all groups."""
        return tuple(source for own in self.groups.values() for source in own)

    def vectors(
        self,
        table: Any,
        group: str,
        progress: Progress | None = None,
        ledger: Ledger | None = None,
    ) -> np.ndarray:
        """Return (n d) float32 vectors of length 1 of a group; rows of NaN where it is missing.

        Args:
            table: anything that `plait.read` takes, with at least one of the group's columns; those
                of a joined table may have their own names, without that of the reference.
            group: by its name: its columns, with commas between them.
            progress: where to show it.
            ledger: where cells that cannot be read are noted.

        Raises:
            ConfigError: for a group that the space does not have.
            TableError: when the table has none of its columns.
        """
        rows = self._rows(table, group, progress, Ledger() if ledger is None else ledger)
        return of_groups(self.network, rows)[:, list(self.groups).index(group)]

    @torch.no_grad()
    def tokens(self, table: Any, group: str) -> Features:
        """Return the tokens of a group's rows in the space: all of them where the loss is FILIP.

        Args:
            table: see `vectors`.
            group: by its name.

        Raises:
            ConfigError: for a group that the space does not have.
            TableError: when the table has none of its columns.
        """
        rows, network = self._rows(table, group, None, Ledger()), self.network.eval()
        joined = network.fusion(network.encode(rows.inputs(network.fusion.widths, network.by_name)))
        own = joined.source == list(self.groups).index(group)
        return replace(joined, mask=joined.mask & own)

    def _rows(self, table: Any, group: str, progress: Progress | None, ledger: Ledger) -> Encoded:
        """Return the encoded rows of a table that has one of the group's columns."""
        own, table = self.require(group), self._ready(read(table), group, ledger)
        columns = [column.stored for source in own for column in source.columns]
        if not any(name in table for name in columns):
            raise TableError(
                f"The table has none of the columns of {group!r}. The space reads {columns}, the "
                f"table has {table.columns}."
            )
        return self._encode(table, own, ledger, progress or Progress())

    def groups_of(self, table: Table) -> list[str]:
        """Return the groups of which a table has a column, or the makings of a history."""
        found = []
        for group, own in self.groups.items():
            ready = self._ready(table, group, Ledger())
            if any(column.stored in ready for source in own for column in source.columns):
                found.append(group)
        return found

    def _ready(self, table: Table, group: str, ledger: Ledger) -> Table:
        """Return a table as a group reads it: with histories, and the names that joins give.

        A table that was joined when the space was learned may come by itself: its `age` is then
        read as `user.age`.
        """
        stored = {c.stored for source in self.groups[group] for c in source.columns}
        if stored & self.items.keys():
            table = self.with_histories(table, ledger)
        for column in self.schema.columns:
            start = joined_name(column.name, "")
            joined = sorted(name for name in stored if name.startswith(start))
            if column.modality is Modality.REFERENCE and not any(n in table for n in joined):
                for name in joined:
                    if (bare := name.removeprefix(start)) in table:
                        table = table.renamed(bare, name)
        return table

    def _side(self, table: Any, group: str, progress: Progress | None, ledger: Ledger) -> Side:
        """Return what is compared of a group's rows."""
        rows = self._rows(table, group, progress, ledger)
        return sides_of(self.network, rows)[list(self.groups).index(group)]

    def require(self, group: str) -> tuple[Source, ...]:
        """Return what is read of a group.

        Raises:
            ConfigError: when there is none of that name.
        """
        if group not in self.groups:
            raise ConfigError(unknown("Group of columns", group, self.groups))
        return self.groups[group]

    @one_thread()
    def _encode(
        self, table: Table, sources: Sequence[Source], ledger: Ledger, progress: Progress
    ) -> Encoded:
        """Return the encoded rows, with all other sources missing."""
        trained, reader = self.network.by_name, Reader(table, ledger)
        prepares = {n: e.preprocess for n, e in trained.items() if isinstance(e, FineTuned)}
        frozen = {n: e for n, e in self.encoders.items() if n not in prepares}
        made = {s.name: build_encoder(s, self.config.encoders) for s in sources
                if s.name in trained and s.name not in prepares and s.kind != KIND}  # fmt: skip
        made |= {s.name: frozen[s.name] for s in sources if s.name in frozen}
        samples = prepare(reader, sources, made, progress)[0]
        samples |= prepare_raw(reader, sources, prepares, (), progress)
        samples |= {s.name: self._history(reader, s) for s in sources if s.kind == KIND}
        nothing = [None] * len(table)
        whole = {source.name: samples.get(source.name, nothing) for source in self.sources}
        raw = {name: whole[name] for name in trained}
        return encode(frozen, whole, np.arange(len(table)), raw)

    def with_histories(self, table: Table, ledger: Ledger | None = None) -> Table:
        """Return the table with the histories that can be made of its rows.

        For who takes some rows of it later, which would not know of the others.
        """
        columns = [items.column for items in self.items.values()]
        ledger = Ledger() if ledger is None else ledger
        return with_histories(table, columns, self.config.history.longest, ledger)

    def _history(self, reader: Reader, source: Source) -> Sequence[Sample | None]:
        """Return the vectors of the items in the history of each row.

        Those that the space does not know are read where the table refers to them.
        """
        items, table = self.items[source.name], reader.table
        if items.column.items in table.references:
            named = {key for row in range(len(table)) for key in reader.value(source, row) or ()}
            named -= set(items.keys)
            whole = referred(table, items.column.items)
            keys = [key_of(value) for value in whole.values(items.column.items)]
            rows = [row for row, key in enumerate(keys) if key in named]
            if rows:
                group, quiet = reader_of(items.column, self.groups), Progress(show=False)
                vectors = self.vectors(whole.take(rows), group, quiet, reader.ledger)
                items = items.with_more([keys[row] or "" for row in rows], vectors)
        numbers = history_samples(reader, source, items.keys, self.config.history.longest)
        return ByNumber(numbers, items.vectors)

    def evaluate(self, table: Any, progress: Progress | None = None) -> tuple[Retrieval, ...]:
        """Let every group search every other, over all rows of a table; see `retrieve`.

        By late interaction where the space learned by FILIP, else by one vector a row.

        Raises:
            TableError: when no row has two groups.
        """
        ledger = Ledger()
        table = self.with_histories(read(table), ledger)
        rows = self._encode(table, self.sources, ledger, progress or Progress())
        keys = content_keys(Reader(table, ledger), self.groups)
        return judge(list(self.groups), sides_of(self.network, rows), keys, self.config.seed)

    def classify(
        self,
        table: Any,
        labels: Sequence[str],
        templates: Sequence[str] = ("{}",),
        progress: Progress | None = None,
        ledger: Ledger | None = None,
    ) -> np.ndarray:
        """Return (n c) probabilities of labels that were never learned, by the words' vectors.

        A label's vector is the mean over templates, as CLIP's (Radford et al., ICML 2021, section
        3.1.4). Where the space learned by FILIP, rows are compared with labels token by token, and
        templates by the mean of these scores (Yao et al., ICLR 2022, section 4.2). A row of NaN
        could not be read.

        Args:
            table: with the columns of a group that is not the text's.
            labels: c of them, words.
            templates: sentences with {} in the place of the label: "a photo of a {}".
            progress: where to show it.
            ledger: where cells that cannot be read are noted.

        Raises:
            ConfigError: when no group is a single column of text, or a template has no {}.
            TableError: when the table has no other group's columns.
        """
        table = read(table)
        words = self._words()
        for template in templates:
            if "{}" not in template:
                raise ConfigError(f"Template {template!r} has no {{}} for the label to stand in.")
        others = [name for name, own in self.groups.items() if name != words and any(
            column.stored in table for source in own for column in source.columns)]  # fmt: skip
        if not others:
            raise TableError(
                f"The table has none of the columns that words can be matched with; it has "
                f"{table.columns}, the space reads {[n for n in self.groups if n != words]}."
            )
        asked = {words: [t.replace("{}", label) for label in labels for t in templates]}
        told = self._side(asked, words, progress, Ledger())
        seen = self._side(table, others[0], progress, Ledger() if ledger is None else ledger)
        if isinstance(told, Vectors):
            means = told.values.reshape(len(labels), len(templates), -1).mean(axis=1)
            told = Vectors(means / np.linalg.norm(means, axis=1, keepdims=True))
        task = self.network.task
        assert isinstance(task, Align)
        found = seen.scores(told).reshape(len(table), len(labels), -1).mean(axis=2)  # type: ignore[arg-type]
        scores = task.scale().item() * np.where(seen.missing[:, None], np.nan, found)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    def regions(
        self,
        value: Any,
        text: str,
        column: str | None = None,
        threshold: float = 0.5,
        progress: Progress | None = None,
    ) -> Regions | Moments:
        """Return where in a picture, or when in a sound or a video, each word of a text is.

        The cosine of a word with each part of the picture, in a space that was learned on tokens
        (`filip`; Yao et al., ICLR 2022, section 3.4). One learned on pooled vectors cannot tell
        the words apart, so the text is looked for as a whole.

        Args:
            value: a picture, sound or video, as a cell of a table holds it: its path, bytes...
            text: words.
            column: of the space that the value is for; by default the only one there is.
            threshold: of the heat, in 0..1, for spans in time.
            progress: where to show it.

        Raises:
            ConfigError: when no group is a column of text, the column has no parts to point at,
                or the threshold is out of range.
            TableError: when the value or the text cannot be read.
        """
        if not 0 <= threshold <= 1:
            raise ConfigError(f"The threshold must be between 0 and 1, found {threshold}.")
        asked, source = self.groups[self._words()][0], self._media(column)
        cells = {asked.name: [text], source.columns[0].stored: [value]}
        table, ledger = Table.of(cells, allow_outside=True), Ledger()
        row = self._encode(table, (asked, source), ledger, progress or Progress(show=False))
        inputs = row.inputs(self.network.fusion.widths, self.network.by_name)
        for one in (source, asked):
            if not bool(inputs[one.name].present[0]):
                why = "".join(f": {reason}" for reason in ledger.entries.values())
                raise TableError(f"There is nothing to be read for column {one.name!r}{why}.")
        encoder = self.encoders.get(asked.name) or self.network.by_name[asked.name]
        asks, seen = (
            Pointed(one.name, number) for one in (asked, source)
            for number, own in enumerate(self.groups.values()) if one in own
        )  # fmt: skip
        words, cosines, found = locate(self.network, inputs, asks, seen, text, encoder.spans(text))
        picture = None
        if source.kind == "image":
            picture = Reader(table, ledger).value(source, 0)[0]
        return located(text, words, cosines, found, source.name, picture, threshold)

    def _media(self, column: str | None) -> Source:
        """Return the source of pictures, sounds or videos that is meant."""
        media = {source.name: source for source in self.sources if source.kind in MEDIA}
        if column is not None and column not in media:
            raise ConfigError(unknown("Column of pictures, sounds or videos", column, media))
        if column is None and len(media) != 1:
            raise ConfigError(
                f"The space has {many(len(media), 'column')} of pictures, sounds or videos "
                f"({', '.join(media) or 'none'}); regions are those of one: say which (column=...)."
            )
        return media[column or next(iter(media))]

    def _words(self) -> str:
        """Return the group that is a column of text."""
        for name, own in self.groups.items():
            if len(own) == 1 and own[0].kind == "text":
                return name
        raise ConfigError(
            f"No group is a single column of text, so labels cannot be written; the groups are "
            f"{list(self.groups)}."
        )

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the space as a folder of JSON and safetensors, under another name first.

        Raises:
            ModelError: when something is there and may not be replaced.
        """
        document = {
            "schema": to_json(self.schema),
            "groups": list(self.groups),
            "config": to_json(self.config),
            "widths": self.network.fusion.widths,
            "histories": [to_json(items.column) for items in self.items.values()],
            "facts": self.facts,
        }
        states = {f"encoders/{name}": e.state_dict() for name, e in self.encoders.items()}
        states |= {
            f"items/{name}": {
                "vectors": torch.from_numpy(own.vectors), "keys_extra_state": own.keys
            }
            for name, own in self.items.items()
        }  # fmt: skip
        with new_folder(folder, overwrite) as partial:
            write_states(
                partial, "space", document, {**states, "network": learned_of(self.network)}
            )
            (partial / "README.md").write_text(_card(self), encoding="utf-8")
            if len(self.ledger):
                self.ledger.write(partial / "skipped.csv")
        return Path(folder)

    @staticmethod
    def load(folder: str | Path) -> Space:
        """Read what `save` wrote.

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
        return Space(
            schema, groups, frozen, network.eval(), config, document["facts"], items=items
        )  # fmt: skip


def built(groups: Groups, config: AlignConfig) -> tuple[dict[str, Encoder], dict[str, Encoder]]:
    """Return the encoders that are frozen, and those that are trained, by source.

    Those of histories are of the network, whose towers they read by; see `towers_of`.
    """
    made = {s.name: build_encoder(s, config.encoders) for own in groups.values() for s in own
            if s.kind != KIND}  # fmt: skip
    frozen = {name: encoder for name, encoder in made.items() if not encoder.trained}
    return frozen, {name: made[name] for name in made.keys() - frozen.keys()}


def towers_of(
    groups: Groups,
    widths: Mapping[str, int],
    trained: Mapping[str, Encoder],
    config: AlignConfig,
    histories: Sequence[HistoryColumn] = (),
) -> Network:
    """Return the network: a fusion for each group, their maps into the space, and the loss."""
    settings, task = config.fusion_settings, config.task
    late = task.loss == "filip"
    fusion = SideBySide if late and config.fusion == "concat" else FUSIONS[config.fusion]
    fusions = [
        fusion({source.name: widths[source.name] for source in own}, settings)
        for own in groups.values()
    ]
    # Noise keeps pairs from being learned by heart, and hides what a history says of an order.
    noise = [0.0 if any(source.kind == KIND for source in own) else task.noise
             for own in groups.values()]  # fmt: skip
    towers = Towers(fusions, task.width, task.hidden, settings, noise, late)
    encoders = {**trained, **history_encoders(towers, groups, histories, config.history)}
    ordered = {name: encoders[name] for name in sorted(encoders)}
    return Network(ordered, towers, Align(len(groups), task))


def _card(space: Space) -> str:
    """Return what a person should know of a space, as Markdown."""
    columns = "\n".join(
        f"| {group} | {column.name} | {column.modality.value} | {column.evidence} |"
        for group, own in space.groups.items() for source in own for column in source.columns
    )  # fmt: skip
    scores = "\n".join(
        f"| {one['query']} | {one['found']} | {one['queries']} | {one['gallery']} | "
        + " | ".join(f"{one['scores'][name]['value']:.3f}" for name in SHOWN)
        + " |"
        for one in space.facts["retrieval"]
    )
    head = " | ".join(("asks", "is searched", "queries", "gallery", *SHOWN))
    rows, apart = space.facts["rows"], space.facts["apart"]
    note = "" if apart else ", before the space was learned again from all rows"
    return (
        f"# A plait space of {' and '.join(f'`{name}`' for name in space.groups)}\n\n"
        f"Learned from {rows:,} rows by {space.config.task.loss}; vectors of "
        f"{space.config.task.width} numbers, of length 1.\n\n"
        f"| group | column | modality | evidence |\n| --- | --- | --- | --- |\n{columns}\n\n"
        f"Search among {space.facts['judged']:,} held-out rows{note}:\n\n"
        f"| {head} |\n|{' --- |' * (4 + len(SHOWN))}\n{scores}\n"
    )
