"""Cells that are URLs, from a real server that misbehaves; tables in storage."""

from __future__ import annotations

import builtins
import io
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import fsspec
import made_storage
import numpy as np
import pandas as pd
import pytest
from conftest import draw
from pyarrow.fs import FileSystem
from test_cli import plait as run

import plait
from plait.data import remote
from plait.data.loader import decode
from plait.errors import CellError, MissingExtraError, TableError
from plait.progress import Progress
from plait.types import Modality

QUIET = Progress(show=False)
ASKED: Counter[str] = Counter()


def picture(colour: str = "red") -> bytes:
    file = io.BytesIO()
    draw(colour, np.random.default_rng(0)).save(file, "PNG")
    return file.getvalue()


class Server(BaseHTTPRequestHandler):
    """Gives pictures by colour, and all that servers do wrong."""

    def do_GET(self) -> None:
        ASKED[self.path] += 1
        name = self.path.strip("/").removesuffix(".png")
        if name == "slow":
            time.sleep(2)
        if name in ("redirect", "local"):
            self.send_response(302)
            where = "/red.png" if name == "redirect" else "ftp://127.0.0.1/red.png"
            self.send_header("Location", where)
            self.end_headers()
            return
        if name == "gone" or (name == "busy" and ASKED[self.path] < 3) or name == "down":
            self.send_error(404 if name == "gone" else 503)
            return
        content = b"x" * 5000 if name == "large" else b"<html>" if name == "page" else None
        content = content or picture("blue" if name == "blue" else "red")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


def table(server: str, *names: str, allowed: bool = True) -> plait.data.table.Table:  # type: ignore[name-defined]
    urls = [f"{server}/{name}.png" for name in names]
    return plait.read({"photo": urls, "n": list(range(len(urls)))}, allow_urls=allowed)


def test_a_url_is_fetched_once(server) -> None:
    found = table(server, "blue", "redirect")
    ASKED.clear()
    for _ in range(3):
        first = decode(found.cell("photo", 0), Modality.IMAGE, found)[0]
    assert first[..., 2].mean() > first[..., 0].mean()
    decode(found.cell("photo", 1), Modality.IMAGE, found)
    assert ASKED == {"/blue.png": 1, "/redirect.png": 1, "/red.png": 1}


def test_not_without_leave(server) -> None:
    found = table(server, "red", allowed=False)
    ASKED.clear()
    with pytest.raises(CellError, match="is a URL, and nothing is fetched unless you allow it"):
        decode(found.cell("photo", 0), Modality.IMAGE, found)
    assert not ASKED


def test_a_busy_server_is_asked_again(server) -> None:
    found = table(server, "busy")
    ASKED.clear()
    decode(found.cell("photo", 0), Modality.IMAGE, found)
    assert ASKED["/busy.png"] == 3


@pytest.mark.parametrize(("name", "message"), [
    ("gone", "answers 404 Not Found"),
    ("down", "answers 503 Service Unavailable"),
    ("slow", "cannot be fetched: .*timed out"),
    ("large", "is larger than the limit of 4,000 bytes"),
    ("local", "redirects to 'ftp://127.0.0.1/red.png', which is not on the web"),
    ("page", "picture|image|read"),
])  # fmt: skip
def test_what_servers_do_wrong(server, monkeypatch, name, message) -> None:
    monkeypatch.setattr(remote, "SECONDS", 0.5)
    monkeypatch.setattr(remote, "LARGEST", 4000)
    found = table(server, name)
    for _ in range(2):  # the second time without asking
        ASKED.clear()
        with pytest.raises(CellError, match=message):
            decode(found.cell("photo", 0), Modality.IMAGE, found)
    assert not ASKED


def test_a_server_that_never_ends(server, monkeypatch) -> None:
    ticks = iter(range(0, 100_000, 300))
    monkeypatch.setattr(remote.time, "monotonic", lambda: next(ticks))
    with pytest.raises(CellError, match="takes longer than 200 seconds"):
        remote.Web()._get(f"{server}/red.png", remote.Path("/dev/null"))


