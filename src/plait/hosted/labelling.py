"""A column written by a model behind an endpoint, row by row, and only once for equal rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from plait.data.quality import Ledger
from plait.data.table import Table
from plait.errors import CellError, ConfigError, EndpointError, many
from plait.hosted.account import Account, Ceiling
from plait.hosted.answers import Answers, default_path, key_of
from plait.hosted.checks import AnyText, Check
from plait.hosted.endpoint import KEPT, Endpoint, EndpointConfig
from plait.hosted.media import Medium
from plait.hosted.prompt import Prompt, PromptConfig, messages
from plait.hosted.replies import Failure, Reply
from plait.progress import Progress
from plait.types import Modality

GIVE_UP = 8
"""Requests without an answer, one after the other, after which the endpoint is given up."""

TURNS = 2
"""Times that a model is asked for an answer which passes the check."""

UNFINISHED = ("length", "max_tokens", "content_filter", "refusal")
"""Ends of an answer that is no answer."""

LEFT = None
"""What becomes of a row that nothing may be asked for any more."""


@dataclass(frozen=True)
class Written:
    """What a model wrote.

    Attributes:
        values: (n) answers; None where there is none.
        skipped: rows without an answer, with the reason; a row that is left is none of them.
        requests: of this run, those that failed too.
        known: rows whose answer was there already.
        account: what all answers of the table cost, in tokens and money.
        left: rows that were not asked because of the ceiling.
        stopped: why, in words.
    """

    values: list[str | None]
    skipped: Ledger
    requests: int
    known: int
    account: Account
    left: int = 0
    stopped: str = ""


@dataclass(frozen=True)
class _Unsuitable:
    """Why a row has no answer; `asked` where the endpoint was at fault."""

    reason: str
    asked: bool = False


def write_with_endpoint(
    table: Table,
    prompt: PromptConfig,
    endpoint: EndpointConfig,
    *,
    column: str = "caption",
    check: Check | None = None,
    ceiling: Ceiling | None = None,
    modalities: Mapping[str, Modality] | None = None,
    answers: Path | None = None,
    progress: Progress | None = None,
) -> Written:
    """Ask a model about every row of a table.

    Every answer is kept in a file before the next is asked for, by what was asked, where and how:
    the same call goes on where it was, also after a crash, and pays for nothing twice.

    Args:
        table: of n rows.
        prompt: with columns in braces.
        endpoint: that is asked, and how.
        column: name of the new column, for messages.
        check: what an answer must be; one that is not is asked for once more, with the reason.
        ceiling: what it may cost.
        modalities: of columns, where the user says them.
        answers: the SQLite file of answers; one of this user by default.
        progress: how the run is shown.

    Returns:
        The answers, and what they cost. Rows with cells that cannot be sent, or answers that cannot
        be used, are in its ledger.

    Raises:
        ColumnError: for a column of the prompt that is not there, or cannot be sent.
        ConfigError: for a prompt, ceiling or file of answers that cannot be used.
        EndpointError: when the endpoint refuses all requests, or does not answer.
        MissingExtraError: when a library is not there.
    """
    ceiling = ceiling or Ceiling()
    if ceiling.cost is not None and endpoint.most_tokens_out is None:
        raise ConfigError(
            "A ceiling of cost needs a longest answer; do not take max_tokens from the request."
        )
    asked = Prompt.of(prompt, table, modalities)
    with (
        closing(Answers(answers or default_path())) as kept,
        closing(Endpoint(endpoint, Account(ceiling))) as opened,
    ):
        run = _Run(asked, opened, kept, check or AnyText())
        return run.all_rows(column, progress or Progress())


@dataclass(frozen=True)
class _Run:
    prompt: Prompt
    endpoint: Endpoint
    answers: Answers
    check: Check

    def all_rows(self, column: str, progress: Progress) -> Written:
        """Return what is written of each row: first what is known, then what must be asked."""
        table, account = self.prompt.table, self.endpoint.account
        values: list[str | None] = [None] * len(table)
        ledger, succession = Ledger(), _Succession()
        ledger.add_table(table)

        def settle(rows: Sequence[int], found: str | _Unsuitable) -> None:
            for row in rows:
                if isinstance(found, str):
                    values[row] = found
                else:
                    ledger.add(table.row_number(row), column, found.reason)

        with progress.stage(f"Reading {many(len(table), 'row')}", len(table)) as advance:
            rows_of = self._keys(settle, advance)
        pending: dict[bytes, list[int]] = {}
        for key, rows in rows_of.items():
            found = self._answer(key, rows[0], known_only=True)
            if found is LEFT:
                pending[key] = rows
            else:
                settle(rows, found)
        known = sum(value is not None for value in values)
        left = 0
        with progress.stage(f"Asking {self.endpoint.config.model}", len(pending)) as advance:
            first = {key: rows[0] for key, rows in pending.items()}
            with closing(self._asked(first)) as asked:
                for key, found in asked:
                    advance(1)
                    if found is LEFT:
                        left += len(pending[key])
                    else:
                        settle(pending[key], found)
                        succession.note(found)
        succession.end()
        stopped = account.closed if left else ""
        return Written(values, ledger, account.requests, known, account, left, stopped)

    def _keys(
        self, settle: Callable[[list[int], _Unsuitable], None], advance: Callable[[int], None]
    ) -> dict[bytes, list[int]]:
        """Return the rows of each thing that is asked; those that cannot be asked are settled."""
        body = {**self.endpoint.config.settings, **self.check.fields}
        config, found = self.prompt.config, dict[bytes, list[int]]()
        for row in range(len(self.prompt.table)):
            try:
                parts = [config.system, *map(_content, self.prompt.read(row))]
                key = key_of(self.endpoint.config.base, body, [*parts, self.check.instruction])
                found.setdefault(key, []).append(row)
            except CellError as error:
                settle([row], _Unsuitable(str(error)))
            advance(1)
        return found

    def _asked(
        self, first: Mapping[bytes, int]
    ) -> Generator[tuple[bytes, str | _Unsuitable | None]]:
        """Yield each key with what its first row was answered, as answers come."""
        parallel = self.endpoint.config.parallel
        pending: dict[Future[str | _Unsuitable | None], bytes] = {}
        # Leaving waits for what is under way: it is paid for.
        with ThreadPoolExecutor(parallel) as pool:
            items = iter(first.items())
            try:
                while True:
                    while len(pending) < 2 * parallel and (item := next(items, None)):
                        pending[pool.submit(self._answer, *item)] = item[0]
                    if not pending:
                        return
                    for future in wait(pending, return_when=FIRST_COMPLETED).done:
                        yield pending.pop(future), future.result()
            finally:
                self.endpoint.stop()  # nothing waits to try again
                for future in pending:
                    future.cancel()

    def _answer(self, key: bytes, row: int, known_only: bool = False) -> str | _Unsuitable | None:
        """Return a row's answer; None when it is not known, and nothing may be asked."""
        talk: list[dict[str, str]] = []
        for _ in range(TURNS):
            try:
                reply = self._reply(key, row, talk, known_only)
            except CellError as error:
                return _Unsuitable(str(error))
            if reply is None:
                return LEFT
            if isinstance(reply, Failure):
                return _Unsuitable(reply.reason, asked=True)
            if reply.finish in UNFINISHED:
                return _Unsuitable(_unfinished(reply))
            try:
                return self.check.read(reply.text)
            except CellError as error:
                reason = str(error)
            again = f"That cannot be used: {reason}. Answer again."
            talk += [
                {"role": "assistant", "content": reply.text},
                {"role": "user", "content": again},
            ]
            key = key_of(key.hex(), {}, [reply.text, again])
        return _Unsuitable(f"{reason} (asked {TURNS} times)")

    def _reply(
        self, key: bytes, row: int, talk: list[dict[str, str]], known_only: bool
    ) -> Reply | Failure | None:
        account = self.endpoint.account
        known = self.answers.read(key)
        if known is not None and known_only:
            account.credit(known)
        if known is not None or known_only or account.closed:
            return known
        asked, tokens = messages(
            self.prompt.read(row), self.prompt.config.system, self.check.instruction
        )
        tokens += sum(len(own["content"].encode("utf-8", "replace")) for own in talk)
        found = self.endpoint.ask([*asked, *talk], tokens, self.check.fields)
        if isinstance(found, Reply):
            self.answers.write(key, found)
        return found


