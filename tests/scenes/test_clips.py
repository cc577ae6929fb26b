"""Every answer in the table, found again from the frames and the sound of the files alone."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from plait.data.audio import read_track
from plait.data.detect import detect
from plait.data.read import read
from plait.data.video import read_video
from plait.errors import ConfigError
from plait.scenes.clips import ask_clips, write_clips
from plait.scenes.held import held_out
from plait.scenes.motion import Motion
from plait.scenes.things import GROUPS, load_things

COUNT = 20

NAMES = [name for names in GROUPS.values() for name in names]

WAYS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}

TONES = {"low": 300, "middle": 700, "high": 1600}

Row = dict[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clips") / "made"
    assert {floor.medium for floor in write_clips(place, COUNT, seed=2)} == {0.5}
    return place


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[Row]:
    return rows_of(folder / "clips.csv")


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def motions() -> list[Motion]:
    """What was meant to be written: names and first places are taken from it, no more."""
    return [asking.medium for asking in ask_clips(load_things(), COUNT, 2, 96)]


class Watched:
    """What the frames and the sound of a file say of each thing."""

    def __init__(self, file: Path, motion: Motion) -> None:
        clip = read_video(file.name, file.parent).clip(16, 96)
        np.testing.assert_allclose(clip.times, np.arange(16) / 8)
        frames = clip.frames.astype(int)
        sound = read_track(file.name, file.parent)
        assert sound is not None
        self.places, self.tones = {}, {}
        for thing, mask in zip(motion.things, motion.scenes[0].masks, strict=True):
            places = followed(frames, mask)
            self.places[thing.name] = places
            turns = np.flatnonzero(np.abs(np.diff(places, axis=0)).max(axis=1) > 1.5)
            if len(turns):
                start = int((turns[0] + 1) / 8 * sound.rate)
                heard = sound.samples[start + sound.rate // 16 :][: sound.rate // 8]
                peak = np.abs(np.fft.rfft(heard)).argmax() * 8
                self.tones[thing.name] = min(TONES, key=lambda one: abs(TONES[one] - peak))
        self.order = sorted(self.tones, key=lambda name: self.began(name))

    def began(self, name: str) -> int:
        """Return the frame at which a thing first moved."""
        away = np.abs(self.places[name] - self.places[name][0]).max(axis=1)
        return int(np.argmax(away > 1.5))

    def way(self, name: str) -> str:
        """Return where it went."""
        far = self.places[name][-1] - self.places[name][0]
        assert np.abs(far).max() > 15
        return max(WAYS, key=lambda way: float(far @ np.array(WAYS[way])))

    def jumps(self, name: str) -> int:
        """Return how often it rose."""
        high = self.places[name][:, 0] < self.places[name][0, 0] - 6
        return int((np.diff(high.astype(int)) > 0).sum())


def followed(frames: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return (t 2) the place of a thing in each frame: where its first picture fits best."""
    down, right = (places[::5] for places in np.nonzero(mask))
    look = frames[0][down, right]
    found = []
    for frame in frames:
        misfit = {}
        for step in range(-30, 31):
            for shift in ((step, 0), (0, step)):
                rows, columns = down + shift[0], right + shift[1]
                if min(rows.min(), columns.min()) >= 0 and max(rows.max(), columns.max()) < 96:
                    misfit[shift] = np.abs(frame[rows, columns] - look).mean()
        found.append(min(misfit, key=misfit.__getitem__))
    return np.array(found)


@pytest.fixture(scope="module")
def watched(folder: Path, motions: list[Motion]) -> dict[str, Watched]:
    chosen = [*range(6), *range(COUNT - 3, COUNT)]
    names = [f"clips/{number:05d}.mp4" for number in chosen]
    return {
        name: Watched(folder / name, motions[number])
        for name, number in zip(names, chosen, strict=True)
    }


