"""A server that speaks S3, for tests: moto's, a program of its own, whose memory is its bucket."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

NAMED = "PLAIT_S3_SERVER"
"""Environment variable of the program's path; else it is looked for as `moto_server`."""

BUCKET = "box"


@contextmanager
def storage() -> Iterator[str]:
    """Start a server with a bucket, point the environment at it, and give the bucket's URI."""
    program = os.environ.get(NAMED) or shutil.which("moto_server")
    if program is None:
        pytest.skip(
            f"there is no moto_server; install the group `server` of pyproject.toml into an "
            f"environment of its own, and name the program in ${NAMED}"
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(url)
        with urlopen(Request(f"{url}/{BUCKET}", method="PUT")), pytest.MonkeyPatch.context() as set:
            set.setenv("AWS_ENDPOINT_URL", url)
            set.setenv("AWS_ACCESS_KEY_ID", "any")
            set.setenv("AWS_SECRET_ACCESS_KEY", "any")
            set.setenv("AWS_REGION", "us-east-1")
            yield f"s3://{BUCKET}"
    finally:
        process.kill()
        process.wait()


def _wait(url: str, seconds: float = 60.0) -> None:
    most = time.monotonic() + seconds
    while True:
        try:
            urlopen(url).close()
            return
        except URLError:
            if time.monotonic() > most:
                raise
            time.sleep(0.05)
