"""`plait adapt`: a pipeline of diffusers learns from pictures and prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.commands.options import (
    ConfigFile,
    Encoding,
    Outside,
    Seed,
    TableArgument,
    Urls,
    read_table,
    settings_of,
    show,
)


def adapt(
    pipeline: Annotated[str, typer.Argument(help="Its folder, or its name on the hub.")],
    table: TableArgument,
    picture: Annotated[str, typer.Option(help="Column of pictures.")],
    prompt: Annotated[str, typer.Option(help="Column of texts.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of what was learned.")],
    side: Annotated[int | None, typer.Option(help="Of the pictures, in pixels.")] = None,
    rank: Annotated[int | None, typer.Option(help="Of the changes.")] = None,
    seed: Seed = None,
    config: ConfigFile = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was killed.")
    ] = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
) -> None:
    """Let a pipeline learn from pictures and prompts, by LoRA: small changes in a folder."""
    from plait.config import from_json
    from plait.diffusion.pipeline import Pipeline
    from plait.drawer.adapting import AdaptConfig, adapt
    from plait.progress import Progress
    from plait.train.record import Record

    said = {"side": side, "rank": rank, "seed": seed}
    values = settings_of(config) | {n: value for n, value in said.items() if value is not None}
    checkpoint = output.with_name(f".{output.name}-checkpoint.safetensors")
    if not resume:
        checkpoint.unlink(missing_ok=True)
    rows = read_table(table, allow_outside, allow_urls, encoding)
    adapt(
        Pipeline(pipeline), rows, picture, prompt, output, from_json(AdaptConfig, values),
        Record(checkpoint), Progress(lines=True),
    )  # fmt: skip
    checkpoint.unlink(missing_ok=True)
    show(f"Learned, in {output}. Next: plait draw {pipeline} 'what to draw' --lora {output}")
