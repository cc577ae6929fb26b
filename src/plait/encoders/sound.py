"""Stems of sounds: tokens of a spectrogram, of a map of it, or of the waveform itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from plait.data.audio import Sound
from plait.encoders.classical_sound import SoundConfig
from plait.encoders.convolutional import ResidualStages
from plait.encoders.padding import padded, prefixes
from plait.encoders.reduction import scaled
from plait.encoders.spectrogram import frame_times, log_mel
from plait.encoders.trained import Stem, TrainedConfig
from plait.layers import Fitted, renew
from plait.types import Features

CHUNK = 96
"""Frames that the residual network sees at a time (Hershey et al., ICASSP 2017, section 3.1)."""

MASKS = 2
"""Runs of bands, and runs of frames, that are hidden from a sound in training."""

Frames = tuple[np.ndarray]
"""(t mels) float32."""


class LogMelFrames(Fitted):
    """Log-mel frames of sounds, each band scaled by its mean and spread over the table."""

    mean: Tensor
    spread: Tensor

    def __init__(self, sound: SoundConfig, augment: bool) -> None:
        super().__init__()
        self.sound, self.augment = sound, augment
        self.learn(mean=torch.zeros(sound.mels), spread=torch.ones(sound.mels))

    def preprocess(self, value: Sound) -> Frames:
        """Return (t mels) float32."""
        heard = value.at(self.sound.rate, self.sound.longest_seconds)
        return (log_mel(heard.samples, heard.rate, self.sound.mels),)

    def fit(self, samples: Sequence[Frames | None]) -> None:
        """Learn the mean and spread of each band, a sound at a time."""
        count, total, squares = 0, np.zeros(self.sound.mels), np.zeros(self.sound.mels)
        for sample in samples:
            if sample is not None:
                frames = sample[0].astype(np.float64)
                count += len(frames)
                total += frames.sum(axis=0)
                squares += (frames**2).sum(axis=0)
        if count:
            mean = total / count
            spread = np.sqrt(np.maximum(squares / count - mean**2, 1e-4))
            self.learn(mean=torch.from_numpy(mean), spread=torch.from_numpy(spread))

    def forward(self, samples: Sequence[Frames]) -> list[Tensor]:
        """Return the scaled frames (t mels) of each sound; in training, some of them hidden."""
        device = self.mean.device
        rows = [scaled(torch.from_numpy(s[0]).to(device), self.mean, self.spread) for s in samples]
        return [hidden(row) for row in rows] if self.training and self.augment else rows


def hidden(frames: Tensor) -> Tensor:
    """Return (t d) frames with runs of bands and of frames set to 0, which is their mean.

    SpecAugment without warping (Park et al., Interspeech 2019, section 2): up to a fifth of the
    bands and a tenth of the frames a run.
    """
    length, bands = frames.shape
    for _ in range(MASKS):
        frames = frames * ~_run(length, length // 10)[:, None].to(frames.device)
        frames = frames * ~_run(bands, bands // 5).to(frames.device)
    return frames


def _run(count: int, most: int) -> Tensor:
    """Return (count) booleans, True in a run of 0 to `most` at random."""
    width = int(torch.randint(most + 1, ()))
    start = int(torch.randint(count - width + 1, ()))
    places = torch.arange(count)
    return (places >= start) & (places < start + width)


class Spectrogram(Stem):
    """A token for every four frames, 40 ms, made by two strided convolutions over time.

    The stem of Whisper (Radford et al., 2022, section 2.2), strided twice.
    """

    costly = True

    def __init__(self, sound: SoundConfig, config: TrainedConfig) -> None:
        super().__init__()
        self.frames = LogMelFrames(sound, config.augment)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, config.width, 3, stride=2, padding=1)
            for width in (sound.mels, config.width)
        )

    def preprocess(self, value: Sound) -> Frames:
        """Return (t mels) float32."""
        return self.frames.preprocess(value)

    def fit(self, samples: Sequence[Frames | None]) -> None:
        """Learn the scale of each band, and make new weights."""
        self.frames.fit(samples)
        renew(self.convolutions)

    def forward(self, samples: Sequence[Frames]) -> Features:
        """Return a token for every four frames, at the middle of the first of them."""
        rows = self.frames(samples)
        lengths = [len(row) for row in rows]
        values = nn.utils.rnn.pad_sequence(rows, batch_first=True).transpose(1, 2)
        for convolution in self.convolutions:
            values = nn.functional.gelu(convolution(values))
            lengths = [-(-length // 2) for length in lengths]
            # What is padded is zero for the next convolution too, as if the row were alone.
            values = values * prefixes(lengths, values.shape[2])[:, None].to(values.device)
        tokens = values.transpose(1, 2)
        times = token_times(tokens.shape[1], 4)
        mask = prefixes(lengths, tokens.shape[1]).to(tokens.device)
        return replace(
            Features.of_tokens(tokens, mask), time=times.to(tokens.device).expand_as(mask)
        )


def token_times(count: int, frames: int) -> Tensor:
    """Return (count) seconds of tokens that stand for so many frames each."""
    return torch.from_numpy(frame_times(np.arange(count) * frames)).float()


class SpectrogramMap(Stem):
    """A residual network on chunks of the spectrogram, seen as pictures; a token is 160 ms.

    VGGish's chunks (Hershey et al., ICASSP 2017) with the network that pictures have. The bands
    that are left stay side by side in a token: a pitch is where it is, unlike a thing in a picture.
    """

    costly = True

    def __init__(self, sound: SoundConfig, config: TrainedConfig) -> None:
        super().__init__()
        self.frames = LogMelFrames(sound, config.augment)
        self.network = ResidualStages(1, config)
        bands = -(-sound.mels // self.network.strides[-1])
        self.map = nn.Linear(self.network.widths[-1] * bands, config.width)

    def preprocess(self, value: Sound) -> Frames:
        """Return (t mels) float32."""
        return self.frames.preprocess(value)

    def fit(self, samples: Sequence[Frames | None]) -> None:
        """Learn the scale of each band, and make new weights."""
        self.frames.fit(samples)
        renew(self.network)
        self.map.reset_parameters()

    def forward(self, samples: Sequence[Frames]) -> Features:
        """Return a token for every sixteen frames, at the middle of the first of them."""
        rows = self.frames(samples)
        chunks = [_chunked(row) for row in rows]
        values = self.network(torch.cat(chunks)[:, None])  # (n d t bands)
        tokens = self.map(values.transpose(1, 2).flatten(start_dim=2))
        stride = self.network.strides[-1]
        own = [
            part.flatten(0, 1)[: -(-len(row) // stride)]
            for part, row in zip(tokens.split([len(c) for c in chunks]), rows, strict=True)
        ]
        return padded(own, [token_times(len(row), stride) for row in own])


def _chunked(frames: Tensor) -> Tensor:
    """Return (n CHUNK mels), the last one filled with the mean."""
    missing = -len(frames) % CHUNK
    return nn.functional.pad(frames, (0, 0, 0, missing)).unflatten(0, (-1, CHUNK))


class Waveform(Stem):
    """Strided convolutions of the samples themselves; a token is 512 samples, 32 ms at 16 kHz.

    The feature encoder of wav2vec 2.0 (Baevski et al., NeurIPS 2020, section 2) with fewer layers:
    convolution, layer normalisation, GELU. Each sound is brought to mean 0 and spread 1.
    """

    costly = True
    strides = (4, 4, 4, 4, 2)

    def __init__(self, sound: SoundConfig, config: TrainedConfig) -> None:
        super().__init__()
        self.sound = sound
        widths = [max(config.width // part, 8) for part in (4, 4, 2, 1)] + [config.width]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width_in, width, 2 * stride, stride, padding=stride // 2)
            for width_in, width, stride in zip([1, *widths], widths, self.strides, strict=False)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)

    def preprocess(self, value: Sound) -> tuple[np.ndarray]:
        """Return (t) float16."""
        samples = value.at(self.sound.rate, self.sound.longest_seconds).samples
        samples = (samples - samples.mean()) / max(float(samples.std()), 1e-6)
        return (samples.astype(np.float16),)

    def fit(self, samples: Sequence[tuple[np.ndarray] | None]) -> None:
        """Make new weights."""
        renew(self)

    def forward(self, samples: Sequence[tuple[np.ndarray]]) -> Features:
        """Return a token for every 512 samples, at their middle."""
        step = int(np.prod(self.strides))
        device = next(self.parameters()).device
        lengths = [-(-len(sample[0]) // step) * step for sample in samples]
        rows = [torch.from_numpy(sample[0]).float() for sample in samples]
        values = nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device)
        values = nn.functional.pad(values, (0, max(lengths) - values.shape[1]))[:, None]
        for convolution, norm, stride in zip(
            self.convolutions, self.norms, self.strides, strict=True
        ):
            values = norm(convolution(values).transpose(1, 2)).transpose(1, 2)
            lengths = [length // stride for length in lengths]
            mask = prefixes(lengths, values.shape[2]).to(device)
            # What is padded is zero for the next convolution too, as if the row were alone.
            values = nn.functional.gelu(values) * mask[:, None]
        times = (torch.arange(values.shape[2], device=device) + 0.5) * step / self.sound.rate
        tokens = values.transpose(1, 2)
        return replace(Features.of_tokens(tokens, mask), time=times.expand_as(mask))
