"""What a training writes down: a CSV that a resumed run continues, and trackers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from small_network import made

from plait.errors import ConfigError, MissingExtraError
from plait.train import record
from plait.train.config import TrainConfig
from plait.train.loop import History, train
from plait.train.record import Record, Track
from plait.train.step import Lesson

CONFIG = TrainConfig(epochs=4, least_steps=1, batch_size=5)


def run(track: Track, name: str) -> History:
    network, raw, target = made()
    torch.manual_seed(0)
    lesson = Lesson(raw, target, torch.ones(20))
    return train(network, lesson, CONFIG, 0, record=Record(watch=track.watch(name)))


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_every_epoch_is_a_row(tmp_path: Path) -> None:
    track = Track(tmp_path / "t")
    history = run(track, 'fold 0/a "b", c')
    run(track, "fold 1/x")
    head, *written = rows(track.path)
    assert head == ["training", "epoch", "loss", "validation", "learning_rate"]
    assert [row[:2] for row in written[:4]] == [['fold 0/a "b", c', str(e)] for e in range(4)]
    assert [float(row[2]) for row in written[:4]] == list(history.training)
    assert [float(row[3]) for row in written[:4]] == list(history.validation)
    assert float(written[1][4]) > float(written[3][4]) >= 0
    assert len(written) == 8


def test_what_is_done_again_is_not_written_again(tmp_path: Path) -> None:
    run(Track(tmp_path), "a")
    again = Track(tmp_path)
    run(again, "a")
    run(again, "b")
    assert [row[:2] for row in rows(again.path)[1:]] == [
        [n, str(e)] for n in "ab" for e in range(4)
    ]


def test_tensorboard_gets_every_loss(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    track = Track(tmp_path, ["tensorboard"])
    history = run(track, "fold 0/a (2 columns)")
    track.close()
    (events,) = tmp_path.rglob("events.out.tfevents*")
    content = events.read_bytes()
    for name in ("loss", "validation", "learning_rate"):
        assert content.count(f"fold_0/a__2_columns_/{name}".encode()) == len(history.training)


def test_trackers_must_be_known_and_there(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(ConfigError, match="Tracker 'tensorbord' is not known. Did you mean 'tenso"):
        Track(tmp_path, ["tensorbord"])
    monkeypatch.setattr(record, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="Tracker 'wandb' needs a package .* pip inst"):
        Track(tmp_path, ["wandb"])
    assert not list(tmp_path.iterdir())
