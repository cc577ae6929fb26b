"""LoRA: a pipeline of diffusers learns from pictures and prompts by small changes to itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from plait.chance import seeded
from plait.config import check_range
from plait.data.detect import detect
from plait.data.image import Picture
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.read import read
from plait.diffusion.pipeline import Pipeline
from plait.drawer.canvas import square
from plait.drawer.latents import Latents
from plait.encoders.pretrained.lora import HIGHER_RATE
from plait.errors import ConfigError, MissingExtraError, ModelError, TableError
from plait.making.training import large
from plait.network import Network
from plait.progress import Progress
from plait.tasks.denoise import (
    PROMPT,
    AsTheyAre,
    Denoise,
    DenoiseByFlow,
    DenoiseByNoise,
    DenoisePacked,
    DenoiseSized,
)
from plait.tasks.draw_config import DrawConfig
from plait.train.config import TrainConfig
from plait.train.record import Record
from plait.train.step import Lesson
from plait.types import Features, Modality
from plait.writing import replacing_folder

LAYERS = ["to_q", "to_k", "to_v", "to_out.0"]
"""That are changed: the maps of attention."""

WAYS: dict[str, type[Any]] = {
    "StableDiffusionPipeline": DenoiseByNoise,
    "StableDiffusionXLPipeline": DenoiseSized,
    "StableDiffusion3Pipeline": DenoiseByFlow,
    "FluxPipeline": DenoisePacked,
}
"""Pipelines that can learn, and how each learned."""


@dataclass(frozen=True)
class AdaptConfig:
    """Settings of changing a pipeline.

    Attributes:
        side: of the pictures, in pixels.
        fit: how other shapes become squares, as for a model of one's own.
        rank: of the changes.
        unconditioned: share of rows that learn without their prompt.
        seed: of everything random.
        train: settings of the training loop.
    """

    side: int = 512
    fit: Literal["crop", "pad"] = "crop"
    rank: int = 8
    unconditioned: float = 0.1
    seed: int = 0
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=50, least_steps=500, batch_size=4, learning_rate=1e-5 * HIGHER_RATE,
            weight_decay=0.0, clip=1.0, validation_share=0.0, modality_dropout=0.0,
        )
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_range(self, "side", 8, 4096)
        check_range(self, "rank", 1, 4096)
        check_range(self, "unconditioned", 0.0, 1.0)
        check_range(self, "seed", 0, 2**31 - 1)


def adapt(
    pipeline: Pipeline,
    table: Any,
    picture: str,
    prompt: str,
    folder: Path,
    config: AdaptConfig | None = None,
    record: Record | None = None,
    progress: Progress | None = None,
) -> Path:
    """Let a pipeline learn from pictures and prompts, and write what was learned.

    W + B A in place of the weights W of attention (Hu et al., LoRA, ICLR 2022, section 4.1),
    through peft; the folder is read by `plait draw --lora` and by diffusers.

    Args:
        pipeline: that is changed in place.
        table: anything that `plait.read` takes.
        picture: column of pictures.
        prompt: column of texts.
        folder: that is written, and must not be there.
        config: all settings.
        record: where what is under way is kept.
        progress: where to show it.

    Returns:
        The folder.

    Raises:
        ColumnError: for a column that is not there.
        ConfigError: when the folder is there, or for a side that the network does not draw.
        MissingExtraError: without peft.
        ModelError: for a kind of pipeline, or of noise, that cannot be learned here yet.
        TableError: when no row has both a picture and a prompt.
    """
    from plait.train.loop import train

    config, progress = config or AdaptConfig(), progress or Progress()
    if folder.exists():
        raise ConfigError(f"{str(folder)!r} exists already; choose another folder.")
    pipe, way = pipeline.pipe, WAYS.get(type(pipeline.pipe).__name__)
    if way is None:
        raise ModelError(
            f"{type(pipe).__name__} cannot learn here yet; pipelines that can: {', '.join(WAYS)}."
        )
    pictures, prompts = _pairs(table, picture, prompt, config)
    canvas = Latents(str(pipeline.folder), config.side)
    with seeded(config.seed):
        task: Denoise = way(pipe, nothing(pipe), config.unconditioned)
        _require_side(config.side, canvas, task.patch, type(pipe).__name__)
        network = _adapted(pipe, task, config.rank)
        features = encoded(pipe, prompts)
        whole = Network({}, AsTheyAre(features.width), task)
        target = canvas.put(pictures)
        lesson = Lesson({PROMPT: features}, target, torch.ones(len(target)))
        settings = large(config.train)
        with progress.stage(f"Learning from {len(target):,} pictures", settings.epochs) as advance:
            told = replace(record or Record(), watch=lambda _: advance(1))
            train(whole, lesson, settings, config.seed, None, told)
    _write(pipe, network, folder)
    return folder


def _require_side(side: int, canvas: Latents, patch: int, name: str) -> None:
    cells = canvas.shape.height
    if cells % patch:
        multiple = side // cells * patch
        raise ConfigError(
            f"{name} draws sides that are multiples of {multiple} pixels, and {side} is none; "
            f"choose {side // multiple * multiple or multiple} or another."
        )


def _pairs(
    table: Any, picture: str, prompt: str, config: AdaptConfig
) -> tuple[np.ndarray, list[str]]:
    """Return (n side side 3) uint8, and the prompts, of rows that have both."""
    table = read(table)
    schema = detect(table, (), {picture: Modality.IMAGE, prompt: Modality.TEXT})
    reader = Reader(table, Ledger())
    own = DrawConfig(side=config.side, patch=1, fit=config.fit)
    pictures: list[Picture] = []
    prompts: list[str] = []
    for row in range(len(table)):
        seen, said = (reader.cell(schema[name], row) for name in (picture, prompt))
        if seen is not None and said is not None:
            pictures.append(square(seen[0], own))
            prompts.append(said)
    if not pictures:
        raise TableError(f"No row has both a picture in {picture!r} and a text in {prompt!r}.")
    return np.stack(pictures), prompts


@torch.no_grad()
def encoded(pipe: Any, prompts: Sequence[str]) -> Features:
    """Return what a pipeline's text encoders make of prompts: tokens, and a vector of each."""
    found = [_encoded(pipe, prompt) for prompt in prompts]
    tokens, pooled = (torch.cat(part).float().cpu() for part in zip(*found, strict=True))
    mask = torch.ones(tokens.shape[:2], dtype=torch.bool)
    return Features.of_tokens(tokens, mask, pooled)


