"""`plait segment`: masks by a pretrained segmenter, or by words from an aligned space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plait.commands.options import Overwrite, show

if TYPE_CHECKING:
    from plait.data.mask import Mask
    from plait.data.pixel_classes import PixelClasses
    from plait.encoders.pretrained.segmenters import Segmenter
    from plait.encoders.pretrained.segmenting import Prompt

LEAST = 0.005
"""Share of a picture from which a class is named."""


def segment(
    model: Annotated[
        str,
        typer.Argument(
            help="A segmenter of transformers, its folder or name on the hub; or a space that "
            "`plait align` wrote, with --labels."
        ),
    ],
    pictures: Annotated[list[Path], typer.Argument(help="Files of pictures.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder for masks, and pictures under them.")
    ] = Path("masks"),
    phrase: Annotated[str | None, typer.Option(help="What is meant (CLIPSeg, SAM 3).")] = None,
    point: Annotated[
        list[str] | None, typer.Option(help="X,Y in pixels on what is meant (SAM); repeat it.")
    ] = None,
    box: Annotated[str | None, typer.Option(help="LEFT,TOP,RIGHT,BOTTOM around it (SAM).")] = None,
    labels: Annotated[str | None, typer.Option(help="For a space: words, with commas.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Probability of what is meant (0.5), or cosine of a label (none)."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the masks of pictures by a pretrained segmenter, or by words from an aligned space."""
    from plait.errors import CellError, ConfigError, TableError, many
    from plait.report.files import require_new

    prompt = _prompt(point, box)
    files = {path: output / f"{path.stem}.png" for path in pictures}
    if len(set(files.values())) < len(files):
        raise ConfigError("Two pictures have the same name; segment them into different folders.")
    for file in files.values():
        require_new(file, overwrite)
    asked = phrase if prompt is None else prompt
    if sum(said is not None for said in (labels, phrase, prompt)) > 1:
        raise ConfigError("Say one of --labels, --phrase, and --point with --box: what is meant.")
    classes, masked = (
        _by_words(model, labels.split(","), threshold)
        if labels is not None
        else _by_network(model, asked, threshold)
    )
    unread = 0
    for path, file in files.items():
        try:
            show(f"{path}: {_written(path, masked(path), classes, file)}")
        except (CellError, TableError) as error:
            unread += 1
            show(f"{path}: {error}")
    if unread == len(files):
        raise ConfigError(
            f"Nothing could be made of {many(unread, 'picture')}, for the reasons above."
        )
    show(f"Masks are in {output}, and pictures under them in *_over.png.")


def _by_words(
    model: str, labels: list[str], threshold: float | None
) -> tuple[PixelClasses, Callable[[Path], Mask]]:
    from plait.open_vocabulary import segment_by_words, word_classes
    from plait.spaces.space import Space

    space, classes = Space.load(model), word_classes(labels)
    return classes, lambda path: segment_by_words(space, str(path), labels, None, threshold)


def _by_network(
    model: str, asked: str | Prompt | None, threshold: float | None
) -> tuple[PixelClasses, Callable[[Path], Mask]]:
    from plait.data.image import read_pictures
    from plait.encoders.pretrained.segmenters import Segmenter

    network: Segmenter = Segmenter.load(model)

    def masked(path: Path) -> Mask:
        picture = read_pictures(path, allow_outside=True)
        given = None if asked is None else [asked]
        (mask,) = network.predict(picture, given, 0.5 if threshold is None else threshold)
        return mask

    return network.classes, masked


def _written(path: Path, mask: Mask, classes: PixelClasses, file: Path) -> str:
    """Write a mask, and its picture under it; return what has most of it."""
    import numpy as np

    from plait.data.image import read_pictures
    from plait.data.mask import write_mask
    from plait.report.mask_sheet import write_covered

    write_mask(mask, file, classes.palette)
    (picture,) = read_pictures(path, allow_outside=True)
    numbers = classes.encode(mask)
    write_covered(picture, numbers, classes, file.with_name(f"{file.stem}_over.png"))
    shares = np.bincount(numbers.ravel(), minlength=len(classes)) / numbers.size
    order = [n for n in np.argsort(-shares, kind="stable").tolist() if shares[n] >= LEAST]
    return ", ".join(f"{classes.names[n]} {shares[n]:.1%}" for n in order)


def _prompt(points: list[str] | None, box: str | None) -> Prompt | None:
    from plait.encoders.pretrained.segmenting import Prompt

    if not points and box is None:
        return None
    there = tuple((x, y) for x, y in (_numbers(point, "point", 2) for point in points or []))
    if box is None:
        return Prompt(there)
    left, top, right, bottom = _numbers(box, "box", 4)
    return Prompt(there, box=(left, top, right, bottom))


def _numbers(text: str, name: str, count: int) -> list[float]:
    """Return numbers that are written with commas.

    Raises:
        ConfigError: when there are more or fewer, or they are none.
    """
    from plait.errors import ConfigError

    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count:
        raise ConfigError(f"--{name} is {text!r}, expected {count} numbers with commas.")
    return found