def answer_of(row: Row, clip: Watched) -> str:
    """Return the answer, found anew."""
    found = re.search("|".join(sorted(NAMES, key=len, reverse=True)), row["question"])
    name = found[0] if found else ""
    tone = re.search("|".join(TONES), row["question"])
    match row["type"]:
        case "order":
            return clip.order[0 if "first" in row["question"] else -1]
        case "jumps":
            return str(clip.jumps(name))
        case "way":
            return clip.way(name)
        case _ if tone:
            (moving,) = (one for one, heard in clip.tones.items() if heard == tone[0])
            return moving
        case _:
            return clip.tones[name]


def test_every_answer_agrees_with_frames_and_sound(
    rows: list[Row], watched: dict[str, Watched]
) -> None:
    judged = [row for row in rows if row["clip"] in watched]
    assert {row["type"] for row in judged} == {"order", "jumps", "way", "tone"}
    for row in judged:
        assert row["answer"] == answer_of(row, watched[row["clip"]]), row


def test_a_thing_stays_and_the_others_move_to_tones_of_their_own(
    watched: dict[str, Watched],
) -> None:
    for clip in watched.values():
        assert len(clip.places) == 3
        assert len(clip.tones) == len(set(clip.tones.values())) == 2


def test_moves_in_the_table(folder: Path, watched: dict[str, Watched]) -> None:
    for move in rows_of(folder / "moves.csv"):
        if move["clip"] in watched:
            clip = watched[move["clip"]]
            assert clip.began(move["name"]) == round(float(move["start"]) * 8)
            assert clip.tones[move["name"]] == move["tone"]
            if move["way"]:
                assert clip.way(move["name"]) == move["way"]
            else:
                assert clip.jumps(move["name"]) == int(move["jumps"])
            assert float(move["end"]) == float(move["start"]) + 0.75


def test_training_never_sees_what_is_held_out(folder: Path, rows: list[Row]) -> None:
    held = held_out(NAMES, (WAYS,), 2)
    new = {row["clip"] for row in rows if row["combination"] == "new"}
    assert len(new) == COUNT * 0.1
    assert {row["type"] for row in rows if row["clip"] in new} == {"way"}
    there = [((move["name"], move["way"]) in held, move["clip"] in new)
             for move in rows_of(folder / "moves.csv")]  # fmt: skip
    assert (True, False) not in there
    assert there.count((True, True)) == 2 * len(new)


def test_answers_are_balanced(rows: list[Row]) -> None:
    by_type = defaultdict(Counter)
    for row in rows:
        if row["split"] == "train":
            by_type[row["type"]][row["answer"]] += 1
    for kind, answers in (("jumps", "0123"), ("way", WAYS)):
        assert set(by_type[kind]) == set(answers)
        assert max(by_type[kind].values()) - min(by_type[kind].values()) <= 6


def test_without_sound_all_else_is_the_same(tmp_path: Path) -> None:
    for place, sound in (("heard", True), ("again", True), ("muted", False)):
        write_clips(tmp_path / place, 10, size=64, sound=sound)
    heard, again, muted = (tmp_path / place for place in ("heard", "again", "muted"))
    assert (heard / "clips.csv").read_bytes() == (muted / "clips.csv").read_bytes()
    for file in ("clips.csv", "moves.csv", "clips/00004.mp4"):
        assert (heard / file).read_bytes() == (again / file).read_bytes()
    assert read_track("clips/00004.mp4", muted) is None
    one, other = (read_video("clips/00004.mp4", place).clip(16, 64) for place in (heard, muted))
    np.testing.assert_array_equal(one.frames, other.frames)


def test_plait_reads_the_table(folder: Path, rows: list[Row]) -> None:
    table = read(folder / "clips.csv")
    found = {column.name: column.modality for column in detect(table, ["answer"]).columns}
    assert len(table) == len(rows)
    assert found["clip"] == "video"
    assert found["clip.sound"] == "audio"
    assert found["question"] == "text"


def test_an_odd_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="size is 97, expected an even number"):
        write_clips(tmp_path / "odd", 10, size=97)
    assert not list(tmp_path.iterdir())
