"""A training that was killed goes on from its checkpoint to the same weights, to the bit."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from small_network import made

from plait.data.referred import Referred
from plait.train import checkpoint
from plait.train.config import TrainConfig
from plait.train.loop import History, train
from plait.train.optimise import weights_of
from plait.train.record import Record
from plait.train.step import Lesson, Step
from plait.types import Raw

CONFIG = TrainConfig(
    epochs=5, least_steps=1, batch_size=5, average=0.9, modality_dropout=0.3, mixup=0.5, clip=1.0
)


class Killed(BaseException):
    """Stands for the end of the process."""


def run(path: Path | None = None, config: TrainConfig = CONFIG, shared: bool = False):
    network, raw, target = made()
    raw = {name: shared_by_four(own) for name, own in raw.items()} if shared else raw
    torch.manual_seed(0)
    history = train(network, Lesson(raw, target, torch.ones(20)), config, 3, record=Record(path))
    return history, weights_of(network)


def shared_by_four(raw: Raw) -> Raw:
    """Return rows of which four hold one sample each."""
    held = np.arange(20) // 4
    samples = Referred(raw.samples, held)
    return Raw(samples, raw.rows, raw.present, torch.from_numpy(held))


def killed_after(
    steps: int, path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool = False
) -> None:
    taken = 0
    whole = Step.__call__

    def step(self, lesson, batch):
        nonlocal taken
        if taken == steps:
            raise Killed
        taken += 1
        return whole(self, lesson, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Step, "__call__", step)
        with pytest.raises(Killed):
            run(path, shared=shared)


@pytest.mark.parametrize("steps", [1, 3, 4, 7, 17])  # an epoch has four
def test_killed_after_any_step(steps, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    history, weights = run()
    path = tmp_path / "under-way.safetensors"
    killed_after(steps, path, monkeypatch)
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["course"])
    assert (facts["epoch"], facts["step"]) == divmod(steps - 1, 4)[:1] + ((steps - 1) % 4 + 1,)
    torch.manual_seed(99)  # another process has other random numbers
    again, resumed = run(path)
    assert again == history
    assert all(torch.equal(weights[name], resumed[name]) for name in weights)


def test_rows_side_by_side_go_on_in_the_same_order(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    history, weights = run(shared=True)
    path = tmp_path / "under-way.safetensors"
    killed_after(7, path, monkeypatch, shared=True)
    torch.manual_seed(99)
    again, resumed = run(path, shared=True)
    assert again == history
    assert all(torch.equal(weights[name], resumed[name]) for name in weights)


def test_killed_while_it_writes_it_goes_on_from_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import safetensors.torch

    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    history, weights = run()
    path = tmp_path / "under-way.safetensors"
    save, written = safetensors.torch.save_file, 0

    def half(tensors, name, *rest):
        nonlocal written
        written += 1
        save(tensors, name, *rest)
        if written == 6:
            whole = Path(name).read_bytes()
            Path(name).write_bytes(whole[: len(whole) // 2])
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", half)
        with pytest.raises(Killed):
            run(path)
    again, resumed = run(path)
    assert again == history
    assert all(torch.equal(weights[name], resumed[name]) for name in weights)


def test_a_full_disk_leaves_the_one_before(tmp_path: Path, monkeypatch) -> None:
    import safetensors.torch

    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    path = tmp_path / "under-way.safetensors"
    save, written = safetensors.torch.save_file, 0

    def full(tensors, name, *rest):
        nonlocal written
        written += 1
        if written == 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(name))
        save(tensors, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", full)
        with pytest.raises(OSError, match="No space left on device"):
            run(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    whole, _ = run()
    assert run(path)[0] == whole


def test_short_trainings_write_nothing(tmp_path: Path) -> None:
    history, _ = run(tmp_path / "under-way.safetensors")
    assert isinstance(history, History)
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, sys.argv[1])
import train.test_checkpoint as here
from plait.train import checkpoint

checkpoint.SECONDS = 0.0
config = here.TrainConfig(epochs=300, least_steps=1, batch_size=5, patience=300, average=0.9,
                          modality_dropout=0.3)
history, weights = here.run(Path(sys.argv[2]), config)
save_file(weights, sys.argv[3])
"""


def test_killed_at_any_moment(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def command(name: str) -> list[str]:
        tests = str(Path(__file__).parents[1])
        paths = [str(tmp_path / f"{name}-under-way.safetensors"), str(tmp_path / name)]
        return [sys.executable, str(script), tests, *paths]

    subprocess.run(command("whole"), check=True)
    path = tmp_path / "killed-under-way.safetensors"
    for more in np.random.default_rng(0).uniform(0.0, 0.3, 3):
        before = path.stat().st_mtime_ns if path.exists() else 0
        killed = subprocess.Popen(command("killed"))
        while not path.exists() or path.stat().st_mtime_ns == before:
            assert killed.poll() is None
            time.sleep(0.001)
        time.sleep(more)  # steps, checkpoints and renames go on; it is hit in any of them
        assert killed.poll() is None
        killed.kill()
        killed.wait()
    subprocess.run(command("killed"), check=True)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "killed").read_bytes()
