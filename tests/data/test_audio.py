"""Sounds from files of several formats, arrays and videos; what cannot be heard is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_media import RATE, moving, sound_file, tone, video_file
from scipy.signal import resample_poly

from plait.data.audio import LONGEST_SECONDS, Sound, has_track, read_sound, read_track
from plait.errors import CellError


@pytest.mark.parametrize(("kind", "near"), [("WAV", 1e-4), ("FLAC", 1e-4), ("OGG", 0.1)])
def test_files_by_path_and_bytes(tmp_path: Path, kind, near) -> None:
    samples = tone(440)
    (tmp_path / "a.sound").write_bytes(sound_file(samples, kind=kind))
    for value in ("a.sound", (tmp_path / "a.sound").read_bytes(), {"path": "a.sound"}):
        sound = read_sound(value, tmp_path)
        assert sound.rate == RATE
        assert sound.seconds == pytest.approx(0.5)
        assert np.abs(sound.samples - samples).max() < near


def test_mp3_and_the_sound_of_a_video() -> None:
    found = read_sound(sound_file(tone(440, 1.0), kind="MP3"))
    spectrum = np.abs(np.fft.rfft(found.samples))
    assert np.argmax(spectrum) * found.rate / len(found.samples) == pytest.approx(440, abs=3)
    clip = video_file(moving(10, 2), sound=tone(300, 1.0))
    track = read_track(clip)
    assert track is not None
    spectrum = np.abs(np.fft.rfft(track.samples))
    assert np.argmax(spectrum) * track.rate / len(track.samples) == pytest.approx(300, abs=3)
    assert has_track(clip)
    assert not has_track(video_file(moving(10, 2)))
    assert not has_track("nowhere.mp4")
    assert read_track(video_file(moving(10, 2))) is None
    assert read_track(video_file(moving(10, 2), sound=np.zeros(RATE, np.float32))) is None


def test_channels_become_their_mean_and_integers_reals() -> None:
    two = np.stack([tone(440), np.zeros(RATE // 2, np.float32)], axis=1)
    assert np.abs(read_sound(sound_file(two)).samples - two.mean(axis=1)).max() < 1e-4
    assert np.array_equal(read_sound(two).samples, read_sound(two.T).samples)
    whole = (tone(440) * 32767).astype(np.int16)
    assert np.abs(read_sound(whole).samples - tone(440)).max() < 1e-3
    middle = ((tone(440) + 1) * 127.5).astype(np.uint8)
    assert np.abs(read_sound(middle).samples - tone(440)).max() < 0.02
    spoken = read_sound({"array": tone(440), "sampling_rate": RATE})
    assert (spoken.rate, spoken.seconds) == (RATE, 0.5)


def test_another_rate_is_scipys_polyphase() -> None:
    sound = Sound(tone(440), RATE)
    assert np.allclose(sound.at(16000).samples, resample_poly(sound.samples, 2, 1), atol=1e-6)
    assert sound.at(RATE).samples is not None
    assert sound.at(RATE, 0.1).seconds == pytest.approx(0.1)
    assert sound.at(5000).rate == 5000


def test_a_long_sound_is_cut(monkeypatch) -> None:
    monkeypatch.setattr("plait.data.audio.LONGEST_SECONDS", 0.2)
    assert read_sound(sound_file(tone(440))).seconds == pytest.approx(0.2)
    assert read_sound(tone(440, rate=16000)).seconds == pytest.approx(0.2)
    assert LONGEST_SECONDS == 600


def nan() -> np.ndarray:
    samples = tone(440)
    samples[5] = np.nan
    return samples


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(("value", "message"), [
    (b"", "the file is empty"),
    (sound_file(tone(440))[:3000], "cut off after 3,000 of 8,044 bytes"),
    (sound_file(tone(440), kind="FLAC")[:2000], "broken sound: .*lost sync"),
    (half(sound_file(tone(440, 3.0), kind="MP3")), r"cut off after 1\.\d of 3\.0 seconds"),
    (np.zeros(100), "the sound is silent"),
    (sound_file(np.zeros(100, np.float32)), "the sound is silent"),
    (np.zeros(0), "the sound is empty"),
    (nan(), "has samples that are not finite"),
    (np.zeros((2, 2, 2)), r"expected samples of one or more channels, found shape \(2, 2, 2\)"),
    (["a", "b"], "expected samples of one or more channels"),
    ({"array": [1.0, 0.0], "sampling_rate": 3}, "a rate of 3 samples a second, expected 100 to"),
    ({"array": [1.0, 0.0], "sampling_rate": "fast"}, "cannot be a sound"),
    (b"\x89PNG\r\n" + b"x" * 100, r"not a sound that can be read \(it looks like image"),
    (b"what is this" * 9, r"not a sound that can be read \(unknown format"),
    (video_file(moving(5, 1)), "has no sound"),
    ("nowhere.wav", "nowhere.wav"),
    (7, "expected a path or bytes, found int"),
])  # fmt: skip
def test_what_cannot_be_heard(value, message) -> None:
    with pytest.raises(CellError, match=message):
        read_sound(value)
