"""What draws for `plait draw`: a model of plait, or a pipeline of diffusers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plait.config import from_json, to_json
from plait.data.image import Picture, read_pictures
from plait.data.table import Table
from plait.diffusion.pipeline import Pipeline, Wish
from plait.drawer.asking import said, values_of
from plait.drawer.drawer import Drawer
from plait.drawer.drawn import Drawn, places_of
from plait.drawing.config import DrawingConfig
from plait.errors import CellError, ConfigError
from plait.hosted.endpoint import EndpointConfig
from plait.hosted.images import Order, order_pictures
from plait.progress import Progress
from plait.provenance.statement import GENERATOR, Statement


@dataclass(frozen=True)
class Hosted:
    """Where an endpoint is, and what it may cost; see `plait.hosted.images.Order`."""

    url: str
    key: str | None
    size: str
    price: float
    cost: float | None
    fields: dict[str, Any]
    answers: Path | None


@dataclass(frozen=True)
class Asked:
    """What a command line asks for.

    Attributes:
        model: a folder, or a name on the hub.
        given: what to draw.
        negative: what it shall not be.
        numbers: steps, guidance, sampler, seed and strength, as far as they were said.
        count: of pictures.
        start: a picture to be edited.
        side: of a pipeline's picture.
        lora: changes to a pipeline.
        watermark: whether pictures carry it.
        output: folder that they are for.
        overwrite: whether files in it may be replaced.
        hosted: the endpoint that draws; None for what draws here.
    """

    model: str
    given: Sequence[str]
    negative: Sequence[str]
    numbers: dict[str, Any]
    count: int
    start: Path | None
    side: int | None
    lora: Path | None
    watermark: bool
    output: Path
    overwrite: bool
    hosted: Hosted | None

    def seeds(self, first: int | None) -> tuple[int, ...]:
        """Return the seed of each picture, -1 where it is not known.

        Raises:
            ConfigError: when there are such files already, before time and money is spent.
        """
        found = tuple(-1 if first is None else first + number for number in range(self.count))
        places_of(self.output, found, [True] * self.count, self.overwrite)
        return found

    @property
    def begin(self) -> Picture | None:
        """The picture to be edited.

        Raises:
            ConfigError: when it cannot be read.
        """
        if self.start is None:
            return None
        try:
            return read_pictures(str(self.start.absolute()), allow_outside=True)[0]
        except CellError as error:
            raise ConfigError(f"{str(self.start)!r} cannot be started from: {error}") from error


def draw_with(asked: Asked) -> Drawn:
    """Return the pictures of what draws."""
    if asked.hosted is not None:
        return _by_endpoint(asked, asked.hosted)
    if (Path(asked.model) / "plait.json").is_file() or not _may_be_pipeline(asked.model):
        return _by_drawer(asked)
    return _by_pipeline(asked)


def _may_be_pipeline(name: str) -> bool:
    return (Path(name) / "model_index.json").is_file() or not Path(name).exists()


def _by_drawer(asked: Asked) -> Drawn:
    for name, value in (("--side", asked.side), ("--lora", asked.lora)):
        if value is not None:
            raise ConfigError(
                f"{name} is for pipelines of diffusers; a model of plait has its own."
            )
    drawer = Drawer.load(asked.model)
    values = values_of(drawer, asked.given)
    config = from_json(DrawingConfig, to_json(drawer.config.draw.drawing) | asked.numbers)
    asked.seeds(config.seed)
    against = values_of(drawer, asked.negative) if asked.negative else None
    rows = {name: [value] * asked.count for name, value in values.items()}
    begin = None if asked.begin is None else [asked.begin] * asked.count
    found = drawer.predict(
        Table.of(rows, allow_outside=True), Progress(), config, against, begin, asked.watermark
    )
    if all(picture is None for picture in found.pictures):
        why = "; ".join(found.skipped.entries.values())
        raise ConfigError(f"There is nothing to draw from{': ' + why if why else ''}.")
    name = Path(asked.model).resolve().name
    return replace(found, statement=replace(found.statement, model=name, prompt=said(asked.given)))


def _by_pipeline(asked: Asked) -> Drawn:
    numbers = dict(asked.numbers)
    if "sampler" in numbers:
        raise ConfigError("A pipeline has its own sampler (its scheduler); leave out --sampler.")
    seed = int(numbers.pop("seed", 0))
    wish = Wish(said(asked.given), said(asked.negative), side=asked.side, **numbers)
    seeds, begin = asked.seeds(seed), asked.begin
    pipeline = Pipeline(asked.model, asked.lora)
    with Progress().stage("Drawing", asked.count) as advance:
        pictures = pipeline.draw(wish, list(seeds), begin, advance)
    cut = pipeline.cut(wish.prompt)
    if asked.lora is not None:
        numbers["lora"] = str(asked.lora)
    statement = Statement(
        asked.model, pipeline.identity, seed, wish.prompt, numbers, begin is not None, GENERATOR
    )
    found = Drawn(
        "picture", tuple(pictures), seeds, statement, (False,) * len(pictures),
        cut={0: cut} if cut else {},
    )  # fmt: skip
    return found.with_watermark() if asked.watermark else found


def _by_endpoint(asked: Asked, hosted: Hosted) -> Drawn:
    numbers = dict(asked.numbers)
    seed = numbers.pop("seed", None)
    here: dict[str, Any] = {**numbers, "start": asked.start, "negative": asked.negative or None,
                            "side": asked.side, "lora": asked.lora}  # fmt: skip
    for name, value in here.items():
        if value is not None:
            raise ConfigError(
                f"An endpoint knows no --{name}; where its server has such a field, say it with "
                "--set FIELD=VALUE."
            )
    seeds = asked.seeds(None if seed is None else int(seed))
    order = Order(said(asked.given), asked.count, hosted.size, seed, hosted.price, hosted.cost)
    config = EndpointConfig(hosted.url, asked.model, hosted.key, body=hosted.fields, timeout=300.0)
    with Progress().stage("Drawing", asked.count) as advance:
        found = order_pictures(order, config, hosted.answers, advance)
    statement = Statement(
        f"{asked.model} at {config.base}", "", seeds[0], order.prompt, {}, False, GENERATOR
    )
    drawn = Drawn("picture", tuple(found.pictures), seeds, statement, (False,) * asked.count)
    return drawn.with_watermark() if asked.watermark else drawn
