"""Networks begin in the caller's thread, the rest beside them; that lane then takes networks."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import plait
from plait.cache import Encoded
from plait.ensemble import contest
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import Entrant
from plait.ensemble.lanes import in_lanes
from plait.ensemble.network_expert import NetworkExpert
from plait.ensemble.trees import TreesConfig
from plait.fusion.fusion import FusionConfig
from plait.progress import Progress
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.train.config import TrainConfig
from plait.types import Features

METHODS = {"first": "network", "linear": "linear", "trees": "trees", "second": "network"}
LINE_UP = [Entrant(name, "feature", method, ("x",)) for name, method in METHODS.items()]


def in_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def test_the_lanes_begin_with_one_kind_each_and_then_take_what_is_left() -> None:
    both, last, places = threading.Barrier(2, timeout=30), threading.Event(), {}

    def run(entrant: Entrant) -> None:
        if entrant.name in ("first", "linear"):
            both.wait()  # neither passes before the other is there
        if entrant.name == "first":
            last.wait(30)  # so this lane does nothing else
        places[entrant.name] = in_main()
        if entrant.name == "second":
            last.set()

    in_lanes(LINE_UP, run, True)
    assert list(places) == ["linear", "trees", "second", "first"]
    assert places == {"first": True, "linear": False, "trees": False, "second": False}


def test_others_stay_in_theirs_when_the_networks_are_done() -> None:
    done, places = threading.Event(), {}

    def run(entrant: Entrant) -> None:
        if entrant.name == "linear":
            done.wait(30)
            time.sleep(0.2)  # the caller would have taken `trees` by then
        places[entrant.name] = in_main()
        if entrant.name == "second":
            done.set()

    in_lanes(LINE_UP, run, True)
    assert places == {"first": True, "second": True, "linear": False, "trees": False}


def test_networks_stay_in_their_lane_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    beside, places = threading.Event(), {}

    def run(entrant: Entrant) -> None:
        if entrant.name == "first":
            beside.wait(30)
        places[entrant.name] = in_main()
        if entrant.name == "trees":
            threading.Timer(0.2, beside.set).start()  # the lane would have taken `second` by then

    in_lanes(LINE_UP, run, True)
    assert places == {"first": True, "linear": False, "trees": False, "second": True}


def test_without_lanes_all_take_turns() -> None:
    done: list[tuple[str, bool]] = []
    in_lanes(LINE_UP, lambda entrant: done.append((entrant.name, in_main())), False)
    assert done == [(name, True) for name in METHODS]


def test_a_fault_beside_ends_the_networks_before_their_next_turn() -> None:
    done: list[str] = []
    begun, broke = threading.Event(), threading.Event()

    def run(entrant: Entrant) -> None:
        if entrant.name == "linear":
            begun.wait(30)
            broke.set()
            raise ValueError("linear broke")
        if entrant.name == "first":
            begun.set()
            broke.wait(30)
            time.sleep(0.2)  # until its lane has ended
        done.append(entrant.name)

    with pytest.raises(ValueError, match="linear broke"):
        in_lanes(LINE_UP, run, True)
    assert done == ["first"]


def test_a_fault_of_a_network_ends_the_other_lane_with_what_it_is_at() -> None:
    done: list[str] = []
    begun, broke = threading.Event(), threading.Event()

    def run(entrant: Entrant) -> None:
        if entrant.name == "first":
            begun.wait(30)
            broke.set()
            raise ValueError("first broke")
        begun.set()
        broke.wait(30)
        time.sleep(0.2)  # until the other lane has said that it failed
        done.append(entrant.name)

    with pytest.raises(ValueError, match="first broke"):
        in_lanes(LINE_UP, run, True)
    assert done == ["linear"]


@pytest.mark.parametrize(
    ("fusion", "precision", "mixup"),
    [("self_attention", "float32", 0.0), ("self_attention", "bfloat16", 0.5),
     ("shared", "bfloat16", 0.0)],
)  # fmt: skip
def test_networks_that_learn_beside_one_another_are_those_that_learned_alone(
    fusion: str, precision: str, mixup: float
) -> None:
    random = torch.Generator().manual_seed(5)
    parts = {name: Features.of_vectors(torch.randn(300, 12, generator=random)) for name in "ab"}
    truth = (parts["a"].pooled[:, :1] > parts["b"].pooled[:, :1]).long()
    truth = torch.nn.functional.one_hot(truth[:, 0]).float().numpy()
    target = Target("y", "classify", ("no", "yes"), (0.5, 0.5))
    train = TrainConfig(epochs=8, precision=precision, mixup=mixup)

    def learned(seed: int) -> list[torch.Tensor]:
        settings = FusionConfig(dropout=0.3)
        expert = NetworkExpert(("a", "b"), target, fusion, settings, HeadConfig(), train)
        expert.fit(Encoded(parts), truth, np.ones(300), seed)
        return [*expert.state().tensors.values()]

    before = torch.get_rng_state()
    alone = [learned(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(learned, range(4)))
    assert torch.equal(before, torch.get_rng_state())
    for one, other in zip(alone, beside, strict=True):
        assert all(map(torch.equal, one, other))
    assert not all(map(torch.equal, alone[0], alone[1]))


def test_a_contest_comes_out_the_same_to_the_bit(
    things: Path, new_things: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = FitConfig(folds=2, trees=TreesConfig(rounds=10), train=TrainConfig(epochs=10))
    quiet, asked = Progress(show=False), []

    def fit() -> plait.Model:
        return plait.fit(things, "kind", ignore=["price"], config=config, progress=quiet)

    def one_lane(entrants, run, beside) -> None:
        asked.append(beside)
        in_lanes(entrants, run, False)

    two = fit()
    monkeypatch.setattr(contest, "in_lanes", one_lane)
    one = fit()
    assert asked == [True] * 3
    scores = [[line["score"] for line in m.facts["board"]["lines"]] for m in (one, two)]
    assert scores[0] == scores[1]
    found = [model.predict(new_things, quiet).scores for model in (one, two)]
    np.testing.assert_array_equal(*found)
