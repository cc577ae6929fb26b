"""A model that draws: what was learned, the pictures of new rows, save and load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from plait.cache import Encoded
from plait.data.image import Picture
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.read_as import read_as
from plait.data.table import Table
from plait.drawer.building import build, canvas_of, network_of
from plait.drawer.canvas import Canvas, squares_of
from plait.drawer.card import drawer_card
from plait.drawer.drawn import Drawn
from plait.drawing.config import DrawingConfig
from plait.drawing.sampler import draw, noise_of
from plait.encoders.pretrained.tuned import learned_of, put_learned
from plait.errors import ConfigError, ModelError
from plait.fitting import fingerprint_of
from plait.folder import put_states, under
from plait.layers import on_accelerator
from plait.making.maker import Maker, Stored
from plait.progress import Progress
from plait.provenance.statement import GENERATOR, Statement
from plait.tasks.draw import Draw, unit
from plait.types import Features

if TYPE_CHECKING:
    from plait.evaluate.drawn import DrawnEvaluation
    from plait.spaces.space import Space


@dataclass(frozen=True)
class Drawer(Maker):
    """Draws a picture column from the others."""

    kind = "drawer"

    @property
    def task(self) -> Draw:
        """What draws."""
        assert isinstance(self.network.task, Draw)
        return self.network.task

    @cached_property
    def canvas(self) -> Canvas:
        """What is drawn on.

        Raises:
            ModelError: when the autoencoder is not the one that was learned with.
        """
        found = canvas_of(self.config.draw)
        learned = self.facts.get("canvas", found.identity)
        if learned != found.identity:
            raise ModelError(
                f"The model learned in the latents of another autoencoder than "
                f"{self.config.draw.autoencoder!r} is now ({learned} then, {found.identity} now). "
                "Bring back the old one, or fit again."
            )
        return found

    def predict(
        self,
        table: Any,
        progress: Progress | None = None,
        drawing: DrawingConfig | None = None,
        negative: Mapping[str, Any] | None = None,
        start: Sequence[Picture] | None = None,
        watermark: bool = True,
    ) -> Drawn:
        """Draw a picture for every row; cells and columns may be missing.

        Args:
            table: anything that `plait.read` takes.
            progress: where to show it.
            drawing: how; as the model was told when it learned, by default. Row r has seed + r.
            negative: values by column that the pictures shall not be like.
            start: a picture a row, to be edited.
            watermark: let them carry it.

        Raises:
            ConfigError: when there is not one picture a row to start from, or nothing is guided
                away from what is negative.
            TableError: when the table has none of the model's columns.
        """
        table, ledger = read_as(table, self.sources), Ledger()
        progress = progress or Progress()
        config = drawing or self.config.draw.drawing
        if start is not None and len(start) != len(table):
            raise ConfigError(
                f"There are {len(start)} pictures to start from, and {len(table)} rows; give one "
                "for each row."
            )
        if negative is not None and config.guidance == 1.0:
            raise ConfigError(
                "What a picture shall not be is heeded by guidance, and guidance 1 has none; raise "
                "it (--guidance 3)."
            )
        rows = self.encode(table, ledger, progress)
        seeds = [config.seed + row for row in range(len(table))]
        begin = None if start is None else squares_of(start, self.config.draw)
        with on_accelerator(self.network):
            against = None if negative is None else self._against(negative)
            pictures = self.drawn(rows, seeds, config, progress, against, begin)
        absent = tuple(name for name in self.columns if name not in table)
        said = self.statement(config, edited=start is not None)
        found = Drawn(
            self.target, tuple(pictures), tuple(seeds), said, (False,) * len(pictures), ledger,
            absent, self.cut(table),
        )  # fmt: skip
        return found.with_watermark() if watermark else found

    def drawn(
        self,
        rows: Encoded,
        seeds: Sequence[int],
        config: DrawingConfig,
        progress: Progress,
        against: Features | None = None,
        begin: np.ndarray | None = None,
    ) -> list[Picture | None]:
        """Return the pictures of encoded rows, without a watermark.

        Args:
            rows: n encoded ones.
            seeds: of each.
            config: how.
            progress: where to show it.
            against: of one row: what the pictures shall not be.
            begin: (n side side 3) uint8, to be edited.
        """
        found: list[Picture | None] = [None] * len(rows)
        flow, steps = self.task.flow, config.steps * -(-len(rows) // config.batch_size)
        with progress.stage(f"Drawing {self.target}", steps) as advance:
            for batch, features in self.batches(rows, config.batch_size):
                device = features.mask.device
                noise = noise_of(flow.shape, [seeds[row] for row in batch]).to(device)
                away = None
                if against is not None:
                    away = against.take(torch.zeros(len(batch), dtype=torch.long, device=device))
                before = None
                if begin is not None:
                    before = unit(self.canvas.put(begin[batch])).to(device)
                values = draw(flow, features, config, noise, away, before, advance).cpu()
                for row, picture in zip(batch, self.canvas.show(values), strict=True):
                    found[row] = picture
        return found

    def _against(self, values: Mapping[str, Any]) -> Features:
        table = Table.of({name: [value] for name, value in values.items()}, allow_outside=True)
        return self.joined(self.encode(table, Ledger(), Progress(show=False)))

    def cut(self, table: Table) -> dict[int, str]:
        """Return where texts are cut off that are longer than their encoder reads, by row."""
        encoders = {**self.encoders, **self.network.by_name}
        found: dict[int, str] = {}
        for source in self.sources:
            if source.kind != "text" or source.columns[0].stored not in table:
                continue
            for row, text in enumerate(table.values(source.columns[0].stored)):
                spans = encoders[source.name].spans(text) if isinstance(text, str) else None
                end = max((last for _, last in spans), default=0) if spans else None
                if isinstance(text, str) and end is not None and text[end:].strip():
                    found[row] = f"{source.name} is read up to {text[max(end - 20, 0) : end]!r}"
        return found

    def statement(self, config: DrawingConfig, prompt: str = "", edited: bool = False) -> Statement:
        """Return what a file says of how its picture was drawn."""
        settings: dict[str, str | int | float] = {
            "steps": config.steps, "guidance": config.guidance, "sampler": config.sampler,
        }  # fmt: skip
        if edited:
            settings["strength"] = config.strength
        return Statement(
            f"plait model of {self.target}", fingerprint_of(learned_of(self.network)), config.seed,
            prompt, settings, edited, GENERATOR,
        )  # fmt: skip

    def evaluate(
        self, table: Any, space: Space | None = None, progress: Progress | None = None
    ) -> DrawnEvaluation:
        """Judge what is drawn of rows whose picture is known.

        Args:
            table: anything that `plait.read` takes.
            space: aligned between pictures and what they are drawn from, which says how far a
                picture agrees with what was asked for.
            progress: where to show it.

        Raises:
            ColumnError: when the table lacks the target column.
            ConfigError: for a space that has no such groups.
            TableError: when no row has a picture and something to draw from.
        """
        from plait.drawer.evaluating import evaluate

        return evaluate(self, read(table), space, progress or Progress())

    def own(self) -> dict[str, Any]:
        """Return nothing: all is in the settings and facts."""
        return {}

    def card(self) -> str:
        """Return the model card, in Markdown."""
        return drawer_card(self)

    @staticmethod
    def load(folder: str | Path) -> Drawer:
        """Read what `save` wrote.

        Raises:
            ModelError: when it is no model that draws, or damaged, or its autoencoder cannot be
                had.
        """
        stored = Stored.read(folder, "drawer")
        document, config = stored.document, stored.config
        made = build(stored.sources, config)
        put_states(made.frozen, stored.states)
        shape = canvas_of(config.draw).shape
        network = network_of(document["widths"], made, shape, config)
        put_learned(network, under(stored.states, "network/"))
        return Drawer(
            stored.schema, document["target"], stored.sources, made.frozen, network.eval(), config,
            document["facts"], Ledger(),
        )  # fmt: skip
