"""Small pipelines of the true classes of diffusers, made and saved as their authors would."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def diffusers() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import diffusers
    return diffusers


def words(folder: Path) -> Any:
    """Return CLIP's tokenizer on letters alone."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    vocabulary = {token: n for n, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(
        vocab=vocabulary, merges=[], model_max_length=20, pad_token="<|endoftext|>"
    )


def autoencoder(scale: float = 0.5, shift: float | None = 0.1) -> Any:
    """Return one that makes a cell of two pixels."""
    torch.manual_seed(0)
    return diffusers().AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, norm_num_groups=4,
        sample_size=16, scaling_factor=scale, shift_factor=shift,
    ).eval()  # fmt: skip


def text_encoder(kind: str = "CLIPTextModel", seed: int = 1) -> Any:
    """Return one of CLIP's, by its class: with a projection it gives a vector too."""
    import transformers

    torch.manual_seed(seed)
    config = transformers.CLIPTextConfig(
        vocab_size=54, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=20, eos_token_id=53, bos_token_id=52,
        pad_token_id=53, projection_dim=16,
    )  # fmt: skip
    return getattr(transformers, kind)(config).eval()


def text_encoder_2() -> Any:
    """Return the second of SDXL's and Stable Diffusion 3's."""
    return text_encoder("CLIPTextModelWithProjection", 4)


def unet(seed: int, width: int, **own: Any) -> Any:
    """Return what denoises a Stable Diffusion pipeline, reading tokens of a width."""
    torch.manual_seed(seed)
    return diffusers().UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, sample_size=8, in_channels=4,
        out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=width,
        norm_num_groups=4, attention_head_dim=4, **own,
    )  # fmt: skip


def stable_diffusion(folder: Path) -> Path:
    """Save a Stable Diffusion pipeline of some ten thousand weights."""
    d = diffusers()
    pipe = d.StableDiffusionPipeline(
        vae=autoencoder(0.18215, None), text_encoder=text_encoder(), tokenizer=words(folder / "t"),
        unet=unet(2, 16), scheduler=d.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder / "sd", safe_serialization=True)
    return folder / "sd"


def sdxl(folder: Path) -> Path:
    """Save an SDXL pipeline likewise, that draws by Euler's steps as the published one does."""
    d = diffusers()
    more = {"addition_embed_type": "text_time", "addition_time_embed_dim": 4,
            "projection_class_embeddings_input_dim": 16 + 6 * 4}  # fmt: skip
    pipe = d.StableDiffusionXLPipeline(
        vae=autoencoder(0.13025, None), text_encoder=text_encoder(), tokenizer=words(folder / "t"),
        text_encoder_2=text_encoder_2(), tokenizer_2=words(folder / "t2"), unet=unet(5, 32, **more),
        scheduler=d.EulerDiscreteScheduler(
            steps_offset=1, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
        ),
        add_watermarker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder / "sdxl", safe_serialization=True)
    return folder / "sdxl"


def stable_diffusion_3(folder: Path) -> Path:
    """Save a Stable Diffusion 3 pipeline likewise, without its third text encoder."""
    d = diffusers()
    torch.manual_seed(6)
    transformer = d.SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=4, num_layers=1, attention_head_dim=8,
        num_attention_heads=2, joint_attention_dim=32, caption_projection_dim=16,
        pooled_projection_dim=32, out_channels=4, pos_embed_max_size=16,
    )  # fmt: skip
    pipe = d.StableDiffusion3Pipeline(
        transformer=transformer, scheduler=d.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=autoencoder(1.5, 0.06), text_encoder=text_encoder_2(), tokenizer=words(folder / "t"),
        text_encoder_2=text_encoder_2(), tokenizer_2=words(folder / "t2"), text_encoder_3=None,
        tokenizer_3=None,
    )  # fmt: skip
    pipe.save_pretrained(folder / "sd3", safe_serialization=True)
    return folder / "sd3"


def flux(folder: Path) -> Path:
    """Save a FLUX pipeline likewise."""
    from transformers import T5Config, T5EncoderModel

    d = diffusers()
    torch.manual_seed(3)
    transformer = d.FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=8,
        num_attention_heads=2, joint_attention_dim=16, pooled_projection_dim=16,
        axes_dims_rope=(2, 2, 4),
    )  # fmt: skip
    t5 = T5EncoderModel(T5Config(
        vocab_size=54, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2
    )).eval()  # fmt: skip
    pipe = d.FluxPipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(), vae=autoencoder(1.5, 0.2),
        text_encoder=text_encoder(), tokenizer=words(folder / "t"), text_encoder_2=t5,
        tokenizer_2=words(folder / "t2"), transformer=transformer,
    )  # fmt: skip
    pipe.save_pretrained(folder / "flux", safe_serialization=True)
    return folder / "flux"


def unconditional() -> Any:
    """Return a pipeline that takes no words."""
    d = diffusers()
    unet = d.UNet2DModel(
        sample_size=8, in_channels=3, out_channels=3, block_out_channels=(8,), norm_num_groups=4,
        down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",), layers_per_block=1,
        add_attention=False,
    )  # fmt: skip
    return d.DDPMPipeline(unet, d.DDPMScheduler())
