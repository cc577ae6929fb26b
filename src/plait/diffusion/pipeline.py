"""Whole pipelines of diffusers: Stable Diffusion, FLUX and their kin, as they are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from plait.data.image import Picture
from plait.diffusion.weights import diffusers_of, find_weights
from plait.encoders.pretrained.weights import identity, quiet, read_json
from plait.errors import ConfigError, ModelError

INDEX = "model_index.json"


@dataclass(frozen=True)
class Wish:
    """What a pipeline is asked for; None leaves a number to the pipeline.

    Attributes:
        prompt: in words.
        negative: what the picture shall not be; empty is nothing.
        steps: from noise to the picture.
        guidance: how strictly to go by the prompt.
        strength: of editing, in 0..1.
        side: of the picture, in pixels.
    """

    prompt: str
    negative: str = ""
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    side: int | None = None

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise ConfigError("What is to be drawn is empty; say it in words.")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"Setting 'steps' must be 1 or more, found {self.steps}.")
        if self.guidance is not None and self.guidance < 0:
            raise ConfigError(f"Setting 'guidance' must be 0 or more, found {self.guidance}.")
        if self.strength is not None and not 0 < self.strength <= 1:
            raise ConfigError(
                f"Setting 'strength' must be above 0 and up to 1, found {self.strength}."
            )


class Pipeline:
    """Draws from words by a pipeline of diffusers; no code of its repository is run.

    Args:
        name: its folder, or its name on the hub.
        lora: a folder that `plait.diffusion.lora` or peft wrote, with changes to it.

    Raises:
        MissingExtraError: when diffusers is not there.
        ModelError: when it cannot be had, is no pipeline, or has no safetensors.
    """

    def __init__(self, name: str, lora: Path | None = None) -> None:
        self.name, self.folder = name, find_weights(name)
        if not (self.folder / INDEX).is_file():
            raise ModelError(f"{name!r} has no {INDEX}, so it is no pipeline of diffusers.")
        self._diffusers = diffusers_of("An image pipeline")
        try:
            with quiet():
                self.pipe: Any = self._diffusers.DiffusionPipeline.from_pretrained(
                    self.folder, use_safetensors=True, **_left_out(self.folder)
                )
                if lora is not None:
                    self.pipe.load_lora_weights(lora, use_safetensors=True)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"Pipeline {name!r} cannot be read by diffusers: {error}") from error
        self.pipe.set_progress_bar_config(disable=True)
        if torch.cuda.is_available():
            self.pipe.to("cuda")

    @property
    def identity(self) -> str:
        """A hash of all its files."""
        return identity(self.folder, remember=True)

    def draw(
        self, wish: Wish, seeds: list[int], begin: Picture | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> list[Picture]:  # fmt: skip
        """Return a picture for each seed.

        Args:
            wish: what is asked for.
            seeds: of the noise of each.
            begin: (h w 3) uint8, to be edited.
            advance: is told of each picture.

        Raises:
            ConfigError: for what this pipeline does not take.
        """
        pipe, arguments = self._asked(wish, begin)
        found = []
        for seed in seeds:
            generator = torch.Generator().manual_seed(seed)
            with torch.no_grad():
                made = pipe(**arguments, generator=generator, output_type="np").images[0]
            found.append((np.asarray(made) * 255).round().clip(0, 255).astype(np.uint8))
            if advance is not None:
                advance(1)
        return found

    def _asked(self, wish: Wish, begin: Picture | None) -> tuple[Any, dict[str, Any]]:
        """Return the pipeline that does it, and what it is called with."""
        pipe = self.pipe if begin is None else self._editing()
        taken = inspect.signature(pipe.__call__).parameters
        arguments: dict[str, Any] = {"prompt": wish.prompt}
        said = {"num_inference_steps": wish.steps, "guidance_scale": wish.guidance}
        if begin is None:
            said |= {"height": wish.side, "width": wish.side}
        else:
            said |= {"strength": wish.strength}
            arguments["image"] = Image.fromarray(begin)
            if "height" in taken:  # otherwise it is that of the picture
                arguments |= {"height": begin.shape[0], "width": begin.shape[1]}
        arguments |= {name: value for name, value in said.items() if value is not None}
        if wish.negative:
            arguments |= self._against(wish, taken)
        unknown = [name for name in arguments if name not in taken]
        if unknown:
            raise ConfigError(
                f"{type(pipe).__name__} takes no {unknown[0]!r}; it takes "
                f"{', '.join(name for name in taken if name != 'self')}."
            )
        return pipe, arguments

    def _against(self, wish: Wish, taken: Mapping[str, Any]) -> dict[str, Any]:
        """Return how what is negative is said; models distilled with guidance need a second one."""
        found: dict[str, Any] = {"negative_prompt": wish.negative}
        if "true_cfg_scale" in taken:
            found["true_cfg_scale"] = 4.0 if wish.guidance is None else wish.guidance
        return found

    def _editing(self) -> Any:
        """Return the pipeline that begins with a picture, of the same networks."""
        try:
            pipe = self._diffusers.AutoPipelineForImage2Image.from_pipe(self.pipe)
        except ValueError as error:
            raise ConfigError(
                f"{type(self.pipe).__name__} cannot begin with a picture; leave out --start."
            ) from error
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def cut(self, prompt: str) -> str:
        """Return where a prompt is cut off that is longer than every text encoder reads, or ''."""
        ends = []
        for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
            tokenizer = getattr(self.pipe, name, None)
            if tokenizer is not None:
                most = min(tokenizer.model_max_length, 512)
                kept = tokenizer(prompt, truncation=True, max_length=most).input_ids
                whole = tokenizer(prompt).input_ids
                text = tokenizer.decode(kept, skip_special_tokens=True)
                ends.append(text if len(whole) > len(kept) else None)
        if not ends or None in ends:
            return ""
        longest = max((text for text in ends if text is not None), key=len)
        return f"the prompt is read up to {longest[-20:]!r}"


def _left_out(folder: Path) -> dict[str, None]:
    """Return the parts that a pipeline was saved without; diffusers wants to be told.

    Stable Diffusion 3 is often kept without the largest of its text encoders.
    """
    parts = read_json(folder, INDEX).items()
    return {name: None for name, part in parts if part == [None, None]}
