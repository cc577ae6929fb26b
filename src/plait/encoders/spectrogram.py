"""What a sound is made of: mel spectra in time, as a person hears pitch, and their cepstra."""

from __future__ import annotations

from functools import cache

import numpy as np

WINDOW = 0.025
"""Seconds of sound that one frame sees."""

HOP = 0.010
"""Seconds from one frame to the next."""

FLOOR = 1e-6
"""Added to energies before the logarithm: quieter than the noise of 16-bit recordings."""


def frame_times(numbers: np.ndarray) -> np.ndarray:
    """Return the seconds at which the frames of the given numbers have their middles."""
    times: np.ndarray = numbers * HOP + WINDOW / 2
    return times


def to_mel(hertz: np.ndarray) -> np.ndarray:
    """Return frequencies on the mel scale of HTK: 2595 log10(1 + f / 700)."""
    mel: np.ndarray = 2595 * np.log10(1 + hertz / 700)
    return mel


@cache
def mel_filters(mels: int, rate: int, size: int) -> np.ndarray:
    """Return triangles that overlap by half and are equally wide in mel, each of height one.

    Follows Young et al., The HTK Book (3.4, section 5.6), from 0 to half the rate, with heights
    taken at the frequencies of the spectrum.

    Args:
        mels: number of filters.
        rate: samples a second.
        size: samples of the Fourier transform.

    Returns:
        (mels size/2+1) float32.
    """
    edges = np.linspace(0, to_mel(np.array(rate / 2)), mels + 2)
    hertz = 700 * (10 ** (edges / 2595) - 1)
    bins = np.arange(size // 2 + 1) * rate / size
    low, middle, high = hertz[:-2, None], hertz[1:-1, None], hertz[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    filters: np.ndarray = np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
    return filters


def log_mel(samples: np.ndarray, rate: int, mels: int) -> np.ndarray:
    """Return log(FLOOR + filters @ |rfft(hann * frame)|^2) of each frame.

    Frame i begins at sample i * HOP * rate; what is shorter than one frame is filled with silence.

    Args:
        samples: (t) float32.
        rate: samples a second.
        mels: bands.

    Returns:
        (frames mels) float32.
    """
    window, hop = round(WINDOW * rate), max(round(HOP * rate), 1)
    size = 1 << (window - 1).bit_length()
    if len(samples) < window:
        samples = np.pad(samples, (0, window - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    spectrum = np.fft.rfft(frames * np.hanning(window + 1)[:-1].astype(np.float32), size)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    energies: np.ndarray = np.log(FLOOR + power @ mel_filters(mels, rate, size).T)
    return energies


def mfcc(frames: np.ndarray, coefficients: int) -> np.ndarray:
    """Return the first cepstral coefficients of log-mel frames: an orthonormal cosine transform.

    Follows Davis and Mermelstein (1980), with SciPy's DCT-II.

    Args:
        frames: (t mels).
        coefficients: how many are kept.

    Returns:
        (t coefficients) float32.
    """
    from scipy.fft import dct

    cepstra: np.ndarray = dct(frames, type=2, norm="ortho", axis=1)[:, :coefficients]
    return cepstra.astype(np.float32)
