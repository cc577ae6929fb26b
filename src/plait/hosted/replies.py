"""What an endpoint sends back: an answer with what it cost, or why there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

BELIEVED = 10**12
"""Tokens of one request above which a count is garbage."""

SHOWN = 200
"""Characters of what a server says that an error repeats."""


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        text: that was written.
        finish: why it ended: `stop`, `length`, `content_filter`, ..., or `refusal`.
        tokens_in: read, as the endpoint counts them; None where it does not say.
        tokens_out: written, likewise.
    """

    text: str
    finish: str
    tokens_in: int | None = None
    tokens_out: int | None = None


@dataclass(frozen=True)
class Failure:
    """A request without an answer.

    Attributes:
        reason: in words.
        again: whether another try may help.
        wait: seconds that the endpoint asks to wait first.
        billed: whether it may be paid for all the same: the model may have written.
        final: whether all other requests will fail too.
    """

    reason: str
    again: bool = False
    wait: float = 0.0
    billed: bool = False
    final: bool = False


def read_reply(content: bytes) -> Reply | Failure:
    """Return what a body of status 200 says."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return Failure(f"no JSON came back: {shown(content)!r}", again=True, billed=True)
    if isinstance(body, dict) and body.get("error"):  # some gateways have no other status
        return Failure(f"the endpoint says: {reason_of(content)}", again=True)
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        return Failure(f"no choice came back: {shown(content)!r}", again=True, billed=True)
    refusal = message.get("refusal")
    usage = body.get("usage")
    return Reply(
        text=_whole(str(refusal) if refusal else _text(message.get("content"))),
        finish="refusal" if refusal else str(first.get("finish_reason") or "stop"),
        tokens_in=_count(usage, "prompt_tokens"),
        tokens_out=_count(usage, "completion_tokens"),
    )


def _text(content: Any) -> str:
    """Return the text of a message; some servers send it in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _whole(text: str) -> str:
    """Return a text without halves of characters, which no file holds."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _count(usage: Any, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, dict) else None
    is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < BELIEVED
    return count if is_count else None


def reason_of(content: bytes) -> str:
    """Return the message in the body of an error."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return shown(content)
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error
    return shown(str(error).encode())


def shown(content: bytes) -> str:
    """Return the beginning of a body in one line."""
    return " ".join(content[: 4 * SHOWN].decode("utf-8", "replace").split())[:SHOWN]