class _Succession:
    """Notices an endpoint that answers nobody."""

    def __init__(self) -> None:
        self._answered, self._failed, self._reason = False, 0, ""

    def note(self, found: str | _Unsuitable) -> None:
        """Count one more result; too many without an answer end the run."""
        if isinstance(found, str) or not found.asked:
            self._answered, self._failed = True, 0
            return
        self._failed, self._reason = self._failed + 1, found.reason
        if self._failed >= GIVE_UP:
            self._give_up()

    def end(self) -> None:
        """End the run where not one was answered."""
        if self._failed and not self._answered:
            self._give_up()

    def _give_up(self) -> NoReturn:
        asked = "1 request was" if self._failed == 1 else f"{self._failed} in succession were"
        raise EndpointError(f"{asked} not answered; the last: {self._reason}.{KEPT}")


def _content(part: str | Medium) -> str | bytes:
    if isinstance(part, str):
        return part
    try:
        return part.content
    except CellError as error:
        raise CellError(f"{part.column.name}: {error}") from error


def _unfinished(reply: Reply) -> str:
    """Return why an answer that did not end by itself cannot be used."""
    if reply.finish == "length":
        return "the answer was cut off; allow a longer one (longest_answer, --longest-answer)"
    if reply.finish == "refusal":
        return f"the model refuses: {reply.text[:200]}"
    return f"the answer ended with {reply.finish!r}"
