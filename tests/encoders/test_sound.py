"""Spectrograms and what is learned from them: by hand, in time, and hidden in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_media import RATE, tone
from scipy.fft import dct

from plait.data.audio import Sound
from plait.encoders.classical_sound import ClassicalSound, SoundConfig
from plait.encoders.sound import LogMelFrames, Spectrogram, SpectrogramMap, Waveform, hidden
from plait.encoders.spectrogram import (
    FLOOR,
    frame_times,
    log_mel,
    mel_filters,
    mfcc,
    to_mel,
)
from plait.encoders.statistics import in_parts, over_time
from plait.encoders.trained import TrainedConfig

SOUND = SoundConfig(rate=RATE, longest_seconds=2.0, mels=16, coefficients=8)
TRAINED = TrainedConfig(width=16, heads=2)
RNG = np.random.default_rng(0)


def test_mel_of_a_thousand_hertz_is_a_thousand() -> None:
    assert to_mel(np.array([0.0, 700.0, 1000.0])) == pytest.approx([0, 781.17, 999.99], abs=0.02)


def test_filters_are_triangles_that_overlap_by_half() -> None:
    filters = mel_filters(10, RATE, 256)
    assert filters.shape == (10, 129)
    edges = np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 12)
    hertz = 700 * (10 ** (edges / 2595) - 1)
    for row, (low, middle, high) in enumerate(zip(hertz, hertz[1:], hertz[2:], strict=False)):
        for place in range(129):
            f = place * RATE / 256
            up, down = (f - low) / (middle - low), (high - f) / (high - middle)
            assert filters[row, place] == pytest.approx(max(min(up, down), 0), abs=1e-5)


def test_log_mel_by_hand() -> None:
    samples = (tone(500, 0.1) + 0.1 * RNG.normal(size=800)).astype(np.float32)
    found = log_mel(samples, RATE, 16)
    assert found.shape == (1 + (800 - 200) // 80, 16)
    n = np.arange(200)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 200)
    for frame in (0, 4):
        part = samples[80 * frame : 80 * frame + 200] * window
        power = [abs(sum(part * np.exp(-2j * np.pi * k * n / 256))) ** 2 for k in range(129)]
        expected = np.log(FLOOR + mel_filters(16, RATE, 256) @ np.array(power))
        assert found[frame] == pytest.approx(expected, abs=1e-3)
    assert log_mel(samples[:50], RATE, 16).shape == (1, 16)
    assert frame_times(np.array([0, 10])) == pytest.approx([0.0125, 0.1125])


def test_cepstra_are_cosine_transforms() -> None:
    frames = RNG.normal(size=(5, 16)).astype(np.float32)
    k, n = np.arange(8)[:, None], np.arange(16)[None]
    basis = np.sqrt(2 / 16) * np.cos(np.pi * k * (2 * n + 1) / 32)
    basis[0] /= np.sqrt(2)
    assert mfcc(frames, 8) == pytest.approx(frames @ basis.T, abs=1e-5)
    assert mfcc(frames, 8) == pytest.approx(dct(frames, norm="ortho")[:, :8], abs=1e-5)


def test_statistics_over_time_by_hand() -> None:
    frames = np.array([[1.0, 10], [2, 30], [6, 20]])
    found = over_time(frames).reshape(7, 2)
    assert found[0].tolist() == [3, 20]
    assert found[1] == pytest.approx([np.sqrt(14 / 3), np.sqrt(200 / 3)])
    assert found[3].tolist() == [2, 20]
    assert found[5].tolist() == [2.5, 15]
    assert found[6] == pytest.approx([1.5, 15])
    assert over_time(frames[:1]).reshape(7, 2)[5:].tolist() == [[0, 0], [0, 0]]


def test_means_of_parts_by_hand() -> None:
    frames = np.array([[1.0, 10], [2, 30], [6, 20], [8, 0]])
    assert in_parts(frames, 2).tolist() == [1.5, 20, 7, 10]
    assert in_parts(frames, 3).tolist() == [1.5, 20, 4, 25, 7, 10]  # parts share a frame
    assert in_parts(frames[:1], 3).tolist() == [1, 10] * 3


def test_a_sound_backwards_is_another_sound() -> None:
    encoder = ClassicalSound(SOUND)
    rising = np.concatenate([tone(300), tone(1500)])
    one, other = (encoder.preprocess(Sound(s, RATE))[0] for s in (rising, rising[::-1].copy()))
    parts = slice(7 * 24, 7 * 24 + 3 * 8)
    assert np.abs(one - other)[parts].max() > 1
    assert np.abs(one - other)[:16].max() < 0.2  # the means of the bands


def test_classical_sound_tells_pitch_and_length() -> None:
    encoder = ClassicalSound(SOUND)
    low, high, long = (
        encoder.preprocess(Sound(tone(f, s), RATE))[0]
        for f, s in ((200, 0.5), (2000, 0.5), (200, 1.5))
    )
    assert len(low) == 7 * (16 + 8) + 3 * 8 + 1
    assert low[:16].argmax() < high[:16].argmax()
    assert long[-1] - low[-1] == pytest.approx(np.log(3), abs=1e-5)


@pytest.mark.parametrize(("stem", "step"), [
    (Spectrogram, 0.040), (SpectrogramMap, 0.160), (Waveform, 512 / RATE)
])  # fmt: skip
def test_tokens_know_their_time_and_padding_says_nothing(stem, step) -> None:
    torch.manual_seed(0)
    built = stem(SOUND, TRAINED)
    sounds = [Sound(tone(f, s) + 0.01, RATE) for f, s in ((300, 1.0), (500, 0.35), (700, 1.9))]
    samples = [built.preprocess(sound) for sound in sounds]
    built.fit(samples)
    built.eval()
    with torch.no_grad():
        found = built(samples)
        for row, sound in enumerate(sounds):
            real = found.mask[row]
            times = found.time[row, real]
            assert times.diff().tolist() == pytest.approx([step] * (len(times) - 1), abs=1e-5)
            assert 0 <= times[0] <= step
            assert sound.seconds - step - 0.03 <= times[-1] <= sound.seconds + step
            alone = built([samples[row]])
            assert alone.tokens[0] == pytest.approx(found.tokens[row, real], abs=1e-5)


def test_an_event_is_in_the_token_of_its_time() -> None:
    torch.manual_seed(0)
    quiet = 0.001 * RNG.normal(size=2 * RATE).astype(np.float32)
    loud = quiet.copy()
    loud[RATE : RATE + 400] += tone(900, 0.05)
    for stem in (Spectrogram, Waveform):  # the map is normalised over its whole chunk
        built = stem(SOUND, TRAINED)
        samples = [built.preprocess(Sound(s, RATE)) for s in (quiet, loud)]
        if stem is Waveform:  # it is brought to one spread: compare what is not
            samples = [(quiet.astype(np.float16),), (loud.astype(np.float16),)]
        built.fit(samples)
        built.eval()
        with torch.no_grad():
            found = built(samples)
        apart = (found.tokens[0] - found.tokens[1]).abs().sum(dim=1)
        assert found.time[0, apart.argmax()].item() == pytest.approx(1.0, abs=0.2), stem


def test_bands_are_scaled_and_hidden_in_training_only() -> None:
    frames = LogMelFrames(SOUND, augment=True)
    samples = [frames.preprocess(Sound(tone(f, 1.0), RATE)) for f in (200, 900, 3000)]
    frames.fit([*samples, None])
    frames.eval()
    rows = torch.cat(frames(samples))
    assert rows.mean(dim=0).abs().max() < 1e-3
    # What is beyond ten spreads is cut, so a spread may be a little under one.
    assert rows.std(dim=0).tolist() == pytest.approx([1] * 16, abs=0.2)
    torch.manual_seed(0)
    frames.train()
    gone = torch.cat(frames(samples))
    assert 0.02 < ((gone == 0) & (rows != 0)).float().mean() < 0.6
    assert torch.equal(gone[gone != 0], rows[gone != 0])
    plain = LogMelFrames(SOUND, augment=False)
    plain.fit(samples)
    assert torch.equal(torch.cat(plain.train()(samples)), rows)


def test_runs_are_whole_bands_and_whole_frames() -> None:
    torch.manual_seed(3)
    shown = hidden(torch.ones(100, 20))
    bands, moments = shown.sum(dim=0) == 0, shown.sum(dim=1) == 0
    assert torch.equal(shown == 0, bands[None] | moments[:, None])
    assert bands.sum() <= 8
    assert moments.sum() <= 20
    assert (shown == 0).any()
