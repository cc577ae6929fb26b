"""An endpoint of chat completions: one question at a time, with patience that has an end."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from plait.config import check_range
from plait.errors import ConfigError, EndpointError, MissingExtraError
from plait.hosted.account import Account
from plait.hosted.replies import Failure, Reply, read_reply, reason_of

if TYPE_CHECKING:
    import httpx2

KEY = "OPENAI_API_KEY"
"""The environment variable of the key, unless another is named."""

PATH = "/chat/completions"

LARGEST = 16 * 2**20
"""Bytes of an answer above which it is no answer."""

KEPT = " What was answered is kept; the same command goes on with the rest."
"""Ends the errors of a run."""

PASSING = (408, 409, 425, 429)
"""Statuses below 500 that may be gone at the next try."""


Read = Callable[[bytes], Reply | Failure]
"""From the body of an answer to what it says."""


@dataclass(frozen=True)
class EndpointConfig:
    """Where a model answers, and how it is asked.

    Attributes:
        url: the base URL, as in `https://api.openai.com/v1`.
        model: its name there.
        key: the environment variable that holds the key; $OPENAI_API_KEY by default, which is sent
            over https and to this machine only.
        longest_answer: tokens.
        body: further fields of the request, `{"seed": 1}`; None takes a field away.
        parallel: requests under way at once.
        timeout: seconds until a request must be answered in full.
        tries: of a request.
        backoff: seconds; before try n it waits up to `backoff * 2 ** n`, at random.
        longest_wait: seconds between two tries.
    """

    url: str
    model: str
    key: str | None = None
    longest_answer: int = 300
    body: Mapping[str, Any] = field(default_factory=dict)
    parallel: int = 8
    timeout: float = 60.0
    tries: int = 5
    backoff: float = 0.5
    longest_wait: float = 60.0

    def __post_init__(self) -> None:
        check_range(self, "longest_answer", 1, 10_000_000)
        check_range(self, "parallel", 1, 1000)
        check_range(self, "timeout", 0.01, 86_400)
        check_range(self, "tries", 1, 100)
        check_range(self, "backoff", 0.0, 3600)
        check_range(self, "longest_wait", 0.0, 86_400)
        _require_base(self.url)

    @property
    def base(self) -> str:
        """The URL without what is put behind it."""
        return self.url.rstrip("/").removesuffix(PATH)

    @property
    def settings(self) -> dict[str, Any]:
        """The request without its messages.

        At temperature 0 unless said otherwise, since labels should repeat.
        """
        found: dict[str, Any] = {"model": self.model, "temperature": 0}
        # Newer models of OpenAI know this name alone, most servers the older one.
        if "max_completion_tokens" not in self.body:
            found["max_tokens"] = self.longest_answer
        found |= self.body
        return {name: value for name, value in found.items() if value is not None}

    @property
    def most_tokens_out(self) -> int | None:
        """The most tokens of an answer; None where the request does not limit it."""
        limits = [self.settings.get(name) for name in ("max_tokens", "max_completion_tokens")]
        return max((limit for limit in limits if isinstance(limit, int)), default=None)


def _require_base(url: str) -> None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # which is read only now
    except ValueError as error:
        raise ConfigError(f"The endpoint {url!r} is no URL: {error}.") from error
    if parts.username or parts.password:
        raise ConfigError(
            "The endpoint's URL has a name or password in it; put the key into an environment "
            f"variable (${KEY}) instead."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(
            f"The endpoint {url!r} must be a base URL, as in https://api.openai.com/v1 or "
            "http://localhost:8000/v1."
        )


def _key_of(config: EndpointConfig) -> str:
    """Return the key; empty where none is sent."""
    value = os.environ.get(config.key or KEY, "").strip()
    if config.key is not None and not value:
        raise ConfigError(f"The environment variable ${config.key} with the key is not set.")
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        raise ConfigError(f"The key in ${config.key or KEY} has characters that no key has.")
    parts = urlsplit(config.url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return value if config.key is not None or parts.scheme == "https" or local else ""


class Endpoint:
    """Asks a model; safe in threads.

    Args:
        config: where and how.
        account: what may be spent.
        path: behind the base URL.
        read: what makes a reply of a body.

    Raises:
        ConfigError: when the key that is named is not there, or cannot be one.
        MissingExtraError: when httpx2 is not there.
    """

    def __init__(
        self, config: EndpointConfig, account: Account, path: str = PATH, read: Read = read_reply
    ) -> None:
        try:
            import httpx2
        except ImportError as error:
            raise MissingExtraError(
                "Asking an endpoint needs httpx2: pip install 'plait[endpoint]'"
            ) from error
        self.config, self.account = config, account
        self._path, self._read = path, read
        self._stopped, self._key = threading.Event(), _key_of(config)
        self._errors = httpx2.RequestError
        self._unsent = (httpx2.ConnectError, httpx2.ConnectTimeout)
        self._too_late = httpx2.TimeoutException
        self._client: httpx2.Client = httpx2.Client(
            timeout=config.timeout,
            limits=httpx2.Limits(max_connections=config.parallel),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
        )
        self._not_before = 0.0

    def stop(self) -> None:
        """Ask for nothing more, and let nobody wait."""
        self.account.close("the run was stopped")
        self._stopped.set()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(
        self, messages: Sequence[Mapping[str, Any]], most_in: int, fields: Mapping[str, Any]
    ) -> Reply | Failure | None:
        """Return the answer to messages, or why there is none; None when none may be asked for.

        Args:
            messages: of the conversation.
            most_in: tokens that they can be, for the account.
            fields: of the request, beside the settings.

        Raises:
            EndpointError: when no other messages would be answered either.
        """
        body = {**self.config.settings, **fields, "messages": list(messages)}
        return self.send(body, most_in, self.config.most_tokens_out or 0)

    def send(self, body: Mapping[str, Any], most_in: int, most_out: int) -> Reply | Failure | None:
        """Return the answer to a request, or why there is none; None when none may be sent.

        Tries again after a while where that may help: full jitter (Brooker, "Exponential Backoff
        And Jitter", 2015), and no request before the time that the endpoint asks to wait
        (Retry-After, RFC 9110, section 10.2.3).

        Args:
            body: of the request.
            most_in: tokens that it can be, for the account.
            most_out: tokens that the answer can be.

        Raises:
            EndpointError: when no other request would be answered either.
        """
        failure = Failure("")
        for number in range(self.config.tries):
            if not self._wait(number):
                return None
            own = self.account.reserve(most_in, most_out)
            if own is None:
                return None
            found = self._once(body)
            if isinstance(found, Reply):
                self.account.settle(own, found)
                return found
            self.account.settle(own, None, found.billed)
            failure = found
            self._require_hope(failure)
            if not failure.again:
                return failure
            self._not_before = max(self._not_before, time.monotonic() + failure.wait)
        return replace(failure, reason=f"{self.config.tries} tries, the last: {failure.reason}")

    def _require_hope(self, failure: Failure) -> None:
        """Refuse to go on where all others would fail too, or wait too long."""
        if failure.final:
            raise EndpointError(f"{self.config.base}: {failure.reason}.{KEPT}")
        if failure.wait > self.config.longest_wait:
            raise EndpointError(
                f"{self.config.base}: {failure.reason}; it asks to wait {failure.wait:,.0f} "
                f"seconds, longer than the {self.config.longest_wait:,.0f} of longest_wait.{KEPT}"
            )

    def _wait(self, number: int) -> bool:
        """Wait before a try, the first of which is number 0; return whether to go on."""
        most = min(self.config.backoff * 2**number, self.config.longest_wait) if number else 0.0
        asked = max(self._not_before - time.monotonic(), 0.0)
        return not self._stopped.wait(asked + random.uniform(0, most))

    def _once(self, body: Mapping[str, Any]) -> Reply | Failure:
        try:
            status, headers, content = self._post(body)
        except self._errors as error:
            if isinstance(error, self._too_late):
                reason = f"no answer in {self.config.timeout:g} seconds"
            else:
                reason = f"no connection ({type(error).__name__}: {self._hidden(str(error))})"
            return Failure(reason, again=True, billed=not isinstance(error, self._unsent))
        # What a server repeats of the key shall stand nowhere.
        content = content.replace(self._key.encode(), b"[key]") if self._key else content
        if status == 200:
            return self._read(content)
        return self._refused(status, headers, content)

    def _post(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body; in time as a whole, and not only in each part."""
        deadline, content = time.monotonic() + self.config.timeout, bytearray()
        with self._client.stream("POST", self.config.base + self._path, json=body) as response:
            for part in response.iter_bytes():
                content += part
                if time.monotonic() > deadline:
                    raise self._too_late("the answer did not end")
                if len(content) > LARGEST:
                    break  # no JSON then
            return response.status_code, response.headers, bytes(content[:LARGEST])

    def _refused(self, status: int, headers: Mapping[str, str], content: bytes) -> Failure:
        said = f"status {status}: {reason_of(content)}"
        if status == 401:  # 403 is what some say of one message that is flagged
            none = f"no key was sent (set ${KEY}; over plain http, name its variable: --key)"
            sent = "the key is refused" if self._key else none
            return Failure(f"{sent}, {said}", final=True)
        if status == 404 or 300 <= status < 400:
            where = f", it points to {headers['location']!r}" if "location" in headers else ""
            return Failure(f"no such address or model{where}, {said}", final=True)
        if status == 402 or (status == 429 and b"insufficient_quota" in content):
            return Failure(f"the quota is used up, {said}", final=True)
        again = status in PASSING or status >= 500
        return Failure(said, again, _seconds(headers.get("retry-after", "")) if again else 0.0)

    def _hidden(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def _seconds(retry_after: str) -> float:
    """Return the seconds of a Retry-After: a number, or a date."""
    with suppress(ValueError):
        seconds = float(retry_after)
        return seconds if seconds >= 0 else 0.0
    with suppress(ValueError):
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    return 0.0
