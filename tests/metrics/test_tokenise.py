"""Words as Stanford CoreNLP 3.4.1 finds them."""

from __future__ import annotations

from time import process_time

import pytest
from reference_captions import FOLDER

from plait.metrics.tokenise import RULES, tokenise

LINES = (FOLDER / "reference_tokens.tsv").read_text(encoding="utf-8").splitlines()
SAMPLES = [line.split("\t") for line in LINES]


@pytest.mark.parametrize(("text", "tokens"), SAMPLES)
def test_equal_to_the_reference(text: str, tokens: str) -> None:
    assert list(tokenise(text)) == tokens.split()


def test_the_sample_is_one() -> None:
    assert len(SAMPLES) > 60
    assert sum(len(tokens.split()) for _, tokens in SAMPLES) > 500


def test_every_rule_is_needed_by_one_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that no sample needs would be there for nothing, or untested."""
    idle = []
    for rule in RULES:
        monkeypatch.setattr("plait.metrics.tokenise.RULES", tuple(r for r in RULES if r != rule))
        if all(list(tokenise.__wrapped__(text)) == tokens.split() for text, tokens in SAMPLES):
            idle.append(rule.pattern)
    assert not idle


def test_line_breaks_are_spaces_and_nothing_is_nothing() -> None:
    assert tokenise("A dog\nruns.") == ("a", "dog", "runs")
    assert tokenise("") == tokenise(" .,! ? \n") == ()


@pytest.mark.parametrize("piece", ["word ", "a", "a-", "a.", "<a", "a+", "1.", "'s", "x@", "(5"])
def test_a_long_text_takes_no_longer_than_its_length_asks(piece: str) -> None:
    start = process_time()
    tokenise(piece * (60_000 // len(piece)) + "!")
    assert process_time() - start < 5  # less than 1; where a rule looks to the end, a minute
