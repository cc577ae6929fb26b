"""The command line, run as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


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
