"""Requests over a real connection: patience, its end, and what is never told."""

from __future__ import annotations

import socket
import sys
import threading
import time
from email.utils import formatdate
from typing import Any

import numpy as np
import pytest
from made_endpoint import Answer, serving

from plait.errors import ConfigError, EndpointError, MissingExtraError
from plait.hosted.account import Account, Ceiling
from plait.hosted.endpoint import KEY, Endpoint, EndpointConfig, _seconds
from plait.hosted.replies import Failure, Reply

SECRET = "sk-very-secret-123"
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, SECRET)


def ask(url: str, ceiling: Ceiling | None = None, **settings: Any) -> Reply | Failure | None:
    config = EndpointConfig(url, "small", **{"backoff": 0.01, **settings})
    endpoint = Endpoint(config, Account(ceiling or Ceiling()))
    try:
        return endpoint.ask(HELLO, 10, {})
    finally:
        endpoint.close()


def test_a_request_is_what_chat_completions_take() -> None:
    with serving(lambda request, number: Answer("hi")) as served:
        found = ask(served.url + "/", longest_answer=7, body={"seed": 3, "temperature": None})
        assert found == Reply("hi", "stop", 100, 10)
        asked = {"model": "small", "max_tokens": 7, "seed": 3, "messages": HELLO}
        assert served.requests == [{"path": "/v1/chat/completions", **asked}]
        assert served.headers[0]["Authorization"] == f"Bearer {SECRET}"
        ask(served.url + "/chat/completions", body={"max_completion_tokens": 5})
        assert served.requests[1]["path"] == "/v1/chat/completions"
        assert "max_tokens" not in served.requests[1]
        assert served.requests[1]["temperature"] == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>oops</html>", "no JSON came back: '<html>oops</html>'"),
        (b"", "no JSON came back: ''"),
        (b"\xff\xfe\x00garbage", "no JSON came back"),
        (b'{"choices": []}', "no choice came back"),
        (b'{"choices": [{"message": null}]}', "no choice came back"),
        (b"[1, 2]", "no choice came back"),
        (b"[" * 100_000, "no JSON came back"),
        (b'{"error": {"message": "overloaded"}}', "the endpoint says: overloaded"),
    ],
)
def test_garbage_is_asked_again(body: bytes, reason: str) -> None:
    with serving(lambda request, number: Answer(body if number < 2 else "hi")) as served:
        found = ask(served.url, tries=3)
        assert isinstance(found, Reply)
        assert found.text == "hi"
        assert len(served.requests) == 3
    with serving(lambda request, number: Answer(body)) as served:
        found = ask(served.url, tries=2)
        assert isinstance(found, Failure)
        assert found.reason.startswith(f"2 tries, the last: {reason}")


def test_answers_in_other_shapes() -> None:
    parts = b'{"choices": [{"message": {"content": [{"type": "text", "text": "in "}, {"text": '
    whole = parts + b'"parts"}]}}], "usage": {"prompt_tokens": true}}'
    with serving(lambda request, number: Answer(whole)) as served:
        assert ask(served.url) == Reply("in parts", "stop")
    odd = b'{"choices": [{"message": {"content": "half \\ud83d"}}], "usage": 7}'
    with serving(lambda request, number: Answer(odd)) as served:
        assert ask(served.url) == Reply("half ?", "stop")
    refusal = b'{"choices": [{"message": {"content": null, "refusal": "I will not"}}]}'
    with serving(lambda request, number: Answer(refusal)) as served:
        assert ask(served.url) == Reply("I will not", "refusal")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_asked_again(status: int) -> None:
    def answer(request: dict[str, Any], number: int) -> Answer:
        return Answer(b"busy", status) if number < 2 else Answer("hi")

    with serving(answer) as served:
        found = ask(served.url, tries=3)
        assert isinstance(found, Reply)
        assert found.text == "hi"
    with serving(lambda request, number: Answer(b"busy", status)) as served:
        found = ask(served.url, tries=2)
        assert isinstance(found, Failure)
        assert found.reason == f"2 tries, the last: status {status}: busy"
        assert len(served.requests) == 2


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_a_bad_request_is_not_asked_again(status: int) -> None:
    body = b'{"error": {"message": "too long a context"}}'
    with serving(lambda request, number: Answer(body, status)) as served:
        found = ask(served.url)
        assert found == Failure(f"status {status}: too long a context")
        assert len(served.requests) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(form: str) -> None:
    def answer(request: dict[str, Any], number: int) -> Answer:
        if number:
            return Answer("hi")
        # A date has whole seconds: two from now are more than one.
        value = "0.4" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
        return Answer(b"slow down", 429, {"Retry-After": value})

    with serving(answer) as served:
        assert isinstance(ask(served.url), Reply)
        waited = served.times[1] - served.times[0]
        assert waited >= (0.4 if form == "seconds" else 0.9)


