"""`plait draw`: pictures from a model that draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import Overwrite, show, show_json
from plait.errors import many

if TYPE_CHECKING:
    from plait.drawer.drawn import Drawn

Steps = Annotated[int | None, typer.Option(help="From noise to the picture; more take longer.")]
Guidance = Annotated[
    float | None, typer.Option(help="How strictly to go by what is said; 1 is as learned.")
]


def draw(
    model: Annotated[
        str,
        typer.Argument(
            help="A model that `plait fit --target COLUMN:image` wrote; a pipeline of diffusers, "
            "by its folder or name on the hub; or the name of a model at --with-endpoint."
        ),
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
    side: Annotated[
        int | None, typer.Option(min=8, help="Of a pipeline's picture, in pixels.")
    ] = None,
    lora: Annotated[
        Path | None, typer.Option(help="Folder of changes to a pipeline, learned by LoRA.")
    ] = None,
    with_endpoint: Annotated[
        str | None, typer.Option(help="Base URL of images/generations, as for `plait write`.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Environment variable of its key.")] = None,
    size: Annotated[str, typer.Option(help="Of an endpoint's picture, as in 1024x1024.")] = "",
    price: Annotated[float, typer.Option(help="Of one picture of an endpoint.")] = 0.0,
    max_cost: Annotated[float | None, typer.Option(help="Of all pictures together.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A field of the request, quality=high; null removes one."),
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="File of an endpoint's pictures so far.")
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
    from plait.commands.drawing import Asked, Hosted, draw_with
    from plait.commands.write import fields_of
    from plait.errors import ConfigError

    if strength is not None and start is None:
        raise ConfigError("--strength is of editing, which needs a picture: say --start FILE.")
    numbers = {"steps": steps, "guidance": guidance, "sampler": sampler, "seed": seed,
               "strength": strength}  # fmt: skip
    asked = Asked(
        model, given, negative or [], {k: v for k, v in numbers.items() if v is not None}, count,
        start, side, lora, not no_watermark, output, overwrite,
        None if with_endpoint is None else
        Hosted(with_endpoint, key, size, price, max_cost, fields_of(set_), answers),
    )  # fmt: skip
    found = draw_with(asked)
    paths = found.write(output, overwrite, not no_metadata)
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
