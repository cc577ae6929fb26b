"""What a run may cost: money is set aside before a request is sent, so no ceiling is passed."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from plait.errors import ConfigError
from plait.hosted.replies import Reply

MILLION = 1_000_000


@dataclass(frozen=True)
class Ceiling:
    """What a run may use.

    Attributes:
        price_in: of a million tokens that are read, in any currency.
        price_out: of a million tokens that are written.
        cost: the most that the answers of a table may cost, those of earlier runs with it.
        requests: the most requests of this run; those that fail count too.

    Raises:
        ConfigError: for a number below zero, or a cost without prices.
    """

    price_in: float = 0.0
    price_out: float = 0.0
    cost: float | None = None
    requests: int | None = None

    def __post_init__(self) -> None:
        given = {
            "price_in": self.price_in,
            "price_out": self.price_out,
            "cost": self.cost,
            "requests": self.requests,
        }
        for name, value in given.items():
            if value is not None and not value >= 0:
                raise ConfigError(f"Setting {name!r} must be 0 or more, found {value}.")
        if self.cost is not None and not self.price_in + self.price_out > 0:
            raise ConfigError(
                "A ceiling of cost needs prices: say what a million tokens cost that are read and "
                "that are written (price_in and price_out, --price-in and --price-out)."
            )


class Account:
    """Counts what is spent, and what is set aside for requests under way; safe in threads.

    A request is set aside at the most that it can cost. What a picture costs in tokens is the
    provider's affair, so with a ceiling the first request goes alone, and no later one is believed
    to read fewer tokens than the largest so far.
    """

    def __init__(self, ceiling: Ceiling) -> None:
        self.ceiling = ceiling
        self.cost, self.requests, self.tokens_in, self.tokens_out = 0.0, 0, 0, 0
        self.closed = ""
        self._under_way, self._set_aside, self._largest = 0, 0.0, 0
        self._changed = threading.Condition()

    def price(self, tokens_in: int, tokens_out: int) -> float:
        """Return what tokens cost."""
        parts = tokens_in * self.ceiling.price_in + tokens_out * self.ceiling.price_out
        return parts / MILLION

    def credit(self, reply: Reply) -> None:
        """Count an answer that was paid for in an earlier run."""
        self._count(reply.tokens_in or 0, reply.tokens_out or 0)

    def reserve(self, tokens_in: int, tokens_out: int) -> float | None:
        """Set aside the most that a request can cost; None where the ceiling forbids it.

        Waits for others under way when it would fit should they cost less than was set aside.
        """
        ceiling = self.ceiling
        with self._changed:
            while not self.closed:
                own = self.price(max(tokens_in, self._largest), tokens_out)
                if ceiling.requests is not None and self.requests >= ceiling.requests:
                    self.closed = f"the {ceiling.requests:,} requests of this run are used up"
                elif self._fits(own):
                    self.requests += 1
                    self._under_way += 1
                    self._set_aside += own
                    return own
                elif self._under_way:
                    self._changed.wait()
                else:
                    self.closed = (
                        f"{self.cost:.4f} are spent, and the next request may cost {own:.4f}: with "
                        f"it the ceiling of {ceiling.cost} could be passed"
                    )
            return None

    def close(self, reason: str) -> None:
        """Set nothing aside any more."""
        with self._changed:
            self.closed = self.closed or reason
            self._changed.notify_all()

    def _fits(self, own: float) -> bool:
        if self.ceiling.cost is None:
            return True
        if not self._largest and self._under_way:
            return False
        return self.cost + self._set_aside + own <= self.ceiling.cost

    def settle(self, own: float, reply: Reply | None, billed: bool = False) -> None:
        """Take back what was set aside, and count what the request cost.

        What is not told is taken to have cost all that was set aside: an answer without a count, or
        a request that ran out of time (`billed`).
        """
        with self._changed:
            self._under_way -= 1
            self._set_aside -= own
            if reply is not None and reply.tokens_in is not None:
                self._count(reply.tokens_in, reply.tokens_out or 0)
            elif billed or reply is not None:
                self.cost += own
            self._changed.notify_all()

    def _count(self, tokens_in: int, tokens_out: int) -> None:
        self._largest = max(self._largest, tokens_in)
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self.cost += self.price(tokens_in, tokens_out)
