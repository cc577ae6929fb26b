"""Progress is shown when asked for, and silent when nobody watches."""

from __future__ import annotations

import pytest

from plait.progress import Progress


@pytest.mark.parametrize(("show", "expected"), [(True, True), (False, False), (None, False)])
def test_stages_are_shown_when_wanted(
    show: bool | None, expected: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    with Progress(show).stage("Reading pictures", 3) as advance:
        advance(2)
        advance(1)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert ("Reading pictures" in captured.err) == expected


def test_a_log_gets_a_line_a_stage(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress(lines=True).stage("Reading pictures", 1200) as advance:
        advance(1200)
    assert capfd.readouterr().err == "Reading pictures (1,200)\n"