def test_no_such_server() -> None:
    found = table("http://127.0.0.1:9", "red")
    with pytest.raises(CellError, match="cannot be fetched: .*refused"):
        decode(found.cell("photo", 0), Modality.IMAGE, found)


def test_check_and_fit_on_urls(server, tmp_path) -> None:
    rows = [f"{server}/{'blue' if row % 2 else 'red'}.png?n={row}" for row in range(40)]
    path = tmp_path / "urls.csv"
    lines = [f"{url},{row % 2}" for row, url in enumerate(rows)]
    path.write_text("\n".join(["photo,kind", *lines, f"{server}/gone.png,1"]) + "\n")
    shown = run("check", path, "-t", "kind", "--image", "photo", "--allow-urls")
    assert "answers 404" in shown
    shown = run("check", path, "-t", "kind", "--image", "photo")
    assert "--allow-urls" in shown


@pytest.fixture
def storage() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    lines = ["photo,kind"]
    for row in range(30):
        system.pipe(f"/box/pictures/{row}.png", picture("blue" if row % 2 else "red"))
        lines.append(f"pictures/{row}.png,{'b' if row % 2 else 'r'}")
    system.pipe("/box/table.csv", "\n".join([*lines, "../secret.png,r", "none.png,b"]).encode())
    system.pipe("/secret.png", picture())
    yield "memory://box/table.csv"
    system.rm("/box", recursive=True)


def test_a_table_in_storage(storage) -> None:
    found = plait.read(storage)
    assert len(found) == 32
    assert decode(found.cell("photo", 1), Modality.IMAGE, found)[0].shape == (40, 40, 3)
    report = plait.check(found, "kind", progress=QUIET)
    reasons = {row: why for row, _, why in report.unreadable}
    assert "leaves the table's folder" in reasons[30]
    assert "there is no file 'none.png' beside the table" in reasons[31]
    model = plait.fit(found, "kind", config=plait.FitConfig(folds=2), progress=QUIET)
    assert model.evaluate(found, QUIET)["accuracy"] > 0.9


def test_a_table_in_a_bucket_without_a_package_more() -> None:
    with made_storage.storage() as bucket:
        system, path = FileSystem.from_uri(bucket)
        cells = {"photo": ["pictures/red.png", "none.png"], "n": [1, 2]}
        with system.open_output_stream(f"{path}/table.csv") as file:
            file.write(pd.DataFrame(cells).to_csv(index=False).encode())
        with system.open_output_stream(f"{path}/pictures/red.png") as file:
            file.write(picture())
        found = plait.read(f"{bucket}/table.csv")
        assert found.values("n") == ["1", "2"]
        assert decode(found.cell("photo", 0), Modality.IMAGE, found)[0].shape == (40, 40, 3)
        with pytest.raises(CellError, match="there is no file 'none.png' beside the table"):
            decode(found.cell("photo", 1), Modality.IMAGE, found)
        with pytest.raises(TableError, match="no file 's3://box/tabel.csv'. Did you mean 'table.c"):
            plait.read(f"{bucket}/tabel.csv")


def test_storage_that_cannot_be_read(storage, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no entry")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "get_file", refuse)
    with pytest.raises(TableError, match="'memory://box/table.csv' cannot be read: no entry"):
        plait.read(storage)


def test_storage_that_is_not_there(storage, monkeypatch) -> None:
    with pytest.raises(
        TableError, match=r"There is no file 'memory://box/tabel\.csv'.*'table\.csv'"
    ):
        plait.read("memory://box/tabel.csv")
    with pytest.raises(TableError, match="Scheme 'memori' is not known. Did you mean 'memory'"):
        plait.read("memori://box/table.csv")
    with pytest.raises(MissingExtraError, match="Tables at smb:// need a package more: .*smbproto"):
        plait.read("smb://server/box/table.csv")
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "fsspec":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'plait\[storage\]'"):
        plait.read(storage)
