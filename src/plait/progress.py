"""Progress of long work: one line a stage, on standard error; bars where a terminal watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Progress:
    """Shows stages of work.

    Attributes:
        show: whether bars are drawn; None draws them where a terminal watches.
        lines: whether a line is written for each stage where no bar is drawn, for logs.
    """

    show: bool | None = None
    lines: bool = False

    @property
    def visible(self) -> bool:
        """Whether bars are drawn."""
        return sys.stderr.isatty() if self.show is None else self.show

    def say(self, words: str) -> None:
        """Write a line of its own where anything is shown."""
        if self.visible or self.lines:
            print(words, file=sys.stderr, flush=True)

    @contextmanager
    def stage(self, label: str, total: int) -> Iterator[Advance]:
        """Show one stage; the function it gives is told how much was done."""
        if not self.visible:
            if self.lines:
                print(f"{label} ({total:,})", file=sys.stderr, flush=True)
            yield lambda done: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Bars(*columns, console=Console(stderr=True)) as bars:
            task = bars.add_task(label, total=total)
            yield lambda done: bars.advance(task, done)
