"""Denoise: what a pipeline of diffusers learns from pictures and their prompts."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from plait.errors import ModelError
from plait.fusion.fusion import Fusion, FusionConfig
from plait.tasks.draw import spread_times
from plait.tasks.task import Objective
from plait.types import Features

PROMPT = "prompt"
"""The one source: what the pipeline's text encoders make of a prompt."""

GOALS = ("epsilon", "v_prediction", "sample")
"""What a network that was trained with a schedule of noise may say of it."""

STEPS = 1000
"""Times of a flow, 0..1, in the steps that Stable Diffusion 3 counts."""


class AsTheyAre(Fusion):
    """The tokens and the vector of one source."""

    level = "representation"
    by_tokens = True
    large = True

    def __init__(self, width: int) -> None:
        super().__init__({PROMPT: width}, FusionConfig())

    @property
    def width(self) -> int:
        """That of the tokens."""
        return self.widths[PROMPT]

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return the one part."""
        return parts[0]


class Denoise(Objective):
    """The squared error of what a network says of a latent that is half noise.

    A share of the rows learns with the empty prompt, so that guidance has something to go away from
    (Ho and Salimans, 2022, algorithm 1).

    Args:
        network: of the pipeline.
        empty: the empty prompt, of one row.
        unconditioned: share of the rows that learn with it.
    """

    empty_tokens: Tensor
    empty_pooled: Tensor
    patch: int = 1
    """Cells of a latent that the network reads as one, on each side."""

    def __init__(self, network: nn.Module, empty: Features, unconditioned: float = 0.1) -> None:
        super().__init__()
        self.network, self.unconditioned = network, unconditioned
        self.register_buffer("empty_tokens", empty.tokens, persistent=False)
        self.register_buffer("empty_pooled", empty.pooled, persistent=False)

    @abstractmethod
    def errors(self, latents: Tensor, noise: Tensor, time: Tensor, features: Features) -> Tensor:
        """Return (b c h w) what the network says, less what is true.

        Args:
            latents: (b c h w).
            noise: (b c h w).
            time: (b) in 0..1, the share of the noise.
            features: of the prompts.
        """

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss, a scalar; the same noise each time when it is judged.

        Args:
            features: of b prompts.
            target: (b c h w) latents.
            weight: (b) weights of the rows.
        """
        generator = None if self.training else torch.Generator().manual_seed(0)
        if self.training:
            time = self.times(len(target))
            without = torch.rand(len(target)) < self.unconditioned
            features = self._emptied(features, without.to(target.device))
        else:
            time = spread_times(len(target), generator)
        noise = torch.randn(target.shape, generator=generator).to(target.device)
        errors = self.errors(target, noise, time.to(target.device), features)
        means = errors.float().square().flatten(1).mean(dim=1)
        return (means * weight).sum() / weight.sum().clamp_min(1e-12)

    def times(self, count: int) -> Tensor:
        """Return (count) times that are learned from."""
        return torch.rand(count)

    def _emptied(self, features: Features, without: Tensor) -> Features:
        tokens = torch.where(without[:, None, None], self.empty_tokens, features.tokens)
        pooled = torch.where(without[:, None], self.empty_pooled, features.pooled)
        return replace(features, tokens=tokens, pooled=pooled)

    def predict(self, features: Features) -> Tensor:
        """Return (b t d) the tokens of the prompts: what they draw, the pipeline draws."""
        return features.tokens


class DenoiseByNoise(Denoise):
    """As Stable Diffusion learned: the noise, the velocity or the latent at a step of its schedule.

    Ho, Jain and Abbeel (NeurIPS 2020, algorithm 1); Salimans and Ho (ICLR 2022) for the velocity.
    Whatever sampler a pipeline draws by, its noise is that of the schedule it was trained with.

    Raises:
        ModelError: when the pipeline knows no such schedule, or says something else of the noise.
    """

    def __init__(self, pipe: Any, empty: Features, unconditioned: float = 0.1) -> None:
        from diffusers import DDPMScheduler  # which whoever has a pipeline has imported

        super().__init__(pipe.unet, empty, unconditioned)
        if "beta_schedule" not in pipe.scheduler.config:
            raise ModelError(
                f"{type(pipe.scheduler).__name__} has another noise than this can learn from (it "
                "names no beta_schedule); use a pipeline whose noise is that of DDPM."
            )
        self.schedule: Any = DDPMScheduler.from_config(pipe.scheduler.config)
        goal = self.schedule.config.prediction_type
        if goal not in GOALS:
            raise ModelError(
                f"The network says {goal!r} of the noise, which cannot be learned here; it can be "
                f"one of {', '.join(GOALS)}."
            )

    def errors(self, latents: Tensor, noise: Tensor, time: Tensor, features: Features) -> Tensor:
        """Return (b c h w) of what the schedule says that the network gives."""
        steps = int(self.schedule.config.num_train_timesteps)
        number = (time * steps).long().clamp(max=steps - 1)
        between = self.schedule.add_noise(latents, noise, number)
        said: Tensor = self.network(
            between,
            number,
            encoder_hidden_states=features.tokens,
            added_cond_kwargs=self.more(latents, features),
        ).sample
        match self.schedule.config.prediction_type:
            case "v_prediction":
                return said - self.schedule.get_velocity(latents, noise, number)
            case "sample":
                return said - latents
            case _:
                return said - noise

    def more(self, latents: Tensor, features: Features) -> dict[str, Tensor] | None:
        """Return what the network reads beside the tokens."""
        return None


