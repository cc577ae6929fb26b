"""`plait regions`: where in a picture, or when in a sound or a video, the words of a text are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import Overwrite, SpaceArgument, show

if TYPE_CHECKING:
    from plait.explain.regions import Moments, Regions

SUFFIXES = (".png", ".svg", ".pdf")


def regions(
    space: SpaceArgument,
    text: Annotated[str, typer.Option(help="Words that are looked for.")],
    image: Annotated[Path | None, typer.Option(help="A picture to look in.")] = None,
    sound: Annotated[Path | None, typer.Option("--sound", "--audio", help="A sound.")] = None,
    video: Annotated[Path | None, typer.Option(help="A video.")] = None,
    column: Annotated[
        str | None, typer.Option(help="Of the space that it is for, where there are several.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Of the heat, 0 to 1, from which a word counts as there in time.")
    ] = 0.5,
    output: Annotated[Path, typer.Option("--output", "-o", help=".png, .svg or .pdf")] = Path(
        "regions.png"
    ),
    overwrite: Overwrite = False,
) -> None:
    """Show where in a picture, or when in a sound or a video, each word of a text is."""
    from plait.errors import ConfigError
    from plait.explain.regions import Regions
    from plait.report.files import require_new
    from plait.spaces.space import Space

    require_new(output, overwrite, SUFFIXES)
    kinds = {"image": image, "audio": sound, "video": video}
    given = {kind: path for kind, path in kinds.items() if path is not None}
    if len(given) != 1:
        raise ConfigError(
            f"Say one of --image, --sound and --video, found {len(given)} of them: the file that "
            "is looked into."
        )
    ((kind, path),) = given.items()
    loaded = Space.load(space)
    own = [source.name for source in loaded.sources if source.kind == kind]
    if column is None and len(own) == 1:
        (column,) = own
    if column not in own:
        raise ConfigError(
            f"The space reads {', '.join(own) or 'no column'} as {kind}, and --column says "
            f"{column!r}."
        )
    found = loaded.regions(str(path), text, column, threshold)
    show("\n".join(_places(found) if isinstance(found, Regions) else _spans(found)))
    if found.words == (found.text,) and len(text.split()) > 1:
        show("The text is looked for as a whole: this space was not learned on tokens (--loss "
             "filip), or its text encoder keeps none.")  # fmt: skip
    show(f"Drawn to {found.draw(output)}.")


def _places(found: Regions) -> list[str]:
    lines = []
    for number, word in enumerate(found.words):
        height, width = found.point(number)
        best = float(found.cosines[number].max())
        lines.append(
            f"{word}: most at {height:.0%} from the top, {width:.0%} from the left (cosine "
            f"{best:.2f})"
        )
    return lines


def _spans(found: Moments) -> list[str]:
    lines = []
    for word, spans in zip(found.words, found.spans, strict=True):
        said = ", ".join(f"{start:.2f} to {end:.2f} s" for start, end in spans)
        lines.append(f"{word}: {said or 'nowhere above the threshold'}")
    return lines
