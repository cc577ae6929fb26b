"""How whole pretrained networks make a mask of a picture: by classes, by a phrase, by a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from plait.data.image import Picture
from plait.data.mask import Mask, default_colour
from plait.data.pixel_classes import PixelClasses
from plait.encoders.pretrained.pixels import Pixels, own_processor, sides
from plait.encoders.pretrained.text import load_tokenizer
from plait.encoders.pretrained.weights import load_network, quiet, read_json
from plait.errors import CellError, ModelError

OBJECT = PixelClasses((0, 1), ("background", "object"), (default_colour(0), default_colour(1)))
"""The classes of a mask of what was asked for."""


@dataclass(frozen=True)
class Prompt:
    """Where in a picture the thing is that is meant.

    Attributes:
        points: (x, y) in pixels of the picture.
        inside: whether each point lies on the thing; all do where this is empty.
        box: left, top, right, bottom around the thing, in pixels; or None.
    """

    points: tuple[tuple[float, float], ...] = ()
    inside: tuple[bool, ...] = ()
    box: tuple[float, float, float, float] | None = None


class Way(Protocol):
    """Makes masks with one network."""

    network: Any
    classes: PixelClasses

    def mask(self, picture: Picture, asked: str | Prompt | None, threshold: float) -> Mask:
        """Return the mask (h w) of one picture."""

    def pixels(self, picture: Picture) -> Tensor:
        """Return (1 3 h w) as the network reads a picture."""


class ByClass:
    """A class for every pixel: SegFormer, UperNet, BEiT, DPT, DeepLab, MaskFormer and their like.

    The model's own processor brings scores to the picture's size. Where it would cut out the
    middle, the whole picture is stretched to that size instead, so that the mask lies over it.

    Raises:
        ModelError: when its processor makes no masks.
    """

    def __init__(self, folder: Path, kind: Any) -> None:
        self.network = load_network(folder, kind)
        self.processor = own_processor(folder)
        if not hasattr(self.processor, "post_process_semantic_segmentation"):
            raise ModelError(
                f"{type(self.processor).__name__} of {str(folder)!r} makes no masks of classes."
            )
        names = {int(n): str(name) for n, name in self.network.config.id2label.items()}
        values = tuple(sorted(names))
        self.classes = PixelClasses(
            values, tuple(names[n] for n in values), tuple(default_colour(n) for n in values)
        )
        self._settings: dict[str, Any] = {}
        if getattr(self.processor, "do_center_crop", False):
            self._settings = {"do_center_crop": False, "size": sides(self.processor.crop_size)}
        oneformer = self.network.config.model_type == "oneformer"
        self._task = _task(folder) if oneformer else None

    def inputs(self, picture: Picture) -> dict[str, Any]:
        """Return what the network reads."""
        task = () if self._task is None else (["semantic"],)
        with quiet():
            found = self.processor([picture], *task, return_tensors="pt", **self._settings)
        return {**found} if self._task is None else {**found, "task_inputs": self._task}

    def pixels(self, picture: Picture) -> Tensor:
        """Return (1 3 h w)."""
        return self.inputs(picture)["pixel_values"]

    def mask(self, picture: Picture, asked: str | Prompt | None, threshold: float) -> Mask:
        """Return the most probable class of every pixel."""
        inputs = self.inputs(picture)
        offsets = inputs.pop("patch_offsets", None)  # of EoMT, which looks at parts of a picture
        outputs = self.network(**inputs)
        if offsets is not None:
            outputs.patch_offsets = offsets
        (found,) = self.processor.post_process_semantic_segmentation(
            outputs, target_sizes=[picture.shape[:2]]
        )
        return found.numpy().astype(np.int32)


def _task(folder: Path) -> Tensor:
    """Return (1 t) tokens by which OneFormer is told to name classes."""
    length = read_json(folder, "processor_config.json").get("task_seq_length", 77)
    found = load_tokenizer(folder)(
        ["the task is semantic"], padding="max_length", max_length=length, return_tensors="pt"
    )
    return found["input_ids"] * found["attention_mask"]


class ByPhrase:
    """What a phrase means: CLIPSeg, SAM 3."""

    classes = OBJECT

    def __init__(self, folder: Path, kind: Any) -> None:
        self.network = load_network(folder, kind)
        self.tokenizer = load_tokenizer(folder)
        self._pixels = Pixels(folder)
        config = self.network.config.text_config
        self.longest = int(config.max_position_embeddings)

    def pixels(self, picture: Picture) -> Tensor:
        """Return (1 3 h w)."""
        return self._pixels.normalise(self._pixels.prepare([picture]))

    def tokens(self, phrase: str) -> dict[str, Tensor]:
        """Return the tokens of a phrase.

        Raises:
            CellError: when it is empty, or longer than the network reads.
        """
        if not phrase.strip():
            raise CellError("the phrase is empty")
        found = self.tokenizer([phrase], return_tensors="pt")
        count = found["input_ids"].shape[1]
        if count > self.longest:
            raise CellError(f"the phrase has {count} tokens, the network reads {self.longest}")
        return {name: found[name] for name in ("input_ids", "attention_mask")}

    def mask(self, picture: Picture, asked: str | Prompt | None, threshold: float) -> Mask:
        """Return 1 where the phrase is meant more probably than the threshold, else 0."""
        assert isinstance(asked, str)
        outputs = self.network(pixel_values=self.pixels(picture), **self.tokens(asked))
        scores = getattr(outputs, "semantic_seg", None)
        if scores is None:
            scores = outputs.logits
        # CLIPSeg's have no axis for the one mask of a picture.
        scores = scores.reshape(1, 1, *scores.shape[-2:])
        sized = interpolate(scores.sigmoid(), picture.shape[:2], mode="bilinear")
        return (sized[0, 0] > threshold).numpy().astype(np.int32)


class ByPrompt:
    """The thing at some points or in a box: SAM and its followers."""

    classes = OBJECT

    def __init__(self, folder: Path, kind: Any) -> None:
        self.network = load_network(folder, kind)
        name = str(_settings(folder).get("image_processor_type", "")).removesuffix("Fast")
        # The first SAM keeps proportions and pads; later ones stretch.
        self.padded: Any = None
        if name.removesuffix("Pil") in PADDED:
            self.padded = own_processor(folder)
        else:
            self._stretched = Pixels(folder)

    def pixels(self, picture: Picture) -> Tensor:
        """Return (1 3 h w)."""
        if self.padded is None:
            return self._stretched.normalise(self._stretched.prepare([picture]))
        with quiet():
            return self.padded([picture], return_tensors="pt")["pixel_values"]

    def mask(self, picture: Picture, asked: str | Prompt | None, threshold: float) -> Mask:
        """Return 1 where the thing is that is meant, else 0: of several masks the surest."""
        assert isinstance(asked, Prompt)
        _require_inside(asked, picture)
        pixels = self.pixels(picture)
        size, frame = picture.shape[:2], (pixels.shape[-2], pixels.shape[-1])
        filled = frame if self.padded is None else _fitting(size, max(frame))
        several = asked.box is None and len(asked.points) == 1
        outputs = self.network(
            pixel_values=pixels, multimask_output=several, **_scaled(asked, size, filled)
        )
        best = int(outputs.iou_scores[0, 0].argmax())
        scores = outputs.pred_masks[0, 0, best][None, None]
        if self.padded is not None:
            scores = interpolate(scores, frame, mode="bilinear", align_corners=False)
            scores = scores[..., : filled[0], : filled[1]]
        sized = interpolate(scores, size, mode="bilinear", align_corners=False)
        logit = float(torch.logit(torch.tensor(threshold)))
        return (sized[0, 0] > logit).numpy().astype(np.int32)


PADDED = ("SamImageProcessor", "SamFeatureExtractor")
"""Processors that bring the longer side to a size, and pad."""


def _settings(folder: Path) -> dict[str, Any]:
    own = read_json(folder, "preprocessor_config.json")
    return own or dict(read_json(folder, "processor_config.json").get("image_processor") or {})


def _fitting(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return the height and width of a picture whose longer side is brought to a length."""
    scale = longest / max(size)
    return int(size[0] * scale + 0.5), int(size[1] * scale + 0.5)


