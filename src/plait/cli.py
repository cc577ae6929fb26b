"""The command line: one command a verb."""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

from plait.commands import (
    adapt,
    ask,
    check,
    draw,
    learn,
    models,
    pairs,
    recommend,
    regions,
    search,
    segment,
    spaces,
    spaces_judged,
    vectors,
    write,
)

INTERRUPTED = 130
"""What a program ends with that the user stopped."""

COMMANDS = (
    check.check,
    learn.fit,
    learn.compare,
    learn.distil,
    learn.quickstart,
    spaces.align,
    search.index,
    search.search,
    recommend.recommend,
    recommend.suggest,
    spaces_judged.classify,
    spaces_judged.probe,
    regions.regions,
    segment.segment,
    pairs.pairs,
    models.predict,
    models.evaluate,
    models.explain,
    models.export,
    ask.ask,
    ask.caption,
    write.write,
    draw.draw,
    adapt.adapt,
    vectors.embed,
    vectors.cache,
)
"""In the order of `plait --help`."""

app = typer.Typer(
    help="Multimodal learning on tables: any columns in, any column out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from plait import __version__

        print(__version__)
        raise typer.Exit


GO_ON = " the same command (fit and distil: with --resume) goes on where it was."


def _is_disk_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def main() -> None:
    """Run the command line; errors that the user can mend are one line, without a traceback."""
    from plait.errors import PlaitError

    try:
        app()
    except (PlaitError, OSError) as error:
        # An OSError names the file and what the system refused: disk full, no permission.
        more = f". Free some space, then{GO_ON}" if _is_disk_full(error) else ""
        print(f"Error: {error}{more}", file=sys.stderr)
        raise SystemExit(2) from None
    except MemoryError:
        print(f"Error: The memory is full. Use fewer columns, or free some; then{GO_ON}",
              file=sys.stderr)  # fmt: skip
        raise SystemExit(2) from None
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer ends so, without a word
            print(f"Stopped; what was there before is as it was, and{GO_ON}", file=sys.stderr)
        raise
