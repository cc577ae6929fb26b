from __future__ import annotations

import threading
import time

import pytest

from plait.errors import ConfigError
from plait.hosted.account import Account, Ceiling
from plait.hosted.replies import Reply

ONE = Ceiling(price_in=1e4, price_out=1e5, cost=10.0)  # 0.01 and 0.1 a token


def test_prices_are_of_a_million_tokens() -> None:
    account = Account(Ceiling(price_in=0.15, price_out=0.6))
    assert account.price(2_000_000, 500_000) == pytest.approx(0.6)


def test_a_ceiling_is_not_passed() -> None:
    account = Account(ONE)
    spent = []
    while (own := account.reserve(100, 20)) is not None:  # at most 1 + 2 = 3
        account.settle(own, Reply("x", "stop", 90, 12))  # in truth 0.9 + 1.2 = 2.1
        spent.append(account.cost)
    assert spent == pytest.approx([2.1, 4.2, 6.3, 8.4])  # of the 10, fewer than 3 are left
    assert "8.4000 are spent, and the next request may cost 3.0000" in account.closed
    assert account.requests == len(spent)


def test_it_is_closed_with_a_reason() -> None:
    account = Account(ONE)
    own = account.reserve(800, 10)
    assert own == pytest.approx(9)
    account.settle(own, Reply("x", "stop", 800, 10))
    assert account.reserve(100, 1) is None
    assert account.closed == (
        "9.0000 are spent, and the next request may cost 8.1000: with it the ceiling of 10.0 "
        "could be passed"
    )


def test_the_first_request_goes_alone_and_teaches_the_others() -> None:
    account = Account(ONE)
    own = account.reserve(100, 0)
    assert own == pytest.approx(1)
    found: list[float | None] = []
    other = threading.Thread(target=lambda: found.append(account.reserve(100, 0)))
    other.start()
    time.sleep(0.1)
    assert found == []  # a picture may cost more than it was believed to
    account.settle(own, Reply("x", "stop", 400, 0))
    other.join()
    assert found == pytest.approx([4])


def test_who_does_not_fit_waits_for_those_under_way() -> None:
    account = Account(ONE)
    first = account.reserve(100, 0)
    assert first is not None
    account.settle(first, Reply("x", "stop", 100, 0))
    second = account.reserve(100, 50)  # 6
    assert second is not None
    found: list[float | None] = []
    other = threading.Thread(target=lambda: found.append(account.reserve(100, 50)))
    other.start()
    time.sleep(0.1)
    assert found == []
    account.settle(second, Reply("x", "stop", 100, 1))  # 1.1 and not 6
    other.join()
    assert found == pytest.approx([6])


def test_what_is_not_told_is_believed_to_have_cost_the_most() -> None:
    account = Account(ONE)
    for reply, billed, cost in [
        (None, False, 0.0),
        (None, True, 2.0),
        (Reply("x", "stop"), False, 2.0),
    ]:
        before = account.cost
        own = account.reserve(100, 10)
        assert own is not None
        account.settle(own, reply, billed)
        assert account.cost - before == pytest.approx(cost)


def test_answers_of_earlier_runs_count() -> None:
    account = Account(ONE)
    account.credit(Reply("x", "stop", 950, 0))
    assert account.cost == pytest.approx(9.5)
    assert account.requests == 0
    assert account.reserve(100, 0) is None


def test_requests_are_counted() -> None:
    account = Account(Ceiling(requests=2))
    assert account.reserve(10, 10) == 0.0
    assert account.reserve(10, 10) == 0.0
    assert account.reserve(10, 10) is None
    assert account.closed == "the 2 requests of this run are used up"


def test_threads_never_pass_it() -> None:
    account = Account(Ceiling(price_in=1e4, price_out=1e5, cost=20.0))

    def spend() -> None:
        while (own := account.reserve(100, 10)) is not None:
            time.sleep(0.001)
            account.settle(own, Reply("x", "stop", 100, 10))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.cost == pytest.approx(20)
    assert account.requests == 10


def test_ceilings_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="A ceiling of cost needs prices"):
        Ceiling(cost=5.0)
    with pytest.raises(ConfigError, match="'requests' must be 0 or more, found -1"):
        Ceiling(requests=-1)
    with pytest.raises(ConfigError, match="'price_in' must be 0 or more, found nan"):
        Ceiling(price_in=float("nan"))
