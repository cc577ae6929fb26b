"""The encoding of a text file, found from its bytes."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from plait.errors import TableError

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

SAMPLE = 64 * 1024
"""Bytes, of lines that are not ASCII, that an encoding is judged by."""

OTHERS = ["cp1252", "cp1250", "cp1251", "cp1253", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1256"]
"""What charset_normalizer chooses from where the two rules below say nothing."""

_HIGH = re.compile(rb"[\x80-\xff]+")
_PUNCTUATION = frozenset("\u2018\u2019\u201c\u201d\u2013\u2014\u2026€°§«»·")


def find_encoding(path: Path) -> str:
    """Return the encoding of a text file: its mark, UTF-8 when all of it fits, else the likeliest.

    Raises:
        TableError: when the file is not text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    fits, sample = True, b""
    with path.open("rb") as file:
        start = file.read(4)
        for mark, encoding in BYTE_ORDER_MARKS:
            if start.startswith(mark):
                return encoding
        file.seek(0)
        while block := file.readlines(1024 * 1024):
            lines = b"".join(block)
            if b"\0" in lines:
                raise TableError(f"{path.name!r} is not a text file; say encoding=... if it is.")
            fits = fits and _decodes(decoder, lines)
            if len(sample) < SAMPLE:
                sample += b"".join(line for line in block if not line.isascii())
    return "utf-8" if fits and not _unfinished(decoder) else _likeliest(sample, path.name)


def _decodes(decoder: codecs.IncrementalDecoder, content: bytes) -> bool:
    try:
        decoder.decode(content)
    except UnicodeDecodeError:
        return False
    return True


def _unfinished(decoder: codecs.IncrementalDecoder) -> bool:
    return bool(decoder.getstate()[0])


def _likeliest(sample: bytes, name: str) -> str:
    from charset_normalizer import from_bytes

    if _is_chinese(sample):
        return "gb18030"
    if _is_western(sample):
        return "cp1252"
    best = from_bytes(sample[:SAMPLE], cp_isolation=OTHERS).best()
    if best is None:
        raise TableError(f"{name!r} is not a text file; say encoding=... if it is.")
    return best.encoding


def _is_chinese(sample: bytes) -> bool:
    """Return whether the bytes are pairs of GB 2312 that are spread as Chinese is.

    Korean (EUC-KR) keeps to the leading bytes B0 to C8; Japanese (EUC-JP) is rich in A4 and A5.
    """
    runs = _HIGH.findall(sample)
    leads = [run[i] for run in runs for i in range(0, len(run) - 1, 2)]
    paired = sum(len(run) for run in runs if len(run) % 2 == 0)
    if not leads or paired < 0.9 * sum(map(len, runs)):
        return False
    common = sum(0xB0 <= lead <= 0xD7 for lead in leads) / len(leads)
    late = sum(0xC9 <= lead <= 0xF7 for lead in leads) / len(leads)
    kana = sum(lead in (0xA4, 0xA5) for lead in leads) / len(leads)
    return common > 0.7 and late > 0.15 and kana < 0.1


def _is_western(sample: bytes) -> bool:
    """Return whether single letters with accents stand among plain ones, as CP1252 writes them."""
    runs = _HIGH.findall(sample)
    high = sum(map(len, runs))
    letters = sum(byte > 0x7F or chr(byte).isalpha() for byte in sample)
    if high > 0.45 * letters or sum(len(run) == 1 for run in runs) < 0.7 * len(runs):
        return False
    decoded = [c for c in sample.decode("cp1252", "replace") if not c.isascii()]
    return sum(c.isalpha() or c in _PUNCTUATION for c in decoded) >= 0.8 * len(decoded)
