"""Networks take turns in the caller's thread, and the rest goes beside them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.ensemble import contest
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import Entrant
from plait.ensemble.lanes import in_lanes
from plait.ensemble.trees import TreesConfig
from plait.progress import Progress
from plait.train.config import TrainConfig

METHODS = {"first": "network", "linear": "linear", "trees": "trees", "second": "network"}
LINE_UP = [Entrant(name, "feature", method, ("x",)) for name, method in METHODS.items()]


def in_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def test_the_lanes_run_at_the_same_time_and_each_in_order() -> None:
    both, places = threading.Barrier(2, timeout=30), {}

    def run(entrant: Entrant) -> None:
        if entrant.name in ("first", "linear"):
            both.wait()  # neither passes before the other is there
        places[entrant.name] = in_main()

    in_lanes(LINE_UP, run, True)
    assert places == {"first": True, "linear": False, "trees": False, "second": True}
    for lane in (["first", "second"], ["linear", "trees"]):
        assert [name for name in places if name in lane] == lane


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
