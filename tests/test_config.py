"""Settings to JSON and back; what is wrong is refused with its path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from plait.config import check_range, from_json, to_json
from plait.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    width: int = 8
    rate: float = 0.5
    name: str | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    maybe: Inner | None = None
    kind: Literal["a", "b", 1] = "a"
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, str] = (1, "x")
    on: bool = True
    shares: Mapping[str, float] = field(default_factory=dict)
    limit: float | None = None


@dataclass(frozen=True)
class Needy:
    width: int
    name: str = "x"


FULL = Outer(Inner(3, 0.25, "n"), Inner(), "b", (), (2, "y"), False, {"a": 1.5}, 2.0)


@pytest.mark.parametrize("config", [Outer(), FULL])
def test_round_trip_through_json(config: Outer) -> None:
    assert from_json(Outer, json.loads(json.dumps(to_json(config)))) == config


def test_missing_keys_take_their_defaults() -> None:
    assert from_json(Outer, {"on": False}) == Outer(on=False)


def test_int_is_taken_for_float_and_becomes_one() -> None:
    rate = from_json(Inner, {"rate": 1}).rate
    assert rate == 1.0
    assert type(rate) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"inner": {"widht": 3}}, r"'inner\.widht' is not known\. Did you mean 'width'\?"),
        ({"maybe": {"widht": 3}}, r"'maybe\.widht' is not known\. Did you mean 'width'\?"),
        ({"maybe": {"width": "3"}}, r"'maybe\.width' must be int, found '3'"),
        ({"maybe": 3}, r"'maybe' must be Inner or null, found 3|must be an object"),
        ({"zzz": 3}, r"'zzz' is not known\. There are: inner, maybe"),
        ({"inner": 3}, r"inner must be an object, found 3"),
        ({"inner": {"width": True}}, r"'inner\.width' must be int, found True"),
        ({"inner": {"width": 1.5}}, r"'inner\.width' must be int, found 1\.5"),
        ({"inner": {"rate": True}}, r"'inner\.rate' must be float, found True"),
        ({"inner": {"rate": "fast"}}, r"'inner\.rate' must be float, found 'fast'"),
        ({"inner": {"name": 3}}, r"'inner\.name' must be str or null, found 3"),
        ({"inner": {"width": None}}, r"'inner\.width' must be int, found None"),
        ({"kind": "c"}, r"'kind' must be one of 'a', 'b', 1, found 'c'"),
        ({"kind": True}, r"'kind' must be one of 'a', 'b', 1, found True"),
        ({"sizes": [1, "2"]}, r"'sizes' must be int, found '2'"),
        ({"sizes": 3}, r"'sizes' must be tuple\[int, \.\.\.\], found 3"),
        ({"pair": [1]}, r"'pair' must be tuple\[int, str\], found \[1\]"),
        ({"pair": ["x", 1]}, r"'pair' must be int, found 'x'"),
        ({"on": 1}, r"'on' must be bool, found 1"),
        ({"shares": {"a": "x"}}, r"'shares\.a' must be float, found 'x'"),
        ({"limit": "x"}, r"'limit' must be float or null, found 'x'"),
    ],
)
def test_wrong_settings_are_refused_with_their_path(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_json(Outer, values)


def test_the_whole_must_be_an_object() -> None:
    with pytest.raises(ConfigError, match=r"Outer must be an object, found \[\]"):
        from_json(Outer, [])


def test_a_setting_without_default_must_be_there() -> None:
    assert from_json(Needy, {"width": 2}) == Needy(2)
    with pytest.raises(ConfigError, match=r"Setting 'deep\.width' is missing"):
        from_json(Needy, {"name": "y"}, "deep")


@pytest.mark.parametrize("value", [0, 10, 5])
def test_range_includes_its_ends(value: int) -> None:
    check_range(Inner(width=value), "width", 0, 10)


@pytest.mark.parametrize("value", [-1, 11])
def test_out_of_range_is_refused(value: int) -> None:
    with pytest.raises(ConfigError, match=f"'width' must be between 0 and 10, found {value}"):
        check_range(Inner(width=value), "width", 0, 10)


def test_nan_is_out_of_every_range() -> None:
    with pytest.raises(ConfigError, match="'rate' must be between 0 and 1, found nan"):
        check_range(Inner(rate=float("nan")), "rate", 0, 1)


@dataclass(frozen=True)
class Outside:
    part: Outer = field(default_factory=lambda: Outer(inner=Inner(width=99, rate=0.25), on=False))


def test_a_part_keeps_the_defaults_of_its_place() -> None:
    """Not those of its class: `deep` begins otherwise than `train`."""
    found = from_json(Outside, {"part": {"inner": {"rate": 0.75}, "kind": "b"}}).part
    assert found.inner == Inner(width=99, rate=0.75)
    assert (found.kind, found.on) == ("b", False)
    assert from_json(Outside, {"part": {"shares": {"a": 1.0}}}).part.shares == {"a": 1.0}
