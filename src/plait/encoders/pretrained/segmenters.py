"""Whole pretrained segmenters of transformers, by name or folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plait.data.image import Picture
from plait.data.mask import Mask
from plait.data.pixel_classes import PixelClasses
from plait.encoders.pretrained.segmenting import ByClass, ByPhrase, ByPrompt, Prompt, Way
from plait.encoders.pretrained.weights import find_model, read_json
from plait.errors import CellError, ConfigError, ModelError


class Segmenter:
    """A network that makes masks and was trained elsewhere.

    `classes` are its own: for networks that are asked for one thing, `background` and `object`.
    """

    def __init__(self, way: Way, folder: Path) -> None:
        self.way, self.folder = way, folder

    @classmethod
    def load(cls, name: str | Path) -> Segmenter:
        """Return the segmenter of a folder, or of a name on the hub.

        Raises:
            ModelError: when it is nowhere, cannot be read, or is no segmenter.
        """
        folder = find_model(str(name))
        return cls(_way(folder), folder)

    @property
    def classes(self) -> PixelClasses:
        """The classes of its masks."""
        return self.way.classes

    @property
    def network(self) -> Any:
        """The network itself, frozen."""
        return self.way.network

    @property
    def asks_for(self) -> str:
        """What it needs beside a picture: `phrases`, `prompts`, or nothing (empty)."""
        kinds = {ByPhrase: "phrases", ByPrompt: "prompts"}
        return next((name for kind, name in kinds.items() if isinstance(self.way, kind)), "")

    @torch.inference_mode()
    def predict(
        self,
        pictures: Sequence[Picture],
        phrases: Sequence[str | Prompt] | None = None,
        threshold: float = 0.5,
    ) -> list[Mask]:
        """Return the masks (h w) of pictures, each of its picture's size.

        Args:
            pictures: (h w 3) uint8 each.
            phrases: what is meant in each: words, or prompts of points and boxes; None for a
                network that names all its classes.
            threshold: probability in 0..1 from which a pixel belongs to what is meant.

        Raises:
            ConfigError: when it is asked in another way than it can be.
            CellError: when a phrase is empty or too long, or a prompt says nothing.
        """
        asked = self._asked(len(pictures), phrases)
        if not 0 < threshold < 1:
            raise ConfigError(f"threshold is {threshold}, expected a number between 0 and 1.")
        return [
            self.way.mask(picture, one, threshold)
            for picture, one in zip(pictures, asked, strict=True)
        ]

    def maps(self, pictures: Sequence[Picture]) -> tuple[Tensor, ...]:
        """Return the maps (b d h w) of its backbone, one a scale, finest first.

        Gradients reach the backbone where its weights are trained on.

        Args:
            pictures: b of them; the network must see them in one size.

        Raises:
            ModelError: when it works on one scale, or is asked for one thing.
            CellError: when the pictures come out in several sizes.
        """
        if self.asks_for:
            raise ModelError(f"{self.folder.name!r} makes masks of what it is asked for, not maps.")
        pixels = [self.way.pixels(picture) for picture in pictures]
        if len({own.shape for own in pixels}) > 1:
            raise CellError("the pictures have several sizes, and this network keeps proportions")
        found = _scales(self.network, torch.cat(pixels))
        if len(found) < 2:
            raise ModelError(
                f"The network in {str(self.folder)!r} has no maps of several scales; SegFormer and "
                "UperNet have."
            )
        return found

    def _asked(
        self, count: int, phrases: Sequence[str | Prompt] | None
    ) -> Sequence[str | Prompt | None]:
        """Return what is meant in each picture.

        Raises:
            ConfigError: when this is not what the network needs.
        """
        needs = self.asks_for
        kind = {"phrases": str, "prompts": Prompt}.get(needs)
        if kind is None and phrases is None:
            return [None] * count
        if kind is None:
            raise ConfigError(
                f"{self.folder.name!r} names its own {len(self.classes)} classes and takes no "
                "phrases; leave them out, or use CLIPSeg or SAM 3."
            )
        if phrases is None or not all(isinstance(one, kind) for one in phrases):
            how = (
                "phrase (--phrase)"
                if kind is str
                else "prompt with points or a box (--point, --box)"
            )
            raise ConfigError(f"{self.folder.name!r} needs a {how} for each picture.")
        if len(phrases) != count:
            raise ConfigError(f"{count} pictures, but {len(phrases)} {needs}; give one for each.")
        return phrases


def _way(folder: Path) -> Way:
    """Return how a network makes masks.

    Raises:
        ModelError: when it makes none.
    """
    import transformers

    config = read_json(folder, "config.json")
    kind = str(config.get("model_type"))
    names = [str(name) for name in config.get("architectures") or []]
    if any(name.endswith("ForSemanticSegmentation") for name in names):
        return ByClass(folder, transformers.AutoModelForSemanticSegmentation)
    if any(
        name.endswith(("ForUniversalSegmentation", "ForInstanceSegmentation")) for name in names
    ):
        return ByClass(folder, transformers.AutoModelForUniversalSegmentation)
    if kind == "clipseg":
        return ByPhrase(folder, transformers.CLIPSegForImageSegmentation)
    if kind in ("sam3", "sam3_video"):
        return ByPhrase(folder, transformers.Sam3Model)
    if kind in ("sam", "sam_hq", "sam2", "sam2_video", "sam3_tracker", "edgetam"):
        return ByPrompt(folder, transformers.AutoModelForMaskGeneration)
    raise ModelError(
        f"{str(folder)!r} is {', '.join(names) or kind}, which makes no masks. SegFormer, UperNet, "
        "BEiT, DPT, MobileNetV2 and MobileViT with DeepLab, MaskFormer, Mask2Former, OneFormer, "
        "EoMT, CLIPSeg and SAM do."
    )


def _scales(network: Any, pixels: Tensor) -> tuple[Tensor, ...]:
    """Return the last map of each size that a backbone makes, finest first."""
    # MaskFormer and its followers keep theirs further inside.
    inner = getattr(getattr(network, "model", None), "pixel_level_module", None)
    backbone = getattr(network, "backbone", None) if inner is None else inner.encoder
    if backbone is not None:
        found = backbone(pixels).feature_maps
    else:
        found = network.base_model(pixels, output_hidden_states=True).hidden_states
    sizes = {tuple(own.shape[-2:]): own for own in found if own.ndim == 4}
    return tuple(sizes[size] for size in sorted(sizes, reverse=True))
