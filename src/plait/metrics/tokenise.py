"""Penn Treebank words of a text, as the evaluation of COCO's captions counts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

ABBREVIATIONS = """
adm al ala alex apr ariz assn attys atty aug ave bancorp bhd bldg blvd brig bros calif capt cf cie
cmdr co col colo comdr conn corp cos cpl ct dak dec dept det dr drs ed.d elec esq est etc ext feb
fla fri ft ga gen gov govs hon inc ind intl invt jan jos jr jul jun kan kans ky lieut lt ltd maj mar
md messrs mfg mich minn mo mon mont mr mrs ms mt mtg natl neb nev nov oct okla penn pfc ph ph.d plc
pres prof profs pty ptys pvt rd rep reps rev sen sens sep sept seq sgt spc sq sr st ste supt supts
sys tel tenn thu thurs treas tue tues univ va vs vt wed wis wisc wm wyo
"""
CAPITALS = "Ark Az Del Ill La Mass Miss Ore Pa Tex Wash"
"""Words that keep their full stop, always or with a capital only; `no.` does before a number."""

STARTS = """
A About According Additionally After An As At But Earlier He Her Here However If In It Last Many
More Mr. Ms. Now Once One Other Our She Since So Some Such That The Then There These They This We
What When While Yet You
"""
"""Words before which the stop after a single letter ends a sentence."""

# Letters with the marks on them; signs that Python counts as letters for their number are none.
NUMERIC = "²³¹¼-¾\u2070-\u2094\u2150-\u215e"
MARKS = "\u00ad\u0300-\u036f\u0591-\u05c7\u064b-\u065e\u0670\u0900-\u0903\u093c-\u094d\u0e31-\u0e4e"
LETTER = rf"(?:[^\W\d_{NUMERIC}]|[{MARKS}])"
ALNUM = rf"[^\W_{NUMERIC}]"
APOSTROPHE = "['\u0092\u2019]"
INNER = "['\u0091\u0092\u2018\u2019\u201b]"
CLITIC = rf"{APOSTROPHE}(?:[msd]|re|ve|ll)"
PART = rf"(?:[dol]{INNER}{ALNUM})?{ALNUM}+"
SPACE = "[ \t\u00a0\u2000-\u200a\u3000]"
LAST = r"(?<![.!?{},-])"


def _any(words: str) -> str:
    return "|".join(re.escape(word) for word in sorted(words.split(), key=len, reverse=True))


def _capital(words: str) -> str:
    return "|".join(f"(?-i:{word[0]}){word[1:]}" for word in words.split())


# Of a rule with a group that group is the token, and what follows it is context.
RULES = tuple(
    re.compile(rule, re.IGNORECASE)
    for rule in (
        # words, before a clitic or alone
        rf"({LETTER}+){CLITIC}",
        rf"([a-z]*[a-mo-z])n{INNER}t",
        rf"{LETTER}+",
        # words with an apostrophe of their own
        rf"{APOSTROPHE}(?:em|till?|cause|tis|twas|[2-9]0s|n{APOSTROPHE}?)",
        rf"(?:[djl]|ol|somethin|dunkin){APOSTROPHE}",
        rf"(?-i:[A-HJ-XZn]){INNER}{LETTER}{{2,}}",
        rf"{LETTER}+[aeiouy]{INNER}(?-i:[aeiouA-Z]){LETTER}*",
        r"nor'easter|c'mon|s'mores|e'er|ev'ry|cap'n|c'est|li'l|nat'l",
        rf"(y{APOSTROPHE}){LETTER}",
        rf"({CLITIC})(?:[^a-z]|$)",
        rf"n{INNER}t",
        rf"({APOSTROPHE})[a-z][^\s]",
        # addresses and tags
        r'https?://[^\s"<>|()]+[^\s"<>|().!?{},-]',
        rf'(?:[a-z0-9-]+\.)+(?:com|net|org|edu)(?:/[^\s"<>|()]+{LAST})?',
        rf"[a-z0-9][\w.+-]{{,64}}@[\w.-]+{LAST}",
        rf"@[a-z_][a-z_0-9]*|#{LETTER}+",
        r"</?[a-z!?][^>\r\n]{,200}>",
        # numbers
        r"\d{1,4}-\d{1,4}/\d{1,4}",
        r"[-+]?(?:\d*(?:[.:,\u00ad]\d+)+|\d+)",
        r"(?:\(\d{2,3}\) ?|(?:\+?\+?\d{2,4}[- ])?\d{2,4}[- ])\d{3,4}[- ]?\d{3,5}",
        rf"[{NUMERIC}]+|(?-i:[A-Z]*)\$|[#¢-¥€]",
        rf"({APOSTROPHE}\d\d)(?:{SPACE}|$)",
        # parts joined by hyphens, slashes or ampersands
        rf"{PART}(?:[-_\u2010\u2011]{PART})*",
        r"pro-|anti-|s&p-500",
        r"[a-z0-9]+(?:-[a-z]+){0,2}(?:/[a-z0-9]+(?:-[a-z]+){0,2}){1,2}",
        r"[a-z0-9][a-z0-9.,]*(?:-(?:[a-z](?:\.[a-z])+\.|[a-z0-9]+))+",
        r"(?-i:[A-Z]+(?:[+&][A-Z]+)+)",
        rf"({PART}(?:[-_]{PART})*\.)[,;:]",
        rf"{LETTER}{ALNUM}*(?:[.?!]{LETTER}{ALNUM}*)+",
        # abbreviations
        rf"(?:{_any(ABBREVIATIONS)}|{_capital(CAPITALS)}|[a-z](?:\.[a-z])*)\.",
        rf"([a-z])\.{SPACE}+(?-i:{_any(STARTS)})(?:{SPACE}|$)",
        rf"((?:nos?|figs?)\.){SPACE}*\d",
        # emoticons and marks
        r"([<>]?[:;=][-o*']?[()dpo\\{@|\[\]])(?:[^a-z]|$)|([-^x=~<>']_[-^x=~<>'])",
        r"&(?:amp|lt|gt|quot|apos);|\"|<<|>>|[<>\[\]{}()]",
        r"-+|\.{3,5}|(?:\.[ \u00a0]){2,4}\.|\u2026|@+|_+|\*+|[?!]+|[,;:.=/¡¿\u3001\u3002]",
        rf"{CLITIC}|''|[`'\u2018-\u201f\u2039\u203a«»]{{1,2}}|[\u2013-\u2015]",
        r"[+%&~^|\\¦§¨©¬®¯°±´-¸º×÷\u2016-\u2023\u2030-\u2044\u2100-\u2bff\u3012\uff01-\uff65]",
    )
)

BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
SIGNS = {
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "£": "#", "€": "$", "¢": "cents",
    "¼": "1/4", "½": "1/2", "¾": "3/4",
}  # fmt: skip
TWO_WORDS = {"cannot": 3, "gonna": 3, "gotta": 3, "gimme": 3, "lemme": 3, "wanna": 3}
TWO_WORDS |= {"'tis": 2, "'twas": 2}
"""Words that are two, and where the second begins."""

LEFT_OUT = re.compile(
    r"[,:;?!.'\"`\u2026\u2013-\u2015\u2018-\u201f\u2039\u203a«»]|[.\u00a0 ]+|''|``|-{1,4}"
    r"|&quot;|&apos;"
)
"""Punctuation. Brackets stay, as in the reference: it looks for them in upper case."""

PLAIN = re.compile(r"[A-Za-z]+(?= |$)| +")
"""What most of a caption is made of: no rule reaches further, so that none has to be tried."""


@lru_cache(maxsize=1 << 15)
def tokenise(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, without punctuation.

    At each place every rule is tried, and the longest match wins, its context included; of equals
    the first. Source: the tokeniser of Stanford CoreNLP 3.4.1 with `-preserveLines -lowerCase`, and
    what the evaluation of COCO removes (Chen et al., 2015, "Microsoft COCO Captions", section 3).

    Args:
        text: one caption; a line break counts as a space.
    """
    return tuple(_tokens(text.replace("\n", " ")))


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        plain = PLAIN.match(text, place)
        end = plain.end() if plain else _end(text, place)
        yield from _written(text[place:end].lower())
        place = max(end, place + 1)  # past a space, or a sign that no rule knows


def _end(text: str, place: int) -> int:
    """Return where the token ends that begins at a place; the place itself if there is none."""
    end, reached = place, place
    for rule in RULES:
        match = rule.match(text, place)
        if match and match.end() > reached:
            reached, end = match.end(), match.end(match.lastindex or 0)
    return end


def _written(token: str) -> Iterator[str]:
    if LEFT_OUT.fullmatch(token):
        return
    second = TWO_WORDS.get(token, 0)
    if second:
        yield token[:second]
    if re.fullmatch(rf"{CLITIC}|n{INNER}t", token):
        token = re.sub(INNER, "'", token)
    token = SIGNS.get(token, token).replace("\u00ad", "")
    yield from "".join(BRACKETS.get(sign, sign) for sign in token[second:]).split()
