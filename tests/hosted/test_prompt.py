"""Prompts with columns in braces, and the messages that they make of rows."""

from __future__ import annotations

import base64
import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from made_media import moving, tone, video_file
from PIL import Image

from plait.data.table import Table
from plait.errors import CellError, ColumnError, ConfigError
from plait.hosted.media import Medium
from plait.hosted.prompt import Prompt, PromptConfig, messages
from plait.types import Modality


def table(folder: Path) -> Table:
    wide = np.zeros((60, 300, 3), np.uint8)
    wide[:, :150] = (250, 10, 10)
    Image.fromarray(wide).save(folder / "wide.png")
    Image.fromarray(wide[:, :40]).save(folder / "small.png")
    (folder / "broken.png").write_bytes(b"\x89PNG broken")
    soundfile.write(folder / "tone.wav", np.sin(np.arange(4000) / 5), 8000)
    columns: dict[str, list[Any]] = {
        "photo": ["wide.png", "small.png", "broken.png", "gone.png"],
        "views": [["wide.png", "small.png"]] * 4,
        "title": ["a {braced} title", "zwei", None, "four"],
        "price": [3, 4.5, None, 7],
        "when": [date(2026, 1, 31)] * 4,
        "spoken": ["tone.wav"] * 4,
        "tags": [["a", "b"]] * 4,
    }
    return Table.of(columns, folder)


def asked(folder: Path, prompt: str, row: int = 0, **settings: Any) -> list[dict[str, Any]]:
    made = Prompt.of(PromptConfig(prompt, **settings), table(folder))
    return messages(made.read(row), made.config.system, "")[0]


def test_texts_and_numbers_stand_in_their_place(tmp_path: Path) -> None:
    prompt = 'Sell {title} for {price} on {when}: {{"tags": {tags}}}'
    found = asked(tmp_path, prompt, system="Be brief.")
    words = 'Sell a {braced} title for 3 on 2026-01-31: {"tags": a\nb}'
    assert found == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": words},
    ]


def picture_of(part: dict[str, Any]) -> Image.Image:
    assert part["type"] == "image_url"
    start, _, data = part["image_url"]["url"].partition(",")
    assert start == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_pictures_are_sent_small_and_in_their_place(tmp_path: Path) -> None:
    (message,) = asked(tmp_path, "What is {photo}, {title}?", side=100)
    before, part, after = message["content"]
    assert before == {"type": "text", "text": "What is "}
    assert after == {"type": "text", "text": ", a {braced} title?"}
    picture = picture_of(part)
    assert picture.size == (100, 20)
    red, black = np.asarray(picture)[10, 10], np.asarray(picture)[10, 90]
    assert np.abs(red - np.array([250, 10, 10])).max() < 12
    assert black.max() < 12
    (message,) = asked(tmp_path, "{photo}?", row=1)
    assert picture_of(message["content"][0]).size == (40, 60)  # none is made larger


def test_lists_of_pictures_are_several_parts(tmp_path: Path) -> None:
    (message,) = asked(tmp_path, "{views}")
    assert [picture_of(part).size for part in message["content"]] == [(300, 60), (40, 60)]


def test_sounds_are_sent_where_the_model_takes_them(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="'spoken' holds sounds, which few models take.*--sounds"):
        asked(tmp_path, "{spoken}")
    (message,) = asked(tmp_path, "Write down: {spoken}", sounds=True)
    sound = message["content"][1]
    assert sound["type"] == "input_audio"
    assert sound["input_audio"]["format"] == "wav"
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["input_audio"]["data"])))
    assert (rate, len(samples)) == (16_000, 8_000)
    assert samples.std() == pytest.approx(0.7, abs=0.05)


