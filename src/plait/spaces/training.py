"""How the towers of a space are learned: maps on frozen Features first, then networks, if asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from plait.cache import Encoded, encode, fit_and_encode
from plait.chance import seeded
from plait.encoders.encoder import Encoder
from plait.encoders.history import History
from plait.encoders.pretrained.tuned import tuned_of
from plait.layers import threads
from plait.network import Network
from plait.progress import Progress
from plait.spaces.config import AlignConfig
from plait.spaces.histories import ByNumber, Items, give_items, take_items
from plait.spaces.joint import begin_in
from plait.spaces.material import ItemRows, Material
from plait.spaces.network import built, towers_of
from plait.spaces.start import Start, begin_canonical
from plait.tasks.align import Align
from plait.train.config import TrainConfig
from plait.train.record import Record

if TYPE_CHECKING:
    from plait.train.step import Lesson


@dataclass(frozen=True)
class Learned:
    """What was learned of some rows.

    Attributes:
        frozen: encoders that stay as they are, by source.
        network: the towers, and the encoders that are trained with them.
        kept: share of the way that weights were let go from where a joint model, canonical
            correlations or a pretrained network began; by the stage's name.
        start: the canonical correlations that the maps began as, if they did.
        items: what histories may name, by history, as the network reads it now.
    """

    frozen: Mapping[str, Encoder]
    network: Network
    kept: dict[str, float] = field(default_factory=dict)
    start: Start | None = None
    items: dict[str, Items] = field(default_factory=dict)


def learn(material: Material, rows: np.ndarray, config: AlignConfig, progress: Progress) -> Learned:
    """Return encoders and towers that learned from some rows."""
    frozen, trained = built(material.groups, config)
    nothing, tunes = np.zeros((len(rows), 1)), config.encoders.finetune.way != "none"
    # Maps of frozen Features are small products, in which threads wait for one another.
    many = bool(trained) or tunes
    with seeded(config.seed), threads(torch.get_num_threads() if many else 1):
        encoded = fit_and_encode(
            frozen, material.rows.samples, rows, nothing, config.seed, material.rows.raw
        )  # fmt: skip
        for name, encoder in trained.items():
            encoder.fit(encoded.raw[name], nothing, config.seed)
        items = {name: _encoded(own, frozen) for name, own in material.items.items()}
        columns = [own.column for own in material.items.values()]
        widths = {**encoded.widths(trained), **dict.fromkeys(items, config.task.width)}
        network = towers_of(material.groups, widths, trained, config, columns)
        give_items(network, items)
        assert isinstance(network.task, Align)
        network.task.count(torch.from_numpy(material.keys[rows]))
        if material.joint is not None:
            begin_in(network, material.joint)
        stages = _Stages(material, rows, encoded, items, config, progress)
        kept: dict[str, float] = {}
        start = stages.begin(network)
        if not config.as_is:
            kept |= stages.maps(network, start is not None or material.joint is not None)
            if tunes:
                network, more = stages.networks(network, frozen)
                kept |= more
    known = {name: Items(material.items[name].column, material.items[name].keys, vectors)
             for name, vectors in take_items(network).items()}  # fmt: skip
    return Learned(frozen, network.eval(), kept, start, known)


def held_out(material: Material, learned: Learned, rows: np.ndarray) -> Encoded:
    """Return rows as what was learned reads them, which need not be of those it learned from."""
    looked = {name: ByNumber(material.rows.raw[name], items.vectors)
              for name, items in learned.items.items()}  # fmt: skip
    raw = {**material.rows.raw, **looked}
    return encode(learned.frozen, material.rows.samples, rows, raw)


@dataclass(frozen=True)
class _Stages:
    """The two stages of learning, on the same rows."""

    material: Material
    rows: np.ndarray
    encoded: Encoded
    items: Mapping[str, Encoded]
    config: AlignConfig
    progress: Progress

    def begin(self, network: Network) -> Start | None:
        """Let the maps begin as canonical correlations, if they can and should."""
        from plait.train.loop import split

        config = self.config
        linear = not (config.task.hidden or network.by_name or config.task.loss == "filip")
        if config.start == "random" or self.material.joint or not linear:
            return None
        lesson, share = self._lesson(network), config.train.validation_share
        rows = split(lesson, share, torch.Generator().manual_seed(config.seed))
        return begin_canonical(network, lesson, *rows)

    def maps(self, network: Network, begun: bool) -> dict[str, float]:
        """Train the maps into the space, and the encoders that begin with nothing.

        Where they had begun somewhere, the best on the way from there is kept.
        """
        from plait.train.interpolate import interpolate
        from plait.train.loop import validate
        from plait.train.optimise import weights_of

        deep = any(not isinstance(encoder, History) for encoder in network.by_name.values())
        settings = self.config.deep if deep else self.config.train
        start = weights_of(network)
        self._train(network, settings, "Aligning")
        if not begun:
            return {}
        lesson = self._lesson(network)
        costs = interpolate(
            network, start, lambda: validate(network, lesson, settings, self.config.seed)
        )
        return {"maps": _best(costs)}

    def networks(
        self, network: Network, frozen: Mapping[str, Encoder]
    ) -> tuple[Network, dict[str, float]]:
        """Train the pretrained networks on with the maps that were learned on them as they were."""
        from plait.train.loop import validate
        from plait.train.tuning import train_on

        settings, seed = self.config.tuned, self.config.seed
        encoders = {**network.by_name, **tuned_of(frozen, self.config.encoders.finetune)}
        ordered = {name: encoders[name] for name in sorted(encoders)}
        whole = Network(ordered, network.fusion, network.task)
        give_items(whole, self.items)
        lesson = self._lesson(whole)
        costs = train_on(
            whole, lesson, seed,
            lambda: self._train(whole, settings, "Training networks on"),
            lambda: validate(whole, lesson, settings, seed),
        )  # fmt: skip
        return whole, {"networks": _best(costs)}

    def _lesson(self, network: Network) -> Lesson:
        from plait.train.step import Lesson

        return Lesson(
            self.encoded.inputs(network.fusion.widths, network.by_name),
            torch.from_numpy(self.material.keys[self.rows]),
            torch.ones(len(self.rows)),
            self.material.together[self.rows],
        )

    def _train(self, network: Network, settings: TrainConfig, what: str) -> None:
        from plait.train.loop import train

        title = f"{what}, {len(self.rows):,} rows"
        with self.progress.stage(title, settings.epochs) as advance:
            record = Record(None, lambda _: advance(1))
            train(network, self._lesson(network), settings, self.config.seed, None, record)


def _best(costs: Mapping[float, float]) -> float:
    return min(costs, key=costs.__getitem__)


def _encoded(items: ItemRows, frozen: Mapping[str, Encoder]) -> Encoded:
    """Return all items of a history, by encoders that are fitted."""
    own, raw = items.rows.samples, items.rows.raw
    reads = {name: frozen[name] for name in own if name in frozen}
    return encode(reads, own, np.arange(len(items.keys)), raw)
