"""One step: in parts it has the gradient of the whole; memory and numbers that run out are told."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_network import TARGET, made

from plait.ensemble.network_expert import NetworkExpert
from plait.errors import ConfigError, TrainingError
from plait.train.config import TrainConfig
from plait.train.loop import train
from plait.train.optimise import weights_of
from plait.train.step import Lesson

STILL = TrainConfig(epochs=3, least_steps=1, batch_size=8, modality_dropout=0.0)


def run(config: TrainConfig, network=None, weight: torch.Tensor | None = None):
    own, raw, target = made()
    network = network or own
    weight = torch.linspace(0.1, 3, 20) if weight is None else weight
    torch.manual_seed(0)
    history = train(network, Lesson(raw, target, weight), config, 0)
    return history, weights_of(network)


@pytest.mark.parametrize("parts", [2, 3, 100])
def test_a_step_in_parts_is_the_step_of_the_whole_batch(parts) -> None:
    history, whole = run(STILL)
    again, split = run(replace(STILL, accumulate=parts))
    assert again.training == pytest.approx(history.training, abs=1e-6)
    assert all(torch.allclose(whole[name], split[name], atol=1e-5) for name in whole)


def test_out_of_memory_makes_the_parts_smaller_and_says_so(capfd) -> None:
    network, _, _ = made()
    loss, sizes = network.task.loss, []

    def limited(features, target, weight):
        sizes.append(len(target))
        if len(target) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return loss(features, target, weight)

    network.task.loss = limited
    network.eval()
    again, split = run(replace(STILL, validation_share=0.0), network)
    reference, whole = run(replace(STILL, validation_share=0.0))
    assert again.training == pytest.approx(reference.training, abs=1e-6)
    assert all(torch.allclose(whole[name], split[name], atol=1e-5) for name in whole)
    said = capfd.readouterr().err.splitlines()
    assert said == [
        "Out of memory: batches of 8 are computed in 2 parts from now on.",
        "Out of memory: batches of 8 are computed in 4 parts from now on.",
    ]
    assert sizes[:3] == [8, 4, 2]


def test_a_row_that_does_not_fit_is_an_error() -> None:
    network, _, _ = made()

    def full(*_: object):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    network.task.loss = full
    with pytest.raises(TrainingError, match="A single row does not fit into the memory"):
        run(STILL, network)


def test_other_errors_are_not_taken_for_memory() -> None:
    network, _, _ = made()

    def broken(*_: object):
        raise RuntimeError("something else")

    network.task.loss = broken
    with pytest.raises(RuntimeError, match="something else"):
        run(STILL, network)


def test_a_loss_that_is_no_number_is_an_error_that_says_what_to_change() -> None:
    weight = torch.ones(20)
    weight[7] = float("nan")
    message = (
        r"The loss is nan in step \d of epoch 0, .* Lower learning_rate \(now 0.01\), set clip"
    )
    with pytest.raises(TrainingError, match=message):
        run(replace(STILL, validation_share=0.0), weight=weight)


def test_bfloat16_is_near_and_not_equal() -> None:
    history, whole = run(STILL)
    again, half = run(replace(STILL, precision="bfloat16"))
    assert again.training == pytest.approx(history.training, rel=0.05)
    assert all(value.dtype == torch.float32 for value in half.values())
    assert not all(torch.equal(whole[name], half[name]) for name in whole)
    assert run(STILL)[0] == history  # the precision is this training's alone


def test_float16_needs_a_gpu() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(ConfigError, match="Precision 'float16' needs a GPU"):
        run(replace(STILL, precision="float16"))


PROCESSES = """
import sys

sys.path.insert(0, sys.argv[1])
from dataclasses import replace

import train.test_step as here
from safetensors.torch import save_file

history, weights = here.run(replace(here.STILL, modulation=0.5))
import torch.distributed as processes

if processes.get_rank() == 0:
    save_file(weights, sys.argv[2])
processes.barrier()
processes.destroy_process_group()
"""


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """Each takes half of every batch."""
    from safetensors.torch import load_file

    script = tmp_path / "script.py"
    script.write_text(PROCESSES)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    tests = str(Path(__file__).parents[1])
    command = [*launch, str(script), tests, str(tmp_path / "weights")]
    on_cpu = {**os.environ, "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, capture_output=True, text=True, env=on_cpu)
    assert done.returncode == 0, done.stderr[-3000:]
    _, whole = run(replace(STILL, modulation=0.5))
    halves = load_file(tmp_path / "weights")
    assert all(torch.allclose(whole[name], halves[name], atol=1e-5) for name in whole)


def test_a_metric_can_decide_when_to_stop() -> None:
    network, raw, target = made()
    seen = []

    def judge(scores: torch.Tensor, truth: torch.Tensor) -> float:
        assert scores.shape == truth.shape == (2, 3)
        assert scores.sum(dim=1).tolist() == pytest.approx([1, 1])
        seen.append(len(seen) == 0)
        return [0.3, 0.1, 0.2][len(seen) - 1]

    history = train(network, Lesson(raw, target, torch.ones(20)), STILL, 0, judge)
    assert history.validation == (0.3, 0.1, 0.2)
    assert history.best == 1


def test_the_expert_turns_its_metric_into_a_cost() -> None:
    from plait.tasks.task import HeadConfig

    def cost(metric: str):
        config = replace(STILL, stop_on=metric)
        expert = NetworkExpert(("a",), TARGET, "concat", None, HeadConfig(), config)
        return expert._judge()

    truth = torch.eye(3)[[0, 1, 2, 2]]
    scores = torch.tensor([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.2, 0.2, 0.6]])
    assert cost("accuracy")(scores, truth) == pytest.approx(-0.75)
    assert cost("log_loss")(scores, truth) == pytest.approx(
        -float((scores.double() * truth).sum(dim=1).log().mean()), rel=1e-6
    )
    assert cost("loss") is None
