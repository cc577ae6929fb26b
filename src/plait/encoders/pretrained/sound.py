"""Pretrained networks for sounds: Whisper, wav2vec 2.0 and kin, AST, the sound side of CLAP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.data.audio import Sound
from plait.encoders.padding import padded, prefixes
from plait.encoders.pretrained.backbone import Backbone, require_output
from plait.encoders.pretrained.shared import load_shared
from plait.encoders.pretrained.weights import quiet
from plait.errors import ModelError
from plait.types import Features

SHORTEST_SECONDS = 0.1
"""Shorter sounds are filled up with silence: networks on waves need a few hundred samples."""


class SoundBackbone(Backbone):
    """One sound a row, of which the first seconds are heard.

    The vector is the projection that texts are compared with (CLAP), the network's own (AST), or
    the mean of the frames in which there is sound (Whisper's encoder, wav2vec 2.0): their authors
    define none.

    Args:
        folder: of the model.
        longest: seconds that are heard, at most; models of a fixed window hear no more than that.

    Raises:
        ModelError: when the model reads no sounds.
    """

    kind = "audio"

    def __init__(self, folder: Path, longest: float = 30.0) -> None:
        super().__init__(folder)
        self.network = load_shared(folder)
        name = self.network.main_input_name
        if name not in ("input_features", "input_values") and not self._joint:
            raise ModelError(f"The model in {str(folder)!r} reads {name}, not sounds.")
        self.extractor = _extractor(folder)
        self.rate = int(self.extractor.sampling_rate)
        window = getattr(self.extractor, "nb_max_samples", 0) or getattr(
            self.extractor, "chunk_length", 0) * self.rate  # fmt: skip
        self.seconds = min(longest, window / self.rate) if window else longest

    @property
    def _joint(self) -> bool:
        return hasattr(self.network, "get_audio_features")

    def prepare(self, value: Sound) -> tuple[np.ndarray, ...]:
        """Return what the network reads, and the seconds of sound in it."""
        heard = value.at(self.rate, self.seconds).samples
        least = round(SHORTEST_SECONDS * self.rate)
        heard = np.pad(heard, (0, max(least - len(heard), 0)))[: round(self.seconds * self.rate)]
        with quiet():
            found = self.extractor(heard, sampling_rate=self.rate, return_tensors="np")
        values = found["input_features" if "input_features" in found else "input_values"][0]
        return np.asarray(values, np.float32), np.array([len(heard) / self.rate], np.float32)

    def length(self, sample: tuple[np.ndarray, ...]) -> int:
        """Return the number of samples of a wave; spectra are all of one length."""
        return len(sample[0]) if sample[0].ndim == 1 else 0

    def forward(self, samples: Sequence[tuple[np.ndarray, ...]]) -> Features:
        """Return Features; tokens are frames with their times."""
        seconds = torch.from_numpy(np.concatenate([sample[1] for sample in samples]))
        if samples[0][0].ndim == 1:
            return self._hear_waves([sample[0] for sample in samples], seconds)
        values = torch.from_numpy(np.stack([sample[0] for sample in samples]))
        if self._joint:
            return self._hear_joint(values, seconds)
        network = self.network
        if network.config.is_encoder_decoder:
            network = network.get_encoder()
        output = network(values)
        tokens = require_output(output, "last_hidden_state", self.folder)
        pooled = getattr(output, "pooler_output", None)
        if pooled is not None:
            return self._on_grid(tokens, pooled, seconds)
        # The window is longer than most sounds; what is behind them is silence.
        frames = seconds * (tokens.shape[1] / self.seconds)
        frames = (frames - 1e-3).ceil().long().clamp(1, tokens.shape[1])
        rows = [own[:count] for own, count in zip(tokens, frames.tolist(), strict=True)]
        return padded(rows, [_middles(len(row), float(s)) for row, s in
                             zip(rows, seconds, strict=True)])  # fmt: skip

    def _on_grid(self, tokens: Tensor, pooled: Tensor, seconds: Tensor) -> Features:
        """Return the tokens of AST: patches of a spectrum, pitch by pitch, after two of its own."""
        config = self.network.config
        columns = (config.max_length - config.patch_size) // config.time_stride + 1
        tokens = tokens[:, tokens.shape[1] // columns * columns * -1 :]
        time = (torch.arange(columns) * config.time_stride + config.patch_size / 2) / 100
        times = time.repeat(tokens.shape[1] // columns).expand(len(tokens), -1)
        mask = times < seconds[:, None].clamp_min(float(time[0]) + 1e-3)
        found = Features.of_tokens(tokens * mask[:, :, None], mask, pooled)
        return replace(found, time=times)

    def _hear_joint(self, values: Tensor, seconds: Tensor) -> Features:
        longer = torch.full((len(values), 1), values.shape[1] > 1)
        output = self.network.get_audio_features(input_features=values, is_longer=longer)
        pooled = require_output(output, "pooler_output", self.folder)
        hidden = require_output(output, "last_hidden_state", self.folder)
        frames = hidden.mean(dim=2).transpose(1, 2) if hidden.ndim == 4 else hidden
        times = [_middles(frames.shape[1], float(s)) for s in seconds]
        return replace(padded(list(frames), times), pooled=pooled)

    def _hear_waves(self, waves: Sequence[np.ndarray], seconds: Tensor) -> Features:
        """Return the frames of wav2vec 2.0 and kin.

        Those that normalise over a whole wave were trained without masks, and would hear the
        filling of a shorter one: of these, waves of unequal length are heard one by one.
        """
        lengths = [len(wave) for wave in waves]
        alone = getattr(self.network.config, "feat_extract_norm", "group") == "group"
        if alone and len(set(lengths)) > 1:
            rows = [self._frames(torch.from_numpy(wave)[None], None)[0] for wave in waves]
        else:
            values = torch.zeros(len(waves), max(lengths))
            for row, wave in enumerate(waves):
                values[row, : len(wave)] = torch.from_numpy(wave)
            mask = None if alone else prefixes(lengths, max(lengths)).long()
            tokens = self._frames(values, mask)
            counts = self.network._get_feat_extract_output_lengths(torch.tensor(lengths)).tolist()
            rows = [own[:count] for own, count in zip(tokens, counts, strict=True)]
        return padded(rows, [_middles(len(row), float(s)) for row, s in
                             zip(rows, seconds, strict=True)])  # fmt: skip

    def _frames(self, values: Tensor, mask: Tensor | None) -> Tensor:
        output = self.network(values, attention_mask=mask)
        return require_output(output, "last_hidden_state", self.folder)


def _middles(count: int, seconds: float) -> Tensor:
    """Return (count) the middles of equal parts of so many seconds."""
    return (torch.arange(count) + 0.5) * (seconds / max(count, 1))


def _extractor(folder: Path) -> Any:
    from transformers import AutoFeatureExtractor

    try:
        with quiet():
            return AutoFeatureExtractor.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(
            f"{str(folder)!r} does not say how sounds are prepared (no "
            "preprocessor_config.json), so it is no model for sounds."
        ) from error
