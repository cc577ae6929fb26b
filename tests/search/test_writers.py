"""Several processes at one index, and disks that cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_index import QUIET, made_space, things

import plait
from plait.errors import MissingExtraError, ModelError
from plait.search.engine import build
from plait.search.place import connect, told

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

WRITERS = """
import os, sys
from made_index import QUIET, things
import plait
from plait.spaces.space import Space

Space.load(sys.argv[1])  # all that is costly to import, before the writers part
for uri, same in zip(sys.argv[2::2], sys.argv[3::2]):
    start, go = os.pipe()
    children = []
    for number in range(2):
        children.append(os.fork())
        if children[-1] == 0:
            os.close(go)
            index = plait.load(uri)
            os.read(start, 1)  # until all have opened it and the pipe is closed
            for seed in range(4):
                index.add(things(5, seed=seed if same == "same" else 10 * number + seed))
            os._exit(0)
    os.close(start)
    os.close(go)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
"""


def test_two_writers_at_once(tmp_path: Path) -> None:
    space = made_space()
    space.save(tmp_path / "space")
    cases = {None: ("other", 90), "name": ("same", 70)}
    indexes = {
        key: plait.index(space, things(50, seed=77), tmp_path / f"{key}.lance", group="code",
                         key=key, progress=QUIET)
        for key in cases
    }  # fmt: skip
    arguments = [str(part) for key, (same, _) in cases.items()
                 for part in (indexes[key].store.uri, same)]  # fmt: skip
    places = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    # A forked process would wait for threads that only its parent has.
    environment = {**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", WRITERS, tmp_path / "space", *arguments], check=True,
                   env=environment, timeout=120)  # fmt: skip
    for key, (_, rows) in cases.items():
        found = indexes[key].search("red cup", k=200, mode="vector")
        assert len(indexes[key]) == rows
        assert len({hit.cells["name"] for hit in found}) == len(found) == rows


def test_a_writer_that_was_too_slow_istold() -> None:
    with (
        pytest.raises(ModelError, match="Another process was writing to 'x' at the same time, and"),
        told("x"),
    ):
        raise RuntimeError("lance error: Commit conflict for version 8")
    with pytest.raises(ModelError, match="'x' cannot be read or written: disk full"), told("x"):
        raise OSError("disk full\nstack")


def test_without_its_packages_an_index_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(MissingExtraError, match="needs the packages lancedb and usearch: pip inst"):
        connect("a/b.lance")
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(MissingExtraError, match="of this size needs the package usearch: pip inst"):
        build(np.eye(3, dtype=np.float32), "graph", Path("graph"))


def readonly(source: Path, target: Path) -> bool:
    """Show a folder at another place where nothing can be written; False where that is refused."""
    if os.geteuid():  # whom permissions bind; not so root
        shutil.copytree(source, target)
        for path in [*target.rglob("*"), target]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        return True
    target.mkdir()
    for command in (
        ["mount", "--bind", source, target],
        ["mount", "-o", "remount,ro,bind", target],
    ):
        try:
            if subprocess.run(command, capture_output=True, check=False).returncode:
                return False
        except FileNotFoundError:
            return False
    return True


def test_an_index_on_a_read_only_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = made_space()
    index = plait.index(space, things(50), tmp_path / "own" / "i.lance", group="code",
                        progress=QUIET)  # fmt: skip
    index.store.remove("price < 20")  # as by another process: what is beside the rows is older
    index.store.restore(index.version)
    first = [hit.row for hit in index.search("red cup")]
    stale = tmp_path / "own" / "i.lance" / "_plait"
    for folder in stale.glob("vectors-*"):
        for file in folder.iterdir():
            file.unlink()
    if not readonly(tmp_path / "own", tmp_path / "disk"):
        pytest.skip("this root may not mount a folder read-only")
    try:
        reader = plait.load(tmp_path / "disk" / "i.lance")
        assert [hit.row for hit in reader.search("red cup")] == first
        assert "are kept in a temporary folder until this process ends" in capsys.readouterr().err
        for change in (lambda: reader.add(things(3, seed=1)), lambda: reader.remove("price > 0")):
            with pytest.raises(
                ModelError, match="cannot be read or written: .*(Read-only|ermission)"
            ):
                change()
    finally:
        if os.geteuid():
            for path in (tmp_path / "disk").rglob("*"):
                path.chmod(0o755)
        else:
            subprocess.run(["umount", "--lazy", tmp_path / "disk"], check=True)
