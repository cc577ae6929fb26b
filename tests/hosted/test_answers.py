from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from plait.errors import ConfigError
from plait.hosted.answers import Answers, default_path, key_of
from plait.hosted.replies import Reply


def test_answers_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "answers.sqlite"
    first, other = Answers(path), Answers(path)
    reply = Reply("a cat 猫", "stop", 12, None)
    first.write(b"1", reply)
    assert other.read(b"1") == reply  # at once, for other processes too
    assert other.read(b"2") is None
    first.close()
    other.close()


def test_a_key_is_of_all_that_is_asked() -> None:
    body = {"model": "small", "temperature": 0}
    key = key_of("http://a/v1", body, ["Describe ", b"hash"])
    assert key == key_of("http://a/v1", dict(reversed(body.items())), ["Describe ", b"hash"])
    others = [
        key_of("http://b/v1", body, ["Describe ", b"hash"]),
        key_of("http://a/v1", {**body, "model": "large"}, ["Describe ", b"hash"]),
        key_of("http://a/v1", {**body, "temperature": 1}, ["Describe ", b"hash"]),
        key_of("http://a/v1", body, ["Describe", b"hash"]),
        key_of("http://a/v1", body, ["Describe ", b"hush"]),
        key_of("http://a/v1", body, ["Describe ", b"hash".hex()]),
        key_of("http://a/v1", body, [b"hash", "Describe "]),
    ]
    assert len({key, *others}) == 8
    assert key_of("", {}, ["\ud800"])  # half a surrogate pair, as tables have them


def test_they_are_beside_the_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path))
    assert default_path() == tmp_path / "answers-1.sqlite"


def test_a_file_that_cannot_be_used_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(ConfigError, match="'.*answers.sqlite' cannot be used .*not a database"):
        Answers(path)
    path.unlink()
    answers = Answers(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE answers")
    connection.close()
    with pytest.raises(ConfigError, match="cannot be used .*no such table"):
        answers.read(b"1")
    with pytest.raises(ConfigError, match="cannot be used .*no such table"):
        answers.write(b"1", Reply("x", "stop"))
    answers.close()
