"""Pictures from a real server: what is asked, kept and paid, and what is no picture."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import here as plait
from made_endpoint import Answer, serving
from PIL import Image

from plait.errors import ConfigError, EndpointError
from plait.hosted.endpoint import EndpointConfig
from plait.hosted.images import Order, order_pictures
from plait.provenance.files import inspect


def picture(number: int) -> bytes:
    """A body with a picture of one grey."""
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (number, number, number)).save(file, "PNG")
    return json.dumps({"data": [{"b64_json": base64.b64encode(file.getvalue()).decode()}]}).encode()


def drawing(request: dict[str, Any], number: int) -> Answer:
    return Answer(picture(10 * (number + 1)))


def config(url: str, **more: Any) -> EndpointConfig:
    return EndpointConfig(url, "model-x", backoff=0.0, **more)


def test_what_is_asked_and_what_is_kept(tmp_path: Path) -> None:
    done: list[int] = []
    with serving(drawing) as served:
        order = Order("a red car", count=2, size="32x32", seed=7, price=0.04)
        where = config(served.url, body={"quality": "high"})
        found = order_pictures(order, where, tmp_path / "a.sqlite", done.append)
        again = order_pictures(order, where, tmp_path / "a.sqlite")
        more = order_pictures(Order("a red car", 3, "32x32", 7, 0.04), where, tmp_path / "a.sqlite")
    assert [own[0, 0, 0] for own in found.pictures] == [10, 20]
    assert (found.known, found.cost, sum(done)) == (0, pytest.approx(0.08), 2)
    assert (again.known, again.cost) == (2, pytest.approx(0.08))
    np.testing.assert_array_equal(again.pictures[1], found.pictures[1])
    assert (more.known, more.cost) == (2, pytest.approx(0.12))
    assert len(served.requests) == 3
    asked = {name: value for name, value in served.requests[1].items() if name != "path"}
    assert served.requests[1]["path"].endswith("/images/generations")
    assert asked == {
        "model": "model-x", "prompt": "a red car", "n": 1, "response_format": "b64_json",
        "size": "32x32", "seed": 8, "quality": "high",
    }  # fmt: skip


def test_fields_that_a_server_does_not_know_are_left_out(tmp_path: Path) -> None:
    with serving(drawing) as served:
        own = EndpointConfig(served.url, "gpt-image-1")
        order_pictures(Order("a"), own, tmp_path / "a.sqlite")
        plain = config(served.url, body={"response_format": None, "n": None})
        order_pictures(Order("a"), plain, tmp_path / "a.sqlite")
    assert [set(request) - {"path"} for request in served.requests] == [
        {"model", "prompt", "n"}, {"model", "prompt"},
    ]  # fmt: skip


def test_a_ceiling_is_never_passed(tmp_path: Path) -> None:
    with serving(drawing) as served:
        order = Order("a red car", count=3, price=0.04, cost=0.1)
        with pytest.raises(ConfigError, match="No further picture is asked for: 0.0800 are spent"):
            order_pictures(order, config(served.url), tmp_path / "a.sqlite")
        assert len(served.requests) == 2
        kept = order_pictures(
            Order("a red car", 2, price=0.04), config(served.url), tmp_path / "a.sqlite"
        )
    assert kept.known == 2


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    def busy(request: dict[str, Any], number: int) -> Answer:
        return Answer("busy", status=503) if number < 2 else drawing(request, number)

    with serving(busy) as served:
        found = order_pictures(Order("a"), config(served.url), tmp_path / "a.sqlite")
    assert found.pictures[0][0, 0, 0] == 30


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no", "2 tries, the last: no JSON came back: 'no'"),
        (b'{"error": {"message": "flagged"}}', "the endpoint says: flagged"),
        (b'{"data": []}', "no picture came back"),
        (b'{"data": [{"url": "https://x/y.png"}]}', "an address came back in place of a picture"),
        (b'{"data": [{"b64_json": "@@"}]}', "What came back is no picture that can be read"),
        (b'{"data": [{"b64_json": "bm8="}]}', "What came back is no picture .* not a picture"),
    ],
)
def test_what_is_no_picture_is_not_kept(tmp_path: Path, body: bytes, message: str) -> None:
    with serving(lambda request, number: Answer(body)) as served:
        with pytest.raises(EndpointError, match=message):
            order_pictures(Order("a"), config(served.url, tries=2), tmp_path / "a.sqlite")
        before = len(served.requests)
        with pytest.raises(EndpointError, match=message):
            order_pictures(Order("a"), config(served.url, tries=2), tmp_path / "a.sqlite")
        assert len(served.requests) == 2 * before


def test_an_empty_prompt() -> None:
    with pytest.raises(ConfigError, match="What is to be drawn is empty"):
        Order(" ")


def test_the_command_line(tmp_path: Path) -> None:
    with serving(drawing) as served:
        said = plait(
            "draw", "model-x", "a red car", "--with-endpoint", served.url, "-o", tmp_path / "out",
            "--count", "2", "--answers", tmp_path / "a.sqlite", "--set", "quality=high",
        )  # fmt: skip
        wrong = plait(
            "draw", "model-x", "a red car", "--with-endpoint", served.url, "--steps", "3", ok=False
        )
        before = len(served.requests)
        again = plait(
            "draw", "model-x", "a green car", "--with-endpoint", served.url, "-o", tmp_path / "out",
            "--answers", tmp_path / "a.sqlite", ok=False,
        )  # fmt: skip
        assert "0001.png' exists already" in again
        assert len(served.requests) == before, "nothing is asked for that could not be written"
    assert said.splitlines()[:2] == [str(tmp_path / "out" / f"000{n}.png") for n in (1, 2)]
    found = inspect(tmp_path / "out" / "0001.png")
    assert found.watermark.marked
    assert found.statement is not None
    assert found.statement.model == f"model-x at {served.url}"
    assert found.statement.seed == -1
    assert "An endpoint knows no --steps; where its server has such a field" in wrong
