"""Pictures from an endpoint that draws: `/images/generations`, as OpenAI and others have it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plait.data.image import Picture, read_pictures
from plait.errors import CellError, ConfigError, EndpointError
from plait.hosted.account import MILLION, Account, Ceiling
from plait.hosted.answers import Answers, default_path, key_of
from plait.hosted.endpoint import Endpoint, EndpointConfig
from plait.hosted.replies import Failure, Reply, reason_of, shown

PATH = "/images/generations"

ALWAYS_BYTES = "gpt-image"
"""Begins the names of models that send bytes, and refuse to be asked for them."""


@dataclass(frozen=True)
class Order:
    """What is asked of an endpoint that draws.

    Attributes:
        prompt: in words.
        count: of pictures, a request each.
        size: as in `1024x1024`; empty leaves it to the endpoint.
        seed: of the first, sent only where it is said; each one after it has the next.
        price: of one picture, in any currency.
        cost: the most that all may cost.
    """

    prompt: str
    count: int = 1
    size: str = ""
    seed: int | None = None
    price: float = 0.0
    cost: float | None = None

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise ConfigError("What is to be drawn is empty; say it in words.")


@dataclass(frozen=True)
class Delivery:
    """Pictures, how many of them were known from before, and what they cost in all."""

    pictures: list[Picture]
    known: int
    cost: float


def order_pictures(
    order: Order,
    config: EndpointConfig,
    answers: Path | None = None,
    advance: Callable[[int], None] | None = None,
) -> Delivery:
    """Return the pictures of an order; those that were paid for once are not asked for again.

    The same account, retries and file of answers as for texts (`plait.hosted.labelling`); a picture
    counts as one token that is written, at its own price.

    Args:
        order: what is asked for.
        config: where and how; fields of `body` are sent with each request.
        answers: the file of answers so far; that of the user by default.
        advance: is told of each picture.

    Raises:
        ConfigError: when the ceiling forbids a picture, or the file of answers cannot be used.
        EndpointError: when the endpoint gives none.
    """
    account = Account(Ceiling(0.0, order.price * MILLION, order.cost))
    endpoint = Endpoint(replace(config, parallel=1), account, PATH, read_picture)
    kept = Answers(answers or default_path())
    pictures, known = [], 0
    try:
        for number in range(order.count):
            body = _body(order, config, number)
            key = key_of(config.base + PATH, body, [str(number)])
            reply = kept.read(key)
            known += reply is not None
            if reply is None:
                reply = _asked(endpoint, account, body)
                pictures.append(_picture(reply.text))  # what is none is not kept
                kept.write(key, reply)
            else:
                account.credit(reply)
                pictures.append(_picture(reply.text))
            if advance is not None:
                advance(1)
    finally:
        kept.close()
        endpoint.close()
    return Delivery(pictures, known, account.cost)


def _body(order: Order, config: EndpointConfig, number: int) -> dict[str, Any]:
    body: dict[str, Any] = {"model": config.model, "prompt": order.prompt, "n": 1}
    if not config.model.startswith(ALWAYS_BYTES):
        body["response_format"] = "b64_json"
    if order.size:
        body["size"] = order.size
    if order.seed is not None:
        body["seed"] = order.seed + number
    return {name: value for name, value in {**body, **config.body}.items() if value is not None}


def _asked(endpoint: Endpoint, account: Account, body: dict[str, Any]) -> Reply:
    found = endpoint.send(body, 0, 1)
    if found is None:
        raise ConfigError(f"No further picture is asked for: {account.closed}.")
    if isinstance(found, Failure):
        raise EndpointError(f"{endpoint.config.base}: {found.reason}")
    return found


def read_picture(content: bytes) -> Reply | Failure:
    """Return what a body of status 200 says: the bytes of one picture, in base 64."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return Failure(f"no JSON came back: {shown(content)!r}", again=True, billed=True)
    if isinstance(body, dict) and body.get("error"):
        return Failure(f"the endpoint says: {reason_of(content)}", again=True)
    data = body.get("data") if isinstance(body, dict) else None
    first = data[0] if isinstance(data, list) and data else None
    if not isinstance(first, dict):
        return Failure(f"no picture came back: {shown(content)!r}", again=True, billed=True)
    if isinstance(first.get("b64_json"), str):
        return Reply(first["b64_json"], "stop", 0, 1)
    return Failure(
        "an address came back in place of a picture, and addresses are not fetched; ask for bytes "
        "(--set response_format=b64_json)", billed=True,
    )  # fmt: skip


def _picture(text: str) -> Picture:
    try:
        return read_pictures(base64.b64decode(text, validate=True))[0]
    except (binascii.Error, CellError) as error:
        raise EndpointError(f"What came back is no picture that can be read: {error}") from error
