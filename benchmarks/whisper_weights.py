"""Whisper tiny.en from CTranslate2's file of weights to a folder of transformers in safetensors.

The file is read as CTranslate2 writes it (`python/ctranslate2/specs/model_spec.py`, version 6): a
name, a shape, a type and the bytes of each array. They are float16, as their authors published
them, so nothing is lost. No library gives these arrays to Python.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

HALF = 4
"""CTranslate2's number of the type float16."""

TINY = {
    "vocab_size": 51864, "num_mel_bins": 80, "d_model": 384, "max_source_positions": 1500,
    "max_target_positions": 448, "encoder_layers": 4, "encoder_attention_heads": 6,
    "encoder_ffn_dim": 1536, "decoder_layers": 4, "decoder_attention_heads": 6,
    "decoder_ffn_dim": 1536, "decoder_start_token_id": 50257, "pad_token_id": 50256,
    "bos_token_id": 50256, "eos_token_id": 50256,
}  # fmt: skip
"""The sizes of tiny.en (Radford et al., 2022, table 1), and its own tokens."""

SAMPLES = {
    "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "hop_length": 160,
    "n_fft": 400, "sampling_rate": 16000, "chunk_length": 30, "n_samples": 480000,
    "nb_max_frames": 3000, "padding_side": "right", "padding_value": 0.0,
    "return_attention_mask": False,
}  # fmt: skip
"""How sounds are prepared (section 2.2)."""


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the float16 arrays of a file of CTranslate2, by name."""
    with path.open("rb") as file:
        _number(file, "I")
        _name(file)
        _number(file, "I")
        return dict(_each(file, _number(file, "I")))


def _each(file: BinaryIO, count: int) -> Iterator[tuple[str, np.ndarray]]:
    for _ in range(count):
        name, rank = _name(file), _number(file, "B")
        shape = [_number(file, "I") for _ in range(rank)]
        kind, size = _number(file, "B"), _number(file, "I")
        content = file.read(size)
        if kind == HALF:
            yield name, np.frombuffer(content, np.float16).reshape(shape)


def _number(file: BinaryIO, kind: str) -> int:
    (found,) = struct.unpack(f"<{kind}", file.read(struct.calcsize(kind)))
    return int(found)


def _name(file: BinaryIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()


def renamed(theirs: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the weights under the names of transformers' Whisper."""
    import torch

    ours: dict[str, np.ndarray] = {}
    for side in ("encoder", "decoder"):
        ours |= _linear(f"model.{side}.layer_norm", theirs, f"{side}/layer_norm", "gamma", "beta")
        places = theirs[f"{side}/position_encodings/encodings"]
        ours[f"model.{side}.embed_positions.weight"] = places
        for number in range(TINY[f"{side}_layers"]):
            ours |= _layer(theirs, side, number)
    for name in ("conv1", "conv2"):
        ours |= _linear(f"model.encoder.{name}", theirs, f"encoder/{name}")
    ours["model.decoder.embed_tokens.weight"] = theirs["decoder/embeddings/weight"]
    ours["proj_out.weight"] = ours["model.decoder.embed_tokens.weight"]
    return {name: torch.from_numpy(own.copy()) for name, own in ours.items()}


def _layer(theirs: dict[str, np.ndarray], side: str, number: int) -> dict[str, np.ndarray]:
    own, their = f"model.{side}.layers.{number}", f"{side}/layer_{number}"
    norms = {"self_attn_layer_norm": "self_attention", "final_layer_norm": "ffn"}
    attentions = {"self_attn": "self_attention"}
    if side == "decoder":
        norms["encoder_attn_layer_norm"] = "attention"
        attentions["encoder_attn"] = "attention"
    ours: dict[str, np.ndarray] = {}
    for name, place in norms.items():
        ours |= _linear(f"{own}.{name}", theirs, f"{their}/{place}/layer_norm", "gamma", "beta")
    for name, place in attentions.items():
        ours |= _attention(f"{own}.{name}", theirs, f"{their}/{place}")
    for name, place in {"fc1": "linear_0", "fc2": "linear_1"}.items():
        ours |= _linear(f"{own}.{name}", theirs, f"{their}/ffn/{place}")
    return ours


def _attention(own: str, theirs: dict[str, np.ndarray], place: str) -> dict[str, np.ndarray]:
    """Return the maps of one attention, which CTranslate2 joins: q k v, or q and then k v."""
    apart = f"{place}/linear_2/weight" in theirs
    joined = ["linear_0", "linear_1"] if apart else ["linear_0"]
    width = TINY["d_model"]
    ours = _linear(f"{own}.out_proj", theirs, f"{place}/linear_{len(joined)}")
    for kind in ("weight", "bias"):
        rows = np.concatenate([theirs[f"{place}/{name}/{kind}"] for name in joined])
        for part, name in enumerate(("q_proj", "k_proj", "v_proj")):
            ours[f"{own}.{name}.{kind}"] = rows[part * width : (part + 1) * width]
    del ours[f"{own}.k_proj.bias"]  # is zero, and Whisper has none
    return ours


def _linear(
    own: str, theirs: dict[str, np.ndarray], place: str, *names: str
) -> dict[str, np.ndarray]:
    kinds = ("weight", "bias")
    return {
        f"{own}.{kind}": theirs[f"{place}/{name}"]
        for kind, name in zip(kinds, names or kinds, strict=True)
    }


def write_whisper(weights: Path, folder: Path) -> None:
    """Write a folder of transformers from a file of CTranslate2 and the tokenizer beside it."""
    import json

    import torch
    from transformers import (
        PreTrainedTokenizerFast,
        WhisperConfig,
        WhisperForConditionalGeneration,
    )

    config = json.loads((weights.parent / "config.json").read_text())
    model = WhisperForConditionalGeneration(WhisperConfig(**TINY))
    model.load_state_dict(renamed(arrays(weights)))
    model.generation_config.update(
        suppress_tokens=config["suppress_ids"], begin_suppress_tokens=config["suppress_ids_begin"],
        forced_decoder_ids=None, decoder_start_token_id=TINY["decoder_start_token_id"],
    )  # fmt: skip
    model.to(torch.float16).save_pretrained(folder)
    ends = dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), "<|endoftext|>")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(weights.parent / "tokenizer.json"), **ends
    )
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(SAMPLES, indent=1))
