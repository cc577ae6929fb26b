"""Answers on disk, by what was asked: what was paid for once is not paid for again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.errors import ConfigError
from plait.hosted.replies import Reply
from plait.store import home, opened

FORMAT = 1
"""Of what is stored, and of what keys are made."""


def default_path() -> Path:
    """Return where this user's answers are kept."""
    return home() / f"answers-{FORMAT}.sqlite"


class Answers:
    """Answers by key, in an SQLite file; safe in threads, and for several processes at once.

    Other than features, they cannot be made again for nothing: they are on the disk before the next
    request is sent, none is ever dropped, and a file that cannot be written stops the run.

    Args:
        path: of the file, which is made if it is not there.

    Raises:
        ConfigError: when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._connection = opened(
                path,
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, text TEXT, finish TEXT, "
                "tokens_in INTEGER, tokens_out INTEGER, at REAL)",
            )
        except (sqlite3.Error, OSError) as error:
            raise self._broken(error) from error

    def read(self, key: bytes) -> Reply | None:
        """Return the answer of a key; None where it is not known.

        Raises:
            ConfigError: when the file cannot be read.
        """
        asked = "SELECT text, finish, tokens_in, tokens_out FROM answers WHERE key = ?"
        try:
            with self._lock:
                row = self._connection.execute(asked, (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._broken(error) from error
        return None if row is None else Reply(*row)

    def write(self, key: bytes, reply: Reply) -> None:
        """Keep an answer.

        Raises:
            ConfigError: when the file cannot be written.
        """
        own = (key, reply.text, reply.finish, reply.tokens_in, reply.tokens_out, time.time())
        try:
            with self._lock, self._connection:
                self._connection.execute(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", own
                )
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _broken(self, error: Exception) -> ConfigError:
        return ConfigError(
            f"The file of answers {str(self.path)!r} cannot be used ({error}). Make room, or name "
            "another one (--answers)."
        )


def key_of(url: str, body: Mapping[str, Any], parts: Sequence[str | bytes]) -> bytes:
    """Return the key of what is asked.

    Args:
        url: of the endpoint.
        body: the model and all settings, without the messages.
        parts: of the message: texts, and hashes of what pictures and sounds hold, so that neither
            another Pillow nor another encoder of JPEG asks anew.
    """
    told = [part if isinstance(part, str) else {"hash": part.hex()} for part in parts]
    whole = json.dumps([FORMAT, url, body, told], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=20).digest()
