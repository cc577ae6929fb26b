"""`plait embed` and `cache`: the vectors of pretrained networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plait.commands.options import (
    Columns,
    Encoders,
    Encoding,
    Ignore,
    Join,
    Outside,
    Overwrite,
    Sounds,
    Urls,
    names_of,
    read_table,
    show,
    write_skipped,
)
from plait.errors import many


def embed(
    source: Annotated[
        str,
        typer.Argument(
            metavar="[SPACE] TABLE",
            help="CSV, TSV, JSONL, Parquet, Arrow, .tar, a folder, or a URI; after a space that "
            "`plait align` wrote, for the vectors of its groups of columns.",
        ),
    ],
    table: Annotated[str | None, typer.Argument(metavar="", show_default=False)] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="Of columns of the space; may be repeated. All that the table has."),
    ] = None,
    encoders: Encoders = None,
    output: Annotated[Path, typer.Option("--output", "-o", help=".parquet")] = Path(
        "vectors.parquet"
    ),
    image: Columns = None,
    text: Columns = None,
    audio: Sounds = None,
    video: Columns = None,
    ignore: Ignore = None,
    overwrite: Overwrite = False,
    allow_outside: Outside = False,
    allow_urls: Urls = False,
    encoding: Encoding = None,
    join: Join = None,
) -> None:
    """Write the vectors that networks make of pictures, texts, sounds and videos, or a space."""
    from plait.errors import ConfigError
    from plait.progress import Progress
    from plait.report.files import require_new
    from plait.spaces.space import Space
    from plait.spaces.vectors import embed_groups
    from plait.vectors import embed as embed_columns

    require_new(output, overwrite, [".parquet"])
    said = {"image": image, "text": text, "audio": audio, "video": video}
    modalities = {name: kind for kind, names in said.items() for name in names_of(names)}
    if table is not None and (encoders or ignore or modalities):
        raise ConfigError(
            "A space knows what it reads: with one, --encoders, --ignore and what columns hold "
            "cannot be said."
        )
    if table is None and group:
        raise ConfigError("--group is one of a space: plait embed SPACE TABLE --group NAME.")
    rows = read_table(table or source, allow_outside, allow_urls, encoding, join)
    if table is None:
        found = embed_columns(
            rows, names_of(encoders), modalities=modalities, ignore=names_of(ignore),
            progress=Progress(lines=True),
        )  # fmt: skip
    else:
        found = embed_groups(Space.load(source), rows, group or [], Progress(lines=True))
    found.write(output)
    for name, vectors in found.columns.items():
        missing = int((vectors != vectors).all(axis=1).sum())
        show(f"{name}: {many(len(vectors) - missing, 'vector')} of {vectors.shape[1]} numbers"
               + (f", {many(missing, 'row')} missing" if missing else ""))  # fmt: skip
    show(f"Written to {output}.")
    write_skipped(found.skipped, output)


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete all of it.")] = False,
) -> None:
    """Show or clear what pretrained networks made of files and texts before."""
    from plait.store import HOME, LIMIT, default_store

    store = default_store()
    if clear:
        store.clear()
        show(f"Cleared {store.path.parent}.")
        return
    held = store.contents()
    show(f"{many(held.values, 'value')}, {held.size / 1e9:.2f} of {held.limit / 1e9:g} GB, in "
           f"{held.path}. Another folder or limit: ${HOME}, ${LIMIT}.")  # fmt: skip