def _scaled(prompt: Prompt, size: tuple[int, int], filled: tuple[int, int]) -> dict[str, Tensor]:
    """Return a prompt in pixels of what the network reads."""
    across = torch.tensor([filled[1] / size[1], filled[0] / size[0]])
    found: dict[str, Tensor] = {}
    if prompt.points:
        found["input_points"] = (torch.tensor(prompt.points) * across)[None, None]
        inside = prompt.inside or (True,) * len(prompt.points)
        found["input_labels"] = torch.tensor(inside).long()[None, None]
    if prompt.box is not None:
        found["input_boxes"] = (torch.tensor(prompt.box) * across.repeat(2))[None, None]
    return found


def _require_inside(prompt: Prompt, picture: Picture) -> None:
    """Refuse a prompt that says nothing about a picture.

    Raises:
        CellError: when it has neither points nor a box, or they do not lie in the picture.
    """
    high, wide = picture.shape[:2]
    if not prompt.points and prompt.box is None:
        raise CellError("the prompt has neither points nor a box")
    if prompt.inside and len(prompt.inside) != len(prompt.points):
        raise CellError(
            f"the prompt has {len(prompt.points)} points, and {len(prompt.inside)} words on them"
        )
    box = prompt.box
    corners = () if box is None else (box[:2], box[2:])
    for x, y in (*prompt.points, *corners):
        if not (0 <= x <= wide and 0 <= y <= high):
            raise CellError(f"({x:g}, {y:g}) does not lie in the picture of {wide}x{high} pixels")
    if box is not None and (box[0] >= box[2] or box[1] >= box[3]):
        raise CellError(f"a box is left, top, right, bottom, found {box}")
