"""An index in object storage, on a server that speaks S3: all that one on a disk can do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from made_index import QUIET, made_space, things
from made_storage import storage
from typer.testing import CliRunner

import plait
from plait.cli import app
from plait.errors import ModelError
from plait.progress import Progress
from plait.search.index import Index
from plait.search.place import REASONS, connect, told

NURSERY = """
import os, sys
import plait
from made_index import things
from plait.spaces.space import Space

Space.load(sys.argv[2])  # all that is costly to import, and nothing of LanceDB, before the forks
for line in sys.stdin:
    if line == "all told?\\n":
        print("told", flush=True)
    elif os.fork() == 0:
        first, last = map(int, line.split())
        index = plait.load(sys.argv[1])
        for seed in range(first, last):
            index.add(things(5, seed=seed))
            os.write(1, f"{os.getpid()} {seed}\\n".encode())
        os._exit(0)
"""

ROWS, BATCH = 60, 5


@pytest.fixture(scope="module", name="bucket")
def _bucket() -> Iterator[str]:
    with storage() as uri:
        yield uri


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test is a machine of its own."""
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))


def built(uri: str, seed: int = 0, **settings: object) -> Index:
    table = things(ROWS, seed=seed)
    return plait.index(made_space(), table, uri, group="code", progress=QUIET, **settings)  # type: ignore[arg-type]


def names(index: Index) -> list[str]:
    return [hit.cells["name"] for hit in index.search("red cup", k=7, mode="vector")]


@contextmanager
def nursery(uri: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that forks a writer for each line `FIRST LAST`, which tells what it wrote."""
    made_space().save(folder / "space")
    places = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, uri, folder / "space"], text=True, env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        yield process
        os.killpg(process.pid, signal.SIGKILL)


def say(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{words}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def batches(index: Index) -> Counter[str]:
    """Return the rows of each batch; all of them are found by words and by vectors."""
    rows = len(index)
    assert len(index.search("red cup", k=1000, mode="vector")) == rows
    assert index.search("thing", mode="text", k=1000).pool == rows
    found = index.store.table.search().select(["name"]).limit(10**6).to_arrow()["name"]
    return Counter(name.rpartition("-")[0] for name in found.to_pylist())


def test_the_whole_way(bucket: str, tmp_path: Path) -> None:
    uri = f"{bucket}/deep/things.lance"
    here = plait.index(made_space(), things(ROWS), tmp_path / "here.lance", group="code",
                       key="name", progress=QUIET)  # fmt: skip
    index = built(uri, key="name")
    assert names(index) == names(here)
    assert names(plait.load(uri)) == names(here)
    with pytest.raises(ModelError, match="things.lance' exists already: add rows"):
        built(uri)
    assert index.add(things(BATCH, seed=3)) == 0
    assert index.add(things(BATCH, seed=3)) == 0  # the same keys
    assert len(index) == len(plait.load(uri)) == ROWS + BATCH
    removed = index.remove("price < 50")
    assert 0 < removed < ROWS
    assert all(hit.cells["price"] >= 50 for hit in index.search("red cup", k=100))
    assert [one.rows for one in index.history()][-1] == ROWS + BATCH - removed
    index.restore(2)
    index.compact()
    assert names(index) == names(here)


def test_another_machine_finds_the_space_in_the_bucket(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = built(f"{bucket}/far.lance")
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "other"))
    far = plait.load(f"{bucket}/far.lance")
    assert names(far) == names(first)
    assert len(list((tmp_path / "other" / "search").glob("*/space-*"))) == 1
    far.add(things(BATCH, seed=8), space=made_space())
    with pytest.raises(ModelError, match="and this is .*: they cannot be compared"):
        far.add(things(BATCH, seed=9), space=made_space(seed=1))
    for place in (tmp_path / "other" / "search").glob("*/space-*"):
        shutil.rmtree(place)
    from pyarrow.fs import FileSystem

    system, path = FileSystem.from_uri(f"{bucket}/far.lance/_plait")
    system.delete_dir(path)
    with pytest.raises(ModelError, match="has lost its space, .*; build it again with|copied from"):
        plait.load(f"{bucket}/far.lance")


def test_what_the_cache_has_of_an_index_that_is_gone_is_not_taken(
    bucket: str, tmp_path: Path
) -> None:
    uri = f"{bucket}/again.lance"
    built(uri)
    database, name = connect(uri)
    database.drop_table(name)
    assert names(built(uri, seed=5)) == names(built(str(tmp_path / "here.lance"), seed=5))
    assert names(plait.load(uri)) == names(plait.load(tmp_path / "here.lance"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_two_writers_and_one_that_is_killed(bucket: str, tmp_path: Path) -> None:
    uri = f"{bucket}/shared.lance"
    index = built(uri)
    with nursery(uri, tmp_path) as process:
        say(process, "1 4")
        say(process, "11 14")
        heard = [hear(process).split() for _ in range(6)]
        assert len({number for number, _ in heard}) == 2
        expected = {f"thing {seed}": BATCH for seed in (1, 2, 3, 11, 12, 13)}
        assert batches(index) == {"thing 0": ROWS} | expected
        for first, seconds in ((100, 0.1), (1000, 0.3)):
            say(process, f"{first} {first + 500}")
            heard = [hear(process).split() for _ in range(2)]
            time.sleep(seconds)
            os.kill(int(heard[0][0]), signal.SIGKILL)
            say(process, "all told?")
            while (word := hear(process)) != "told":
                heard.append(word.split())
            expected |= {f"thing {seed}": BATCH for _, seed in heard}
            found = batches(plait.load(uri))
            assert Counter({"thing 0": ROWS} | expected) <= found
            # What was committed and not yet announced is one batch, and whole.
            assert len(found) - 1 - len(expected) in (0, 1)
            assert set(found.values()) == {ROWS, BATCH}
            expected = {name: count for name, count in found.items() if name != "thing 0"}


def run(*arguments: str) -> str:
    found = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_the_commands(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Progress, "visible", False)
    made_space().save("space")
    table = things(ROWS)
    table["code"] = [" ".join(f"{x:.4f}" for x in code) for code in table["code"]]
    pd.DataFrame(table).to_csv("all.csv", index=False)
    uri = f"{bucket}/typed.lance"
    assert "Indexed 60 rows." in run("index", "space", "all.csv", "-o", uri, "--group", "code")
    assert "red cup" in run("search", uri, "red cup", "--mode", "text", "--columns", "words")
    assert "Removed " in run("index", "-o", uri, "--remove", "price < 10")
    assert "60 rows" in run("index", "-o", uri, "--history")


def test_what_is_not_there(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built(f"{bucket}/there.lance")
    with pytest.raises(ModelError, match="no index 's3://box/their.lance'. Did you mean 'there.la"):
        plait.load(f"{bucket}/their.lance")
    with pytest.raises(ModelError, match="'s3://no-box/x.lance' cannot be .*: there is no such bu"):
        plait.load("s3://no-box/x.lance")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="there.lance' cannot be .*: the server cannot be reached"):
        built(f"{bucket}/there.lance")


@pytest.mark.parametrize("mark", REASONS)
def test_errors_are_said_in_words(mark: str) -> None:
    with pytest.raises(ModelError) as error, told("s3://x/y.lance"):
        raise ValueError(f"IO {{ {mark} {{ .. }}\nbacktrace")
    assert str(error.value) == f"'s3://x/y.lance' cannot be read or written: {REASONS[mark]}."