def test_no_other_request_is_sent_while_the_endpoint_asks_to_wait() -> None:
    def answer(request: dict[str, Any], number: int) -> Answer:
        return Answer("hi") if number else Answer(b"", 429, {"Retry-After": "0.5"})

    with serving(answer) as served:
        endpoint = Endpoint(EndpointConfig(served.url, "small"), Account(Ceiling()))
        first = threading.Thread(target=lambda: endpoint.ask(HELLO, 10, {}))
        first.start()
        while endpoint._not_before == 0:
            time.sleep(0.005)
        endpoint.ask(HELLO, 10, {})
        first.join()
        endpoint.close()
        assert min(served.times[1:]) - served.times[0] >= 0.5


def test_a_wait_that_is_too_long_ends_the_run() -> None:
    with (
        serving(lambda request, number: Answer(b"", 429, {"Retry-After": "3600"})) as served,
        pytest.raises(EndpointError, match=r"asks to wait 3,600 seconds, longer than the 60 of"),
    ):
        ask(served.url)


@pytest.mark.parametrize("value", ["", "soon", "-3", "nan", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_other_waits_are_none(value: str) -> None:
    assert _seconds(value) == 0.0


class Recorded(threading.Event):
    """Notes for how long it was waited, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return False


def test_the_wait_between_tries_grows() -> None:
    with serving(lambda request, number: Answer(b"", 500)) as served:
        config = EndpointConfig(served.url, "m", tries=5, backoff=1.0, longest_wait=6.0)
        endpoint = Endpoint(config, Account(Ceiling()))
        endpoint._stopped = recorded = Recorded()
        for _ in range(25):
            endpoint.ask(HELLO, 10, {})
        endpoint.close()
    waits = np.array(recorded.waits).reshape(25, 5)
    assert not waits[:, 0].any()
    for column, most in zip(waits.T[1:], [2, 4, 6, 6], strict=True):  # drawn from 0 to `most`
        assert most / 2 < column.max() <= most
        assert column.min() < most / 2


def test_an_endpoint_that_hangs() -> None:
    ceiling = Ceiling(price_in=1e5, price_out=1e5, cost=1e9)
    with serving(lambda request, number: Answer("late", seconds=30)) as served:
        config = EndpointConfig(served.url, "small", timeout=0.5, tries=2, backoff=0.01)
        account = Account(ceiling)
        endpoint = Endpoint(config, account)
        start = time.monotonic()
        found = endpoint.ask(HELLO, 10, {})
        endpoint.close()
        assert time.monotonic() - start < 5
    assert isinstance(found, Failure)
    assert found.reason == "2 tries, the last: no answer in 0.5 seconds"
    assert account.cost == pytest.approx(2 * (10 + 300) * 0.1)  # both may be billed


def test_an_endpoint_that_drips() -> None:
    """Every byte comes in time, and the whole never."""
    server = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            try:
                for _ in range(100):
                    connection.sendall(b" ")
                    time.sleep(0.05)
            except OSError:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    found = ask(f"http://127.0.0.1:{server.getsockname()[1]}/v1", timeout=0.3, tries=1)
    thread.join()
    server.close()
    assert isinstance(found, Failure)
    assert "no answer in 0.3 seconds" in found.reason


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = ask(f"http://127.0.0.1:{port}/v1", tries=2)
    assert isinstance(found, Failure)
    assert found.reason.startswith("2 tries, the last: no connection (ConnectError")
    assert not found.billed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(b"bad key", 401), "the key is refused, status 401: bad key"),
        (Answer(b"pay first", 402), "the quota is used up, status 402: pay first"),
        (Answer(b'{"detail": "no model small"}', 404), "no such address or model, status 404: no"),
        (Answer(b"", 302, {"Location": "http://x/"}), "it points to 'http://x/', status 302"),
        (Answer(b'{"error": {"code": "insufficient_quota"}}', 429), "the quota is used up"),
    ],
)
def test_what_ends_the_run(answer: Answer, words: str) -> None:
    with (
        serving(lambda request, number: answer) as served,
        pytest.raises(EndpointError, match=words) as caught,
    ):
        ask(served.url)
    assert "What was answered is kept" in str(caught.value)
    assert len(served.requests) == 1


def test_a_key_that_the_server_repeats_is_hidden() -> None:
    said = f"the key {SECRET} is wrong".encode()
    with (
        serving(lambda request, number: Answer(said, 401)) as served,
        pytest.raises(EndpointError, match=r"the key \[key\] is wrong") as caught,
    ):
        ask(served.url)
    assert SECRET not in str(caught.value)
    with serving(lambda request, number: Answer(f"you are {SECRET}")) as served:
        assert ask(served.url) == Reply("you are [key]", "stop", 100, 10)


def test_the_key_goes_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    def sent(config: EndpointConfig) -> str:
        endpoint = Endpoint(config, Account(Ceiling()))
        endpoint.close()
        assert SECRET not in repr(vars(config))
        return endpoint._client.headers.get("Authorization", "")

    bearer = f"Bearer {SECRET}"
    assert sent(EndpointConfig("https://api.example.com/v1", "m")) == bearer
    assert sent(EndpointConfig("http://localhost:8000/v1", "m")) == bearer
    assert sent(EndpointConfig("http://api.example.com/v1", "m")) == ""  # for all to read
    assert sent(EndpointConfig("http://api.example.com/v1", "m", key=KEY)) == bearer
    monkeypatch.delenv(KEY)
    assert sent(EndpointConfig("https://api.example.com/v1", "m")) == ""
    with (
        serving(lambda request, number: Answer(b"", 401)) as served,
        pytest.raises(EndpointError, match=r"no key was sent \(set \$OPENAI_API_KEY;.*--key\)"),
    ):
        ask(served.url)
    with pytest.raises(ConfigError, match=r"\$MY_KEY with the key is not set"):
        sent(EndpointConfig("https://api.example.com/v1", "m", key="MY_KEY"))
    monkeypatch.setenv("MY_KEY", "two words")
    with pytest.raises(ConfigError, match=r"key in \$MY_KEY has characters") as caught:
        sent(EndpointConfig("https://api.example.com/v1", "m", key="MY_KEY"))
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("api.example.com/v1", "must be a base URL"),
        ("ftp://example.com", "must be a base URL"),
        ("https://example.com/v1?key=1", "must be a base URL"),
        ("https://me:secret@example.com/v1", "name or password in it"),
        ("https://[::1/v1", "is no URL"),
        ("https://example.com:99999999/v1", "is no URL"),
    ],
)
def test_urls_that_cannot_be(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        EndpointConfig(url, "m")
    assert "secret" not in str(caught.value)


def test_settings_out_of_range() -> None:
    with pytest.raises(ConfigError, match="'parallel' must be between 1 and 1000, found 0"):
        EndpointConfig("https://example.com/v1", "m", parallel=0)


def test_an_answer_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.hosted.endpoint.LARGEST", 1000)
    with serving(lambda request, number: Answer("hi " * 5000)) as served:
        found = ask(served.url, tries=1)
    assert isinstance(found, Failure)
    assert "no JSON came back" in found.reason


def test_who_waits_is_stopped() -> None:
    with serving(lambda request, number: Answer(b"", 429, {"Retry-After": "40"})) as served:
        endpoint = Endpoint(EndpointConfig(served.url, "m"), Account(Ceiling()))
        found: list[Any] = []
        waiting = threading.Thread(target=lambda: found.append(endpoint.ask(HELLO, 10, {})))
        waiting.start()
        while endpoint._not_before == 0:
            time.sleep(0.005)
        endpoint.stop()
        waiting.join(timeout=20)
        endpoint.close()
        assert found == [None]
        assert len(served.requests) == 1


def test_what_is_stopped_asks_for_nothing() -> None:
    with serving(lambda request, number: Answer(b"", 500)) as served:
        endpoint = Endpoint(EndpointConfig(served.url, "m", backoff=60), Account(Ceiling()))
        endpoint.stop()
        assert endpoint.ask(HELLO, 10, {}) is None
        endpoint.close()
        assert served.requests == []


def test_without_httpx2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'plait\[endpoint\]'"):
        ask("https://example.com/v1")
