"""Sounds: from a cell to one channel of numbers, whatever the file was."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from plait.data.container import open_container
from plait.data.media import find_file, modality_of_bytes, open_file
from plait.errors import CellError

if TYPE_CHECKING:
    from av.container import InputContainer

RATE = 16_000
"""Hertz that an array without a rate of its own is taken to have."""

LONGEST_SECONDS = 600.0
"""Of a sound that are decoded; what follows is left."""

RATES = (100, 400_000)
"""Hertz from which to which a rate is believed."""

_UNKNOWN_FORMAT = 1
_STREAMED = 0x7FFF_FF00
"""Programs that write a WAV file into a pipe put a length from here on into its header."""


@dataclass(frozen=True, eq=False)
class Sound:
    """One channel of sound.

    Attributes:
        samples: (t) float32, near -1..1.
        rate: samples a second.
    """

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate

    def at(self, rate: int, seconds: float = math.inf) -> Sound:
        """Return the first seconds of the sound at another rate.

        By a polyphase filter, as SciPy has it: no library is needed for this alone.
        """
        from scipy.signal import resample_poly

        samples = self.samples[: math.ceil(min(seconds * self.rate, len(self.samples)))]
        if rate != self.rate:
            shared = math.gcd(rate, self.rate)
            samples = resample_poly(samples, rate // shared, self.rate // shared)
        return Sound(samples.astype(np.float32), rate)


def read_sound(value: Any, folder: Path = Path(), allow_outside: bool = False) -> Sound:
    """Read a cell as one sound, the mean of its channels.

    Args:
        value: a path, bytes, a dictionary with `bytes` or `path`, an array of samples, or a
            dictionary with `array` and `sampling_rate`.
        folder: where relative paths start.
        allow_outside: whether paths may leave the folder.

    Raises:
        CellError: when it cannot be read, is cut off, or nothing is to be heard in it.
    """
    if isinstance(value, dict) and value.get("array") is not None:
        return _from_array(value["array"], value.get("sampling_rate") or RATE)
    if isinstance(value, (np.ndarray, list, tuple)):
        return _from_array(value, RATE)
    content = find_file(value, folder, allow_outside)
    with open_file(content) as file:
        found = _decode(file)
    if found is None:
        raise CellError("has no sound")
    return _checked(*found)


def read_track(value: Any, folder: Path = Path(), allow_outside: bool = False) -> Sound | None:
    """Read the sound of a video; None when it has none, or is silent.

    Raises:
        CellError: when the file cannot be read.
    """
    with open_file(find_file(value, folder, allow_outside)) as file:
        found = _decode_track(file)
    if found is None or not _heard(found[0]):
        return None
    return _checked(*found)


def has_track(value: Any, folder: Path = Path(), allow_outside: bool = False) -> bool:
    """Return whether a cell is a video, or another container, with a sound track."""
    with (
        suppress(CellError),
        open_file(find_file(value, folder, allow_outside)) as file,
        open_container(file) as container,
    ):
        return bool(container.streams.audio)
    return False


def _from_array(array: Any, rate: Any) -> Sound:
    try:
        values = np.asarray(array)
        rate = int(rate)
    except (TypeError, ValueError) as error:
        raise CellError(f"cannot be a sound: {error}") from error
    if values.ndim not in (1, 2) or values.dtype.kind not in "iuf":
        raise CellError(
            f"expected samples of one or more channels, found shape {values.shape} of "
            f"{values.dtype}"
        )
    if values.dtype.kind in "iu":
        middle = (np.iinfo(values.dtype).max + 1) / 2 if values.dtype.kind == "u" else 0
        values = (values - middle) / (np.iinfo(values.dtype).max - middle)
    if values.ndim == 1:
        values = values[:, None]
    elif values.shape[0] < values.shape[1]:  # there are fewer channels than moments
        values = values.T
    return _checked(values, rate)


def _decode(file: BinaryIO) -> tuple[np.ndarray, int] | None:
    """Return (t c) samples and their rate; None when the file has no sound."""
    import soundfile

    _refuse_cut_off(file)
    try:
        with soundfile.SoundFile(file) as sound:
            most = math.ceil(LONGEST_SECONDS * sound.samplerate)
            wanted = min(sound.frames, most)
            samples = sound.read(most, dtype="float32", always_2d=True)
            if len(samples) < wanted:
                there, said = len(samples) / sound.samplerate, sound.frames / sound.samplerate
                raise CellError(f"cut off after {there:.1f} of {said:.1f} seconds")
            return samples, sound.samplerate
    except soundfile.LibsndfileError as error:
        if error.code != _UNKNOWN_FORMAT:
            raise CellError(f"broken sound: {error.error_string}") from error
    file.seek(0)
    return _decode_track(file)


def _refuse_cut_off(file: BinaryIO) -> None:
    """Refuse a WAV file that is shorter than its header says: libsndfile would not notice."""
    start = file.read(12)
    size = file.seek(0, 2)
    file.seek(0)
    if not size:
        raise CellError("the file is empty")
    said = int.from_bytes(start[4:8], "little") + 8
    if start[:4] == b"RIFF" and start[8:] == b"WAVE" and size + 1 < said < _STREAMED:
        raise CellError(f"cut off after {size:,} of {said:,} bytes")


def _decode_track(file: BinaryIO) -> tuple[np.ndarray, int] | None:
    """Return what FFmpeg decodes: sounds in containers of video, and formats libsndfile lacks."""
    start = file.read(64)
    file.seek(0)
    try:
        with open_container(file) as container:
            return _samples(container) if container.streams.audio else None
    except CellError as error:
        kind = modality_of_bytes(start)
        looks = f"it looks like {kind.value}" if kind else "unknown format"
        raise CellError(f"not a sound that can be read ({looks}; {error})") from error


def _samples(container: InputContainer) -> tuple[np.ndarray, int]:
    from av import AudioResampler

    stream = container.streams.audio[0]
    rate, count = stream.rate, 0
    # Planes of floats, whatever the codec gives; the channels are joined here as for other files.
    as_floats = AudioResampler(format="fltp")
    parts = [np.zeros((stream.channels, 0), np.float32)]
    for frame in container.decode(stream):
        for converted in as_floats.resample(frame):
            parts.append(converted.to_ndarray().astype(np.float32))
            count += converted.samples
        if count >= LONGEST_SECONDS * rate:
            break
    return np.concatenate(parts, axis=1).T, rate


def _checked(samples: np.ndarray, rate: int) -> Sound:
    if not RATES[0] <= rate <= RATES[1]:
        raise CellError(f"a rate of {rate} samples a second, expected {RATES[0]} to {RATES[1]:,}")
    if not len(samples):
        raise CellError("the sound is empty")
    if not np.isfinite(samples).all():
        raise CellError("has samples that are not finite")
    if not _heard(samples):
        raise CellError("the sound is silent")
    most = math.ceil(LONGEST_SECONDS * rate)
    return Sound(samples[:most].mean(axis=1, dtype=np.float32), rate)


def _heard(samples: np.ndarray) -> bool:
    return bool(len(samples)) and float(np.ptp(samples, axis=0).max()) > 0
