"""How METEOR splits words once more; what is expected is what METEOR 1.5 itself gives."""

from __future__ import annotations

import pytest

from plait.metrics.meteor.normalise import normalise

PREFIXES = {"Dr": False, "vs": False, "No": True}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a man 's dog ca n't bite the mail-man", "a man ' s dog ca n 't bite the mail man"),
        ("the u.s. flag at 5 p.m.", "the us flag at 5 pm"),
        ("x... y ..z", "x ... y .. z"),
        ("Dr. Smith vs. No. 5 , No. Five no. 5", "dr. smith vs. no. 5 , no . five no . 5"),
        ("3,000 a,b 4,c d,5", "3,000 a , b 4 , c d , 5"),
        ("50% $5 (x) [y] a/b", "50 % $ 5 ( x ) [ y ] a / b"),
        ("1990's `a' “b” café’s", "1990 's ' a ' \" b \" café 's"),
        ("a-b-c d--e f–g", "a b-c d e f - g"),
        ("a Dog.", "a dog ."),
        ("Собака бежит.", "собака бежит ."),
        ("", ""),
    ],
)
def test_as_meteor_does(text: str, words: str) -> None:
    assert normalise(text, PREFIXES) == words.split()