class DenoiseSized(DenoiseByNoise):
    """As SDXL learned: it reads the prompt's vector too, and how large a picture was before.

    Podell et al. (ICLR 2024, section 2.2): height and width, the corner that was cut out, and the
    side that is drawn, in pixels. Here pictures are squares of that side, cut at no corner.
    """

    def __init__(self, pipe: Any, empty: Features, unconditioned: float = 0.1) -> None:
        super().__init__(pipe, empty, unconditioned)
        self.cell = int(pipe.vae_scale_factor)

    def more(self, latents: Tensor, features: Features) -> dict[str, Tensor]:
        """Return the vectors (b p) and the sizes (b 6)."""
        height, width = (side * self.cell for side in latents.shape[2:])
        sizes = latents.new_tensor([height, width, 0, 0, height, width])
        return {"text_embeds": features.pooled, "time_ids": sizes.expand(len(latents), -1)}


class DenoiseByFlow(Denoise):
    """As Stable Diffusion 3 learned: the velocity of a rectified flow.

    Esser et al. (ICML 2024, section 3.1); there noise lies at time 1.
    """

    def __init__(self, pipe: Any, empty: Features, unconditioned: float = 0.1) -> None:
        super().__init__(pipe.transformer, empty, unconditioned)
        self.patch, config = int(pipe.transformer.config.patch_size), pipe.scheduler.config
        self.shift = 1.0 if config.use_dynamic_shifting else float(config.shift)

    def times(self, count: int) -> Tensor:
        """Return (count) times of a logit-normal distribution, shifted as the pipeline's are.

        t' = s t / (1 + (s - 1) t): the larger the picture, the more noise hides it (equation 23).
        """
        time = torch.randn(count).sigmoid()
        return self.shift * time / (1 + (self.shift - 1) * time)

    def errors(self, latents: Tensor, noise: Tensor, time: Tensor, features: Features) -> Tensor:
        """Return (b c h w) of the velocity."""
        share = time[:, None, None, None]
        return self.velocity((1 - share) * latents + share * noise, time, features) - (
            noise - latents
        )

    def velocity(self, between: Tensor, time: Tensor, features: Features) -> Tensor:
        """Return (b c h w), what the network says."""
        said: Tensor = self.network(
            hidden_states=between,
            timestep=time * STEPS,
            encoder_hidden_states=features.tokens,
            pooled_projections=features.pooled,
        ).sample
        return said


class DenoisePacked(DenoiseByFlow):
    """As FLUX learned: the same flow, of latents packed two by two into tokens."""

    def __init__(self, pipe: Any, empty: Features, unconditioned: float = 0.1) -> None:
        super().__init__(pipe, empty, unconditioned)
        self.patch = 2
        self.pack, self.unpack = pipe._pack_latents, pipe._unpack_latents
        self.ids, self.cell = pipe._prepare_latent_image_ids, pipe.vae_scale_factor
        self.guided = bool(pipe.transformer.config.guidance_embeds)

    def velocity(self, between: Tensor, time: Tensor, features: Features) -> Tensor:
        """Return (b c h w), what the network says."""
        (b, c, h, w), device = between.shape, between.device
        said: Tensor = self.network(
            hidden_states=self.pack(between, b, c, h, w),
            timestep=time,
            guidance=torch.ones(b, device=device) if self.guided else None,
            pooled_projections=features.pooled,
            encoder_hidden_states=features.tokens,
            txt_ids=torch.zeros(features.tokens.shape[1], 3, device=device),
            img_ids=self.ids(b, h // 2, w // 2, device, between.dtype),
        ).sample
        unpacked: Tensor = self.unpack(said, h * self.cell, w * self.cell, self.cell)
        return unpacked
