"""Networks take turns in the caller's thread, and the rest goes beside them."""

from __future__ import annotations

import threading

import pytest
import torch

from plait.ensemble.entrants import Entrant
from plait.ensemble.expert import Expert
from plait.ensemble.lanes import in_lanes
from plait.ensemble.linear import LinearConfig, LinearExpert
from plait.ensemble.network_expert import NetworkExpert
from plait.ensemble.trees import TreesConfig, TreesExpert
from plait.fusion.fusion import FusionConfig
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.train.config import TrainConfig

TARGET = Target("classify", "kind", ("a", "b"))


def line_up(trained: bool = False) -> dict[Entrant, Expert]:
    names = ("x",)
    make = {"x": torch.nn.Identity} if trained else {}
    network = NetworkExpert(
        names, TARGET, "concat", FusionConfig(), HeadConfig(), TrainConfig(), make
    )
    return {
        Entrant("first", "feature", "network", names): network,
        Entrant("linear", "single", "linear", names): LinearExpert(names, TARGET, LinearConfig()),
        Entrant("trees", "trees", "trees", names): TreesExpert(names, TARGET, TreesConfig()),
        Entrant("second", "feature", "network", names): network,
    }


def test_the_lanes_run_at_the_same_time_and_each_in_order() -> None:
    both, places = threading.Barrier(2, timeout=30), {}

    def run(entrant: Entrant, expert: Expert) -> None:
        if entrant.name in ("first", "linear"):
            both.wait()  # neither passes before the other is there
        places[entrant.name] = threading.current_thread() is threading.main_thread()

    in_lanes(line_up(), run)
    assert places == {"first": True, "linear": False, "trees": False, "second": True}
    for lane in (["first", "second"], ["linear", "trees"]):
        assert [name for name in places if name in lane] == lane


def test_where_encoders_are_trained_all_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    done: list[tuple[str, bool]] = []

    def run(entrant: Entrant, expert: Expert) -> None:
        done.append((entrant.name, threading.current_thread() is threading.main_thread()))

    in_lanes(line_up(trained=True), run)
    assert done == [(name, True) for name in ("first", "linear", "trees", "second")]


@pytest.mark.parametrize("broken", ["first", "linear"])
def test_what_one_raises_ends_both(broken: str) -> None:
    done: list[str] = []

    def run(entrant: Entrant, expert: Expert) -> None:
        if entrant.name == broken:
            raise ValueError(f"{broken} broke")
        done.append(entrant.name)

    with pytest.raises(ValueError, match=f"{broken} broke"):
        in_lanes(line_up(), run)
    assert broken not in done
    assert ("second" in done) == (broken == "linear")  # each lane stops of itself
