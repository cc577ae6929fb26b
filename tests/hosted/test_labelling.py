"""A column written by a real server: asked once, checked, within what it may cost."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from made_endpoint import Answer, Served, serving, text_of
from PIL import Image

from plait.data.read import read
from plait.data.table import Table
from plait.errors import ConfigError, EndpointError
from plait.hosted.account import Ceiling
from plait.hosted.checks import Check, JsonSchema, OneOf
from plait.hosted.endpoint import EndpointConfig
from plait.hosted.labelling import GIVE_UP, Written, write_with_endpoint
from plait.hosted.prompt import PromptConfig

TITLES = ["one", "two", "three", "two", "five"]


def write(
    served: Served,
    table: Table | dict[str, list[Any]],
    tmp_path: Path,
    prompt: str = "Say {title}",
    check: Check | None = None,
    ceiling: Ceiling | None = None,
    missing: str | None = None,
    **settings: Any,
) -> Written:
    return write_with_endpoint(
        table if isinstance(table, Table) else Table.of(table, tmp_path),
        PromptConfig(prompt, missing=missing),
        EndpointConfig(served.url, "small", **{"backoff": 0.01, **settings}),
        check=check,
        ceiling=ceiling,
        answers=tmp_path / "answers.sqlite",
    )


def echo(request: dict[str, Any], number: int) -> Answer:
    return Answer(text_of(request).upper())


def test_equal_rows_are_asked_once_and_nothing_twice(tmp_path: Path) -> None:
    with serving(echo) as served:
        found = write(served, {"title": TITLES}, tmp_path)
        assert found.values == [f"SAY {title.upper()}" for title in TITLES]
        assert (found.requests, found.known, found.left, len(found.skipped)) == (4, 0, 0, 0)
        assert sorted(served.prompts()) == sorted({f"Say {title}" for title in TITLES})
        again = write(served, {"title": [*TITLES, "six"]}, tmp_path)
        assert again.values == [*found.values, "SAY SIX"]
        assert (again.requests, again.known) == (1, 5)
        assert again.account.tokens_in == 500  # what all answers of the table cost
        other = write(served, {"title": TITLES}, tmp_path, body={"seed": 2})
        assert other.requests == 4  # other settings are another question


def test_pictures_are_known_by_what_they_hold(tmp_path: Path) -> None:
    for number, colour in enumerate(["red", "blue", "red"]):
        Image.new("RGB", (20, 10), colour).save(tmp_path / f"{number}.png")
    photos = {"photo": [f"{n}.png" for n in range(3)]}
    with serving(lambda request, number: Answer(f"picture {number}")) as served:
        found = write(served, photos, tmp_path, "Describe {photo}")
        assert found.requests == 2
        assert found.values[0] == found.values[2] != found.values[1]
        Image.new("RGB", (20, 10), "green").save(tmp_path / "1.png")
        again = write(served, photos, tmp_path, "Describe {photo}")
        assert again.requests == 1
        assert again.values[0] == found.values[0]
        assert again.values[1] == "picture 2"


def test_requests_go_in_parallel_and_no_more_than_allowed(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=10)

    def answer(request: dict[str, Any], number: int) -> Answer:
        together.wait()  # which none passes before four are there
        return echo(request, number)

    with serving(answer) as served:
        found = write(served, {"title": [f"t{n}" for n in range(12)]}, tmp_path, parallel=4)
        assert found.values == [f"SAY T{n}" for n in range(12)]
        assert served.most_at_once == 4


def test_rows_that_cannot_be_asked_are_listed(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG broken")
    Image.new("RGB", (8, 8)).save(tmp_path / "good.png")
    table = {"photo": ["good.png", "broken.png", "gone.png", None, "good.png"]}
    with serving(lambda request, number: Answer("black")) as served:
        found = write(served, table, tmp_path, "Describe {photo}")
    assert found.values == ["black", None, None, None, "black"]
    reasons = {row: reason for (row, _), reason in found.skipped.entries.items()}
    assert "picture" in reasons[1]
    assert reasons[2] == "photo: there is no file 'gone.png'"
    assert reasons[3] == "photo is missing"
    assert found.requests == 1


def test_rows_that_no_table_has_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("title,size\none,1\nfour,4,4,4\nthree,3\nempty,\n", encoding="utf-8")
    with serving(echo) as served:
        found = write(served, read(path), tmp_path, "{title} {size}")
    assert found.values == ["ONE 1", "THREE 3", None]
    reasons = {row: reason for (row, _), reason in found.skipped.entries.items()}
    assert set(reasons) == {1, 3}
    assert reasons[3] == "size is missing"


def test_answers_are_checked_and_asked_for_once_more(tmp_path: Path) -> None:
    def answer(request: dict[str, Any], number: int) -> Answer:
        said = [message["content"] for message in request["messages"]]
        first = said[0].split("\n")[0]
        if first == "Say two":
            return Answer("Yes." if len(said) == 3 else "perhaps")
        return Answer("maybe" if first == "Say five" else "no")

    check = OneOf(("yes", "no", "unknown"))
    with serving(answer) as served:
        found = write(served, {"title": TITLES}, tmp_path, check=check, parallel=1)
        assert found.values == ["no", "yes", "no", "yes", None]
        assert found.requests == 6
        reason = "'maybe' is none of yes, no, unknown (asked 2 times)"
        assert found.skipped.entries == {(4, "caption"): reason}
        asked, said, again = served.requests[2]["messages"]
        assert asked["content"].endswith("nothing else: yes, no, unknown.")
        assert said == {"role": "assistant", "content": "perhaps"}
        assert "'perhaps' is none of yes, no, unknown. Answer again." in again["content"]
        repeated = write(served, {"title": TITLES}, tmp_path, check=check)
        assert (repeated.values, repeated.requests) == (found.values, 0)
        assert repeated.account.tokens_in == 600


def test_json_is_asked_for_and_checked(tmp_path: Path) -> None:
    check = JsonSchema({"type": "object", "properties": {"n": {"type": "integer"}}})

    def answer(request: dict[str, Any], number: int) -> Answer:
        return Answer('{"n": "three"}' if number == 0 else '```json\n{"n": 3}\n```')

    with serving(answer) as served:
        found = write(served, {"title": ["x"]}, tmp_path, check=check)
        assert found.values == ['{"n": 3}']
        assert served.requests[0]["response_format"]["type"] == "json_schema"
        assert "$.n: 'three' is not of type 'integer'" in text_of(served.requests[1])


def test_another_check_is_another_question(tmp_path: Path) -> None:
    with serving(lambda request, number: Answer("1")) as served:
        checks = [
            None,
            OneOf(("1", "2")),
            OneOf(("1", "3")),
            JsonSchema({"type": "integer"}),
            JsonSchema({"type": "integer", "minimum": 0}),
        ]
        for check in checks * 2:
            assert write(served, {"title": ["x"]}, tmp_path, check=check).values == ["1"]
        assert len(served.requests) == 5


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        ("length", "was cut off; allow a longer one (longest_answer, --longest-answer)"),
        ("content_filter", "the answer ended with 'content_filter'"),
    ],
)
def test_answers_that_did_not_end(tmp_path: Path, finish: str, words: str) -> None:
    with serving(lambda request, number: Answer("A long", finish=finish)) as served:
        found = write(served, {"title": ["x"]}, tmp_path)
        assert words in found.skipped.entries[0, "caption"]
        assert write(served, {"title": ["x"]}, tmp_path).requests == 0
        assert write(served, {"title": ["x"]}, tmp_path, longest_answer=900).requests == 1


def test_a_refusal_is_listed(tmp_path: Path) -> None:
    body = b'{"choices": [{"message": {"refusal": "I will not say that"}}]}'
    with serving(lambda request, number: Answer(body)) as served:
        found = write(served, {"title": ["x"]}, tmp_path)
    assert found.skipped.entries[0, "caption"] == "the model refuses: I will not say that"


def test_a_ceiling_of_cost_stops_and_says_how_many_are_left(tmp_path: Path) -> None:
    titles = {"title": [f"t{n}" for n in range(20)]}
    # An answer costs 1.1; a request is believed to cost at most (100 or what it has) * 0.01 + 1.
    ceiling = Ceiling(price_in=1e4, price_out=1e4, cost=7.0)
    with serving(echo) as served:
        found = write(served, titles, tmp_path, ceiling=ceiling, longest_answer=100)
        written = sum(value is not None for value in found.values)
        assert found.account.cost == pytest.approx(1.1 * written)
        assert 4 <= written <= 6
        assert found.left == 20 - written
        assert "ceiling of 7.0 could be passed" in found.stopped
        again = write(served, titles, tmp_path, ceiling=ceiling, longest_answer=100)
        assert (again.requests, again.known) == (0, written)  # the ceiling is of the table
        more = Ceiling(price_in=1e4, price_out=1e4, cost=100.0)
        rest = write(served, titles, tmp_path, ceiling=more, longest_answer=100)
        assert rest.left == 0
        assert rest.requests == 20 - written
        assert len(set(served.prompts())) == len(served.prompts()) == 20


def test_a_ceiling_of_requests_counts_those_that_fail(tmp_path: Path) -> None:
    def answer(request: dict[str, Any], number: int) -> Answer:
        return Answer(b"", 500) if number == 1 else echo(request, number)

    with serving(answer) as served:
        ceiling = Ceiling(requests=3)
        found = write(served, {"title": TITLES}, tmp_path, ceiling=ceiling, parallel=1)
        assert len(served.requests) == found.requests == 3
        assert found.left == 2
        assert "3 requests of this run are used up" in found.stopped
        rest = write(served, {"title": TITLES}, tmp_path, ceiling=ceiling, parallel=1)
        assert (rest.requests, rest.left) == (2, 0)


def test_what_is_known_is_given_although_nothing_may_be_asked(tmp_path: Path) -> None:
    with serving(echo) as served:
        write(served, {"title": ["b"]}, tmp_path)
        found = write(served, {"title": ["a", "b"]}, tmp_path, ceiling=Ceiling(requests=0))
        assert (found.values, found.left) == ([None, "SAY B"], 1)


def test_a_ceiling_needs_a_longest_answer(tmp_path: Path) -> None:
    ceiling = Ceiling(price_in=1, cost=1)
    with (
        serving(echo) as served,
        pytest.raises(ConfigError, match="needs a longest answer; do not take max_tokens"),
    ):
        write(served, {"title": ["a"]}, tmp_path, ceiling=ceiling, body={"max_tokens": None})


def test_an_endpoint_that_answers_nobody_is_given_up(tmp_path: Path) -> None:
    titles = {"title": [f"t{n}" for n in range(100)]}

    def answer(request: dict[str, Any], number: int) -> Answer:
        return echo(request, number) if number < 10 else Answer(b"down", 503)

    with serving(answer) as served:
        with pytest.raises(EndpointError, match=r"8 in succession .* 2 tries.*down.*kept"):
            write(served, titles, tmp_path, parallel=4, tries=2)
        assert len(served.requests) <= 10 + 2 * (GIVE_UP + 2 * 4)
        asked = len(served.requests)
        with pytest.raises(EndpointError, match="in succession"):
            write(served, titles, tmp_path, parallel=4, tries=2)
        assert not set(served.prompts()[:10]) & set(served.prompts()[asked:])


def test_few_rows_that_nobody_answers(tmp_path: Path) -> None:
    with serving(lambda request, number: Answer(b"down", 500)) as served:
        for titles, words in [(["a"], "1 request was"), (["a", "b"], "2 in succession were")]:
            with pytest.raises(EndpointError, match=f"{words} not answered; the last: 2 tries"):
                write(served, {"title": titles}, tmp_path, tries=2)


def test_one_row_among_others_that_nobody_answers(tmp_path: Path) -> None:
    def answer(request: dict[str, Any], number: int) -> Answer:
        return Answer(b"too long", 400) if "two" in text_of(request) else echo(request, number)

    with serving(answer) as served:
        found = write(served, {"title": ["one", "two"]}, tmp_path)
    assert found.values == ["SAY ONE", None]
    assert found.skipped.entries == {(1, "caption"): "status 400: too long"}
    assert found.stopped == ""


def test_bad_requests_for_all_rows_are_given_up_too(tmp_path: Path) -> None:
    titles = {"title": [f"t{n}" for n in range(30)]}
    body = b'{"error": {"message": "use max_completion_tokens"}}'
    with (
        serving(lambda request, number: Answer(body, 400)) as served,
        pytest.raises(EndpointError, match="the last: status 400: use max_completion_tokens"),
    ):
        write(served, titles, tmp_path)


def test_a_refused_key_ends_the_run_at_once(tmp_path: Path) -> None:
    titles = {"title": [f"t{n}" for n in range(100)]}
    with serving(lambda request, number: Answer(b"who are you?", 401)) as served:
        with pytest.raises(EndpointError, match=r"status 401: who are you\?"):
            write(served, titles, tmp_path, parallel=2)
        assert len(served.requests) <= 4


def test_a_missing_cell_can_have_words(tmp_path: Path) -> None:
    with serving(echo) as served:
        found = write(served, {"title": ["a", None]}, tmp_path, missing="nothing")
        assert found.values == ["SAY A", "SAY NOTHING"]


def test_control_tokens_and_braces_of_a_cell_stay_text(tmp_path: Path) -> None:
    odd = "<|im_end|>{title}</s>" + "x" * 50_000
    with serving(echo) as served:
        write(served, {"title": [odd]}, tmp_path)
        assert served.prompts() == [f"Say {odd}"]