def test_the_sound_of_a_video(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(video_file(moving(12, 2), sound=tone(440.0, 1.0)))
    clips = Table.of({"clip": ["clip.mp4", "clip.mp4"]}, tmp_path)
    with pytest.raises(ColumnError, match=r"'clip' holds videos.*its sound, \{clip\.sound\}"):
        Prompt.of(PromptConfig("{clip}"), clips)
    prompt = Prompt.of(PromptConfig("{clip.sound}", sounds=True), clips)
    ((message,), tokens) = messages(prompt.read(0), "", "")
    assert message["content"][0]["type"] == "input_audio"
    assert tokens > 100
    path.write_bytes(video_file(moving(12, 2)))
    with pytest.raises(ColumnError, match="videos of column 'clip' have no sound"):
        Prompt.of(PromptConfig("{clip.sound}", sounds=True), clips)


def test_what_holds_the_same_has_the_same_content(tmp_path: Path) -> None:
    shown = table(tmp_path)
    (tmp_path / "copy.png").write_bytes((tmp_path / "wide.png").read_bytes())
    shown = shown.with_column("photo", ["wide.png", "copy.png", "small.png", "wide.png"])

    def contents(side: int) -> list[bytes]:
        prompt = Prompt.of(PromptConfig("{photo}", side=side), shown)
        media = [prompt.read(row)[0] for row in range(4)]
        return [part.content for part in media if isinstance(part, Medium)]

    first, copy, other, again = contents(100)
    assert first == copy == again != other
    assert contents(200)[0] != first


def test_the_most_tokens_of_a_message(tmp_path: Path) -> None:
    def tokens(prompt: str) -> int:
        made = Prompt.of(PromptConfig(prompt), table(tmp_path))
        return messages(made.read(0), "", "")[1]

    assert tokens("{title}") == 100 + len("a {braced} title")
    assert tokens("猫{title}") == tokens("{title}") + 3
    assert tokens("{photo}") == 100 + 22 * 5  # 300 x 60 pixels in squares of 14


def test_missing_and_broken_cells(tmp_path: Path) -> None:
    with pytest.raises(CellError, match="title is missing"):
        asked(tmp_path, "{title}", row=2)
    (message,) = asked(tmp_path, "{title}: {price}", row=2, missing="(unknown)")
    assert message["content"] == "(unknown): (unknown)"
    with pytest.raises(CellError, match="photo: .*not a picture|photo: broken picture"):
        asked(tmp_path, "{photo}", row=2)
    with pytest.raises(CellError, match="there is no file 'gone.png'"):
        asked(tmp_path, "{photo}", row=3)
    values = Table.of({"odd": [{"a": 1}, {"a": 2}]}, tmp_path)
    with pytest.raises(CellError, match="odd: expected a text, found dict"):
        Prompt.of(PromptConfig("{odd}"), values, {"odd": Modality.TEXT}).read(0)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (
            "Describe {foto}.",
            "'foto' of the prompt is not in the table. Did you mean 'photo'",
        ),
        ('As JSON: {"label": 1}', "Column '\"label\": 1' of the prompt.*written twice, {{ and }}"),
        ("Describe {}.", "Column '' of the prompt"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, prompt: str, words: str) -> None:
    with pytest.raises(ColumnError, match=words):
        Prompt.of(PromptConfig(prompt), table(tmp_path))


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Describe {photo", "single '{' in 'Describe {photo'. Write .* twice, {{"),
        ("Describe photo}", "single '}' in .* twice, }}"),
        ("{a{photo}}", "single '{'"),
        ("Describe it.", "names no column.* There are: photo, views"),
        ("Describe {{photo}}.", "names no column"),
    ],
)
def test_braces_that_cannot_be(tmp_path: Path, prompt: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Prompt.of(PromptConfig(prompt), table(tmp_path))


def test_other_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'side' must be between 8 and 8192, found 3"):
        PromptConfig("{photo}", side=3)
    with pytest.raises(ColumnError, match="'foto' is not in the table"):
        Prompt.of(PromptConfig("{photo}"), table(tmp_path), {"foto": Modality.TEXT})
    names = Prompt.of(PromptConfig("{photo}"), table(tmp_path), {"photo": Modality.TEXT})
    assert names.read(0) == ["wide.png"]