def _encoded(pipe: Any, prompt: str) -> tuple[Tensor, Tensor]:
    """Return the tokens (1 t d) and the vector (1 p) of a prompt."""
    plain = {"num_images_per_prompt": 1, "do_classifier_free_guidance": False}
    match type(pipe).__name__:
        case "FluxPipeline":
            longest = min(int(pipe.tokenizer_2.model_max_length), 512)
            found = pipe.encode_prompt(prompt, None, max_sequence_length=longest)
            return found[0], found[1]
        case "StableDiffusion3Pipeline":
            found = pipe.encode_prompt(prompt, None, None, **plain)
            return found[0], found[2]
        case "StableDiffusionXLPipeline":
            found = pipe.encode_prompt(prompt, None, **plain)
            return found[0], found[2]
    tokens = pipe.encode_prompt(prompt, pipe._execution_device, **plain)[0]
    return tokens, tokens.mean(dim=1)


def nothing(pipe: Any) -> Features:
    """Return the empty prompt as a pipeline draws without one: for SDXL it is zeros."""
    empty = encoded(pipe, [""])
    if not pipe.config.get("force_zeros_for_empty_prompt", False):
        return empty
    return replace(empty, tokens=0 * empty.tokens, pooled=0 * empty.pooled)


def _adapted(pipe: Any, task: Denoise, rank: int) -> Any:
    """Put changes into the network that denoises, which alone learn."""
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise MissingExtraError("LoRA needs peft: pip install 'plait[lora]'") from error
    network: Any = task.network
    network.requires_grad_(False)
    network.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=LAYERS))
    return network


def _write(pipe: Any, network: Any, folder: Path) -> None:
    from peft.utils import get_peft_model_state_dict

    states = get_peft_model_state_dict(network)
    part = "transformer" if hasattr(pipe, "transformer") else "unet"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(folder) as partial:
        pipe.save_lora_weights(partial, **{f"{part}_lora_layers": states}, safe_serialization=True)
