"""`plait draw`: pictures from a model that draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import Overwrite, show, show_json
from plait.errors import many

if TYPE_CHECKING:
    from plait.drawer.drawn import Drawn
    from plait.drawing.config import DrawingConfig

Steps = Annotated[int | None, typer.Option(help="From noise to the picture; more take longer.")]
Guidance = Annotated[
    float | None, typer.Option(help="How strictly to go by what is said; 1 is as learned.")
]


def draw(
    model: Annotated[
        Path, typer.Argument(help="A model that `plait fit --target COLUMN:image` wrote.")
    ],
    given: Annotated[
        list[str],
        typer.Argument(help="What to draw: texts, files or COLUMN=VALUE, of one row."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of PNG files.")] = Path(
        "drawn"
    ),
    count: Annotated[int, typer.Option(min=1, help="Pictures, each with the next seed.")] = 1,
    steps: Steps = None,
    guidance: Guidance = None,
    sampler: Annotated[str | None, typer.Option(help="euler or heun.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the first picture.")] = None,
    negative: Annotated[
        list[str] | None, typer.Option(help="What it shall not be, as what to draw; repeated.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="A picture to be edited.")] = None,
    strength: Annotated[
        float | None, typer.Option(help="Of editing: 1 leaves nothing of it, near 0 nearly all.")
    ] = None,
    no_watermark: Annotated[
        bool, typer.Option("--no-watermark", help="Leave out the invisible watermark.")
    ] = False,
    no_metadata: Annotated[
        bool, typer.Option("--no-metadata", help="Do not say in the file how it was drawn.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Draw pictures of what is said; they say by what they were drawn, and carry a watermark."""
    from dataclasses import replace

    from plait.data.image import read_pictures
    from plait.data.table import Table
    from plait.drawer.asking import said, values_of
    from plait.drawer.drawer import Drawer
    from plait.errors import CellError, ConfigError
    from plait.progress import Progress

    if strength is not None and start is None:
        raise ConfigError("--strength is of editing, which needs a picture: say --start FILE.")
    drawer = Drawer.load(model)
    values = values_of(drawer, given)
    config = _drawing(drawer.config.draw.drawing, steps, guidance, sampler, seed, strength)
    against = values_of(drawer, negative) if negative else None
    try:
        begin = None if start is None else read_pictures(str(start.absolute()), allow_outside=True)
    except CellError as error:
        raise ConfigError(f"{str(start)!r} cannot be started from: {error}") from error
    table = Table.of({name: [value] * count for name, value in values.items()}, allow_outside=True)
    found = drawer.predict(
        table, Progress(), config, against, None if begin is None else begin[:1] * count,
        not no_watermark,
    )  # fmt: skip
    if all(picture is None for picture in found.pictures):
        why = "; ".join(found.skipped.entries.values())
        raise ConfigError(f"There is nothing to draw from{': ' + why if why else ''}.")
    found = replace(found, statement=replace(found.statement, model=model.resolve().name))
    paths = found.write(output, overwrite, not no_metadata, [said(given)] * count)
    if json:
        show_json([str(path) for path in paths])
        return
    for path in paths:
        show(str(path))
    say_of(found, not no_watermark)


def say_of(found: Drawn, watermark: bool) -> None:
    """Say what a person should know of pictures that were drawn."""
    for row, words in list(found.cut.items())[:1]:
        show(f"Too long: {many(len(found.cut), 'row')}, of which {row}: {words}; the rest was not "
             "heeded.")  # fmt: skip
    without = sum(
        picture is not None and not marked
        for picture, marked in zip(found.pictures, found.marked, strict=True)
    )
    if watermark and without:
        show(f"Too small or plain to carry a watermark: {many(without, 'picture')}.")


def _drawing(
    own: DrawingConfig,
    steps: int | None,
    guidance: float | None,
    sampler: str | None,
    seed: int | None,
    strength: float | None,
) -> DrawingConfig:
    """Return how pictures are drawn: as the model was told, and what was said over it."""
    from plait.config import from_json, to_json
    from plait.drawing.config import DrawingConfig

    said = {"steps": steps, "guidance": guidance, "sampler": sampler, "seed": seed,
            "strength": strength}  # fmt: skip
    values = to_json(own) | {name: value for name, value in said.items() if value is not None}
    return from_json(DrawingConfig, values)
