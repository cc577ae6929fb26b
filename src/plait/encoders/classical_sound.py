"""The classical encoder of sounds: statistics of mel spectra and of cepstra over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plait.config import check_range
from plait.data.audio import LONGEST_SECONDS, RATES, Sound
from plait.encoders.spectrogram import log_mel, mfcc
from plait.encoders.statistics import Numbers, Statistics, in_parts, over_time

PARTS = 3
"""Parts of a sound whose mean cepstra are told apart: beginning, middle and end."""


@dataclass(frozen=True)
class SoundConfig:
    """How sounds are heard, by every encoder of them.

    Attributes:
        rate: samples a second that they are brought to; half of it is the highest pitch heard.
        longest_seconds: of a sound that are heard.
        mels: bands of the spectrum.
        coefficients: of the cepstrum, of the classical encoder.
        width: components kept by the classical encoder.
    """

    rate: int = 16_000
    longest_seconds: float = 30.0
    mels: int = 64
    coefficients: int = 20
    width: int = 128

    def __post_init__(self) -> None:
        check_range(self, "rate", RATES[0], RATES[1])
        check_range(self, "longest_seconds", 0.1, LONGEST_SECONDS)
        check_range(self, "mels", 8, 512)
        check_range(self, "coefficients", 1, self.mels)
        check_range(self, "width", 1, 2048)


class ClassicalSound(Statistics):
    """Sounds to vectors without any pretrained weights.

    Of each band and cepstral coefficient over time: mean, spread and percentiles, and the same of
    its changes from frame to frame; the mean cepstra of its parts; and how long the sound is.
    """

    def __init__(self, config: SoundConfig) -> None:
        super().__init__(config.width)
        self.config = config

    def preprocess(self, value: Sound) -> Numbers:
        """Return (k) float32, the same k for every sound."""
        heard = value.at(self.config.rate, self.config.longest_seconds)
        frames = log_mel(heard.samples, heard.rate, self.config.mels)
        cepstra = mfcc(frames, self.config.coefficients)
        length = np.array([np.log(value.seconds)])
        found = [over_time(frames), over_time(cepstra), in_parts(cepstra, PARTS), length]
        return (np.concatenate(found).astype(np.float32),)
