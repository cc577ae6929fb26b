"""Masks of whatever is named: labels from a space that was never taught to segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.data.image import read_pictures
from plait.data.mask import Mask, default_colour
from plait.data.pixel_classes import PixelClasses
from plait.errors import ConfigError
from plait.explain.regions import Regions
from plait.progress import Progress
from plait.spaces.space import Space

NONE = "none of these"
"""The class of pixels that no label fits well enough."""


def word_classes(labels: Sequence[str]) -> PixelClasses:
    """Return the classes of masks by words: 0 for none of these, then the labels in order.

    Raises:
        ConfigError: when there are no labels, or one is empty or comes twice.
    """
    names = [label.strip() for label in labels]
    if not names or not all(names) or len(set(names)) < len(names):
        raise ConfigError(f"Labels must be different words, one at least, found {list(labels)}.")
    values = tuple(range(len(names) + 1))
    return PixelClasses(values, (NONE, *names), tuple(default_colour(value) for value in values))


def segment_by_words(
    space: Space,
    picture: Any,
    labels: Sequence[str],
    column: str | None = None,
    threshold: float | None = None,
) -> Mask:
    """Return for each pixel the label that it fits best, without any training on masks.

    The label of the highest cosine with each part of the picture, brought to the picture's size; as
    MaskCLIP (Zhou, Loy and Dai, ECCV 2022, section 3.2), and on tokens where the space was learned
    on them (`filip`). The cosine of a label of several words is the mean over its words.

    Args:
        space: of pictures and texts.
        picture: as a cell of a table holds it: its path, bytes, an array...
        labels: words, k of them.
        column: of the space that the picture is for; by default the only one there is.
        threshold: cosine below which a pixel is none of these; None lets the best label win always.

    Returns:
        (h w), 0 for none of these, 1 to k for the labels in order; see `word_classes`.

    Raises:
        ConfigError: when labels are empty or repeat, the threshold is no cosine, or the space
            cannot point into pictures.
        TableError: when the picture cannot be read.
    """
    names = word_classes(labels).names[1:]
    if threshold is not None and not -1 <= threshold <= 1:
        raise ConfigError(f"threshold is a cosine, from -1 to 1, found {threshold}.")
    found = [space.regions(picture, name, column, progress=Progress(show=False)) for name in names]
    scores = [own.cosines.mean(axis=0) for own in found if isinstance(own, Regions)]
    if len(scores) < len(names):
        raise ConfigError("The column holds sounds or videos; masks are of pictures.")
    return best_label(np.stack(scores), _size(picture), threshold)


def best_label(scores: np.ndarray, size: tuple[int, int], threshold: float | None) -> Mask:
    """Return (H W) labels from 1 on, of the highest scores (k h w); 0 below the threshold."""
    import torch
    from torch.nn.functional import interpolate

    sized = interpolate(torch.from_numpy(scores)[None], size, mode="bilinear")[0]
    highest, label = sized.max(dim=0)
    mask: Mask = (label + 1).numpy().astype(np.int32)
    return mask if threshold is None else np.where(highest.numpy() < threshold, 0, mask)


def _size(picture: Any) -> tuple[int, int]:
    """Return the height and width of the whole picture: spaces read large ones smaller."""
    first = read_pictures(picture, allow_outside=True)[0]
    return first.shape[0], first.shape[1]
