"""Pretrained networks for sounds: Whisper, wav2vec 2.0 and kin, AST, the sound side of CLAP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from plait.data.audio import Sound
from plait.encoders.padding import padded, prefixes
from plait.encoders.pretrained.backbone import Towered, require_output
from plait.encoders.pretrained.shared import load_shared
from plait.encoders.pretrained.weights import quiet
from plait.errors import ModelError
from plait.types import Features

SHORTEST_SECONDS = 0.1
"""Shorter sounds are filled up with silence: networks on waves need a few hundred samples."""

Sounds = Sequence[tuple[np.ndarray, ...]]


class SoundTower(nn.Module):
    """From spectra, or waves (n s) and their mask, to vectors (n p) and hidden states (n t d)."""

    def __init__(self, network: Any, folder: Path) -> None:
        super().__init__()
        self.network, self.folder = network, folder

    def forward(self, values: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return vectors, which are the mean of the hidden states where there are no others."""
        if _joint(self.network):
            longer = torch.full((len(values), 1), values.shape[1] > 1)
            output = self.network.get_audio_features(input_features=values, is_longer=longer)
            hidden = require_output(output, "last_hidden_state", self.folder)
            frames = hidden.mean(dim=2).transpose(1, 2) if hidden.ndim == 4 else hidden
            return require_output(output, "pooler_output", self.folder), frames
        encoder = self.network
        if self.network.config.is_encoder_decoder:
            encoder = self.network.get_encoder()
        output = encoder(values) if mask is None else encoder(values, attention_mask=mask)
        hidden = require_output(output, "last_hidden_state", self.folder)
        pooled = getattr(output, "pooler_output", None)
        return hidden.mean(dim=1) if pooled is None else pooled, hidden


class SoundBackbone(Towered):
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
        if name not in ("input_features", "input_values") and not _joint(self.network):
            raise ModelError(f"The model in {str(folder)!r} reads {name}, not sounds.")
        self.tower = SoundTower(self.network, folder)
        self.extractor = _extractor(folder)
        self.rate = int(self.extractor.sampling_rate)
        window = getattr(self.extractor, "nb_max_samples", 0) or getattr(
            self.extractor, "chunk_length", 0) * self.rate  # fmt: skip
        self.seconds = min(longest, window / self.rate) if window else longest

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

    def inputs(self, samples: Sounds) -> tuple[Tensor, ...]:
        """Return spectra of equal length, or waves (n s) with the mask of those that read one."""
        values = [torch.from_numpy(sample[0]) for sample in samples]
        if values[0].ndim > 1:
            return (torch.stack(values),)
        waves = pad_sequence(values, batch_first=True)
        lengths = [len(wave) for wave in values]
        return (waves,) if self._unmasked else (waves, prefixes(lengths, waves.shape[1]).long())

    @property
    def _unmasked(self) -> bool:
        """Whether waves are normalised as a whole: such networks were trained without masks."""
        return getattr(self.network.config, "feat_extract_norm", "group") == "group"

    def forward(self, samples: Sounds) -> Features:
        """Return Features; tokens are frames with their times.

        Networks without masks would hear the filling of a shorter wave: by these, waves of unequal
        length are heard one by one.
        """
        if len({self.length(sample) for sample in samples}) == 1 or not self._unmasked:
            return super().forward(samples)
        heard = [self.run(*self.inputs([sample])) for sample in samples]
        hidden = pad_sequence([frames[0] for _, frames in heard], batch_first=True)
        return self.features(samples, torch.cat([pooled for pooled, _ in heard]), hidden)

    def features(self, samples: Sounds, pooled: Tensor, hidden: Tensor) -> Features:
        """Return Features of the frames in which there is sound."""
        seconds = torch.from_numpy(np.concatenate([sample[1] for sample in samples]))
        if hasattr(self.network.config, "time_stride"):
            return self._on_grid(hidden, pooled, seconds)
        counts = self._frames(samples, seconds, hidden.shape[1])
        rows = [own[:count] for own, count in zip(hidden, counts, strict=True)]
        times = [_middles(len(row), float(s)) for row, s in zip(rows, seconds, strict=True)]
        heard = padded(rows, times)
        return replace(heard, pooled=pooled) if _joint(self.network) else heard

    def _frames(self, samples: Sounds, seconds: Tensor, most: int) -> list[int]:
        """Return how many of the frames of each sound are of it."""
        if _joint(self.network):  # which repeats short sounds
            return [most] * len(samples)
        if samples[0][0].ndim == 1:
            lengths = torch.tensor([self.length(sample) for sample in samples])
            counts = self.network._get_feat_extract_output_lengths(lengths)
        else:  # the window is longer than most sounds; what is behind them is silence
            counts = (seconds * (most / self.seconds) - 1e-3).ceil().long().clamp(1, most)
        found: list[int] = counts.tolist()
        return found

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


def _joint(network: Any) -> bool:
    return hasattr(network, "get_audio_features")


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
