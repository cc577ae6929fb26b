"""The command line, run as a user does."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest


def plait(*arguments: object, ok: bool = True, cwd: Path | None = None) -> str:
    """Run the command line in a process of its own and return what it printed."""
    start = [sys.executable, "-W", "error", "-c", "from plait.cli import main; main()"]
    run = subprocess.run(
        [*start, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "160"},
        check=False,
    )
    assert (run.returncode == 0) == ok, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    return run.stdout + run.stderr


def here(*arguments: object, ok: bool = True) -> str:
    """Run the command line in this process, which has the heavy libraries; return its output."""
    from plait.cli import main

    shown, code = io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["plait", *map(str, arguments)])
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
    assert (code == 0) == ok, shown.getvalue()
    return shown.getvalue()
