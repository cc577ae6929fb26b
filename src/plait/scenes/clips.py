"""A table of clips of moving things, questions and answers, some of which need the sound."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from plait.scenes.choosing import Asked, Asking, Used, two_each
from plait.scenes.compose import plain_ground
from plait.scenes.drawn import names_in_groups
from plait.scenes.files import new_folder, question_rows, write_csv
from plait.scenes.floors import Floor, floors
from plait.scenes.held import Combination, drawn_value, held_out, part_of
from plait.scenes.motion import (
    BUSY,
    RATE,
    SOUND_RATE,
    TONES,
    TURN,
    WAYS,
    Motion,
    Move,
    animate,
)
from plait.scenes.questions import Known, Question, names_of
from plait.scenes.things import COLOURS, load_things

SIZES = (0.24, 0.3)
"""The smallest and the largest side of a thing, as a share of the clip's."""

MOST_JUMPS = 3

JUMPERS = 0.5
"""Share of the clips without new combinations in which things jump; in the others they go."""

BIT_RATE = 1_000_000
"""Of the pictures of a clip: enough for flat colours and edges to stay as they were drawn."""


def draw_motion(
    known: Known,
    held: Collection[Combination],
    new: bool,
    side: int,
    random: np.random.Generator,
) -> Motion:
    """Return three things of which two move, one after the other: both go, or both jump.

    They go to different sides, or jump differently often, to different tones; the third thing stays
    where it is.

    Args:
        known: the things by name and colour.
        held: names with ways that they go only where new ones are wanted.
        new: whether they are wanted.
        side: of the clip, in pixels.
        random: what is drawn from.
    """
    names = names_in_groups(known, (1, 1, 1), random)
    things = [known[name, list(COLOURS)[random.integers(len(COLOURS))]] for name in names]
    tones = random.permutation(list(TONES))[:2].tolist()
    if not new and random.random() < JUMPERS:
        jumps = (random.permutation(MOST_JUMPS)[:2] + 1).tolist()
        ways = ["", ""]
    else:
        jumps, ways = [0, 0], ["", ""]
        while ways[0] == ways[1]:
            ways = [drawn_value(name, list(WAYS), held, new, random) for name in names[:2]]
    moves = [Move(number, ways[number], jumps[number], tones[number]) for number in (0, 1)]
    sizes = (round(SIZES[0] * side), round(SIZES[1] * side))
    return animate(plain_ground(side, random), things, moves, sizes, random)


def questions(motion: Motion) -> dict[str, list[Question]]:
    """Return all that can be asked about a clip, by type."""
    names = [thing.name for thing in motion.things]
    movers = [(names[move.thing], move) for move in motion.moves]
    jumps = {name: move.jumps for name, move in movers}
    return {
        "order": [
            Question("order", {"place": place}, name)
            for place, (name, _) in zip(("first", "last"), movers, strict=True)
        ],
        "jumps": [Question("jumps", {"name": name}, str(jumps.get(name, 0))) for name in names],
        "way": [
            Question("way", {"name": name}, move.way, (name, move.way))
            for name, move in movers if move.way
        ],
        "tone": [
            *(Question("moved at tone", {"tone": move.tone}, name) for name, move in movers),
            *(Question("tone of", {"name": name}, move.tone) for name, move in movers),
        ],
    }  # fmt: skip


def ask_clips(known: Known, count: int, seed: int, side: int) -> Iterator[Asking[Motion]]:
    """Yield so many clips, each with what is asked about it.

    Args:
        known: the things by name and colour.
        count: of clips.
        seed: what is drawn from.
        side: of the clips, in pixels.
    """
    held = held_out(names_of(known), (WAYS,), seed)
    used = {("train", "seen"): Used(), ("test", "seen"): Used(), ("test", "new"): Used()}
    for number in range(count):
        part = part_of(number, count)
        random, new = np.random.default_rng((seed, number)), part[1] == "new"
        asked: Asked = []
        while not asked:  # where new ones are wanted, things may go as they do in training
            motion = draw_motion(known, held, new, side, random)
            asked = two_each(questions(motion), held, new, used[part], random)
        used[part].update((question.form, question.answer) for _, question in asked)
        yield Asking(motion, asked, *part)


def write_clips(
    folder: str | Path,
    count: int,
    seed: int = 0,
    size: int = 96,
    vendor: Literal["google", "twitter"] = "google",
    sound: bool = True,
) -> list[Floor]:
    """Write clips and questions about them; return what is answered without clip or question.

    The folder gets `clips.csv` (clip, question, answer, type, split, combination), the clips as
    MP4 of 16 frames in two seconds with sound, and `moves.csv`: what moves in each, when and how.
    Questions of the type `tone` need the sound: without it, one of two things that move is right,
    or one of three tones. Jumps are only seen where all 16 frames are looked at.

    Args:
        folder: that is made.
        count: of clips, at least 10; each has about six questions.
        seed: what is drawn from; the same gives the same files.
        size: of the clips, in pixels, even, at least 48.
        vendor: who has drawn the things.
        sound: whether it is written; without it, all else is the same.

    Raises:
        ConfigError: when the folder is there already, the vendor is not known, there are too few
            clips to split, or the size is too small or odd.
    """
    rows: list[dict[str, str]] = []
    moves: list[dict[str, str | int | float]] = []
    with new_folder(folder, size) as made:
        (made / "clips").mkdir()
        for number, one in enumerate(ask_clips(load_things(vendor), count, seed, size)):
            motion = one.medium
            file = {"clip": f"clips/{number:05d}.mp4"}
            write_video(made / file["clip"], motion.frames, motion.sound if sound else None)
            rows += question_rows(file, one, np.random.default_rng((seed, number, 1)))
            moves += [{**file, **move} for move in move_rows(motion)]
        write_csv(made / "clips.csv", rows)
        write_csv(made / "moves.csv", moves)
    return floors(rows, "clip")


def move_rows(motion: Motion) -> list[dict[str, str | int | float]]:
    """Return the name, colour and move of each thing that moves, with its seconds."""
    found: list[dict[str, str | int | float]] = []
    for turn, move in enumerate(motion.moves):
        thing, start = motion.things[move.thing], (1 + turn * TURN) / RATE
        found.append(
            {
                "name": thing.name, "colour": thing.colour, "way": move.way, "jumps": move.jumps,
                "tone": move.tone, "start": start, "end": start + BUSY / RATE,
            }
        )  # fmt: skip
    return found


def write_video(path: Path, frames: np.ndarray, sound: np.ndarray | None) -> None:
    """Write an MP4 file of (t h w 3) uint8 frames, and perhaps (t) float32 of sound."""
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.bit_rate = "yuv420p", BIT_RATE
        # The default search of the best coding takes ten times as long as all the rest.
        options = {"aac_coder": "fast"}
        track = None if sound is None else container.add_stream("aac", SOUND_RATE, options)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
        if track is not None and sound is not None:
            block = av.AudioFrame.from_ndarray(sound[None], "fltp", "mono")
            block.rate, block.time_base, block.pts = SOUND_RATE, Fraction(1, SOUND_RATE), 0
            container.mux(track.encode(block))
            container.mux(track.encode())
