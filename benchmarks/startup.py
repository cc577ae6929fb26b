"""Start-up: `plait --help` and `import plait` beside python that imports typer alone.

python benchmarks/startup.py     under a minute: 15 pairs, taken in turn
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import typer'": ["-c", "import typer"],
    "import plait": ["-c", "import plait"],
    "plait --help": ["-m", "plait", "--help"],
}


def seconds(arguments: list[str]) -> float:
    """Return the wall seconds of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Take every command in turn, and print medians and ratios to typer's import."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(15):
        for name, arguments in COMMANDS.items():
            taken[name].append(seconds(arguments))
    base = statistics.median(taken["python -c 'import typer'"])
    print("| command | median s | min s | to importing typer |\n| --- | --- | --- | --- |")
    for name, values in taken.items():
        middle = statistics.median(values)
        print(f"| `{name}` | {middle:.3f} | {min(values):.3f} | {middle / base:.2f} |")


if __name__ == "__main__":
    main()
