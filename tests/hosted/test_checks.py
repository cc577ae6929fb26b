from __future__ import annotations

import sys

import pytest

from plait.errors import CellError, ConfigError, MissingExtraError
from plait.hosted.checks import AnyText, JsonSchema, OneOf

CUPS = {
    "type": "object",
    "properties": {"cups": {"type": "integer", "minimum": 0}},
    "required": ["cups"],
    "additionalProperties": False,
}


def test_any_text() -> None:
    assert AnyText().read(" a cat\n") == "a cat"
    with pytest.raises(CellError, match="the answer is empty"):
        AnyText().read(" \n")


def test_one_of_some_words() -> None:
    check = OneOf(("yes", "No", "I cannot tell"))
    for said, meant in [("Yes.", "yes"), ('"no"', "No"), ("**I cannot TELL**\n", "I cannot tell")]:
        assert check.read(said) == meant
    assert "exactly one of these, and nothing else: yes, No, I cannot tell." in check.instruction
    with pytest.raises(CellError, match="'maybe' is none of yes, No, I cannot tell"):
        check.read("maybe")
    with pytest.raises(CellError, match="is none of"):
        check.read("yes and no")


@pytest.mark.parametrize("words", [(), ("yes",), ("yes", "Yes")])
def test_words_that_are_no_choice(words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="two or more, and differ in more than upper and lower"):
        OneOf(words)


def test_json_that_a_schema_allows() -> None:
    check = JsonSchema(CUPS)
    assert check.read(' {"cups":\n 3} ') == '{"cups": 3}'
    assert check.read('```json\n{"cups": 3}\n```') == '{"cups": 3}'
    assert check.fields["response_format"]["json_schema"]["schema"] == CUPS
    with pytest.raises(CellError, match=r"the answer is no JSON \(Expecting value"):
        check.read("three")
    with pytest.raises(CellError, match=r"no JSON \(NaN is no number of JSON\)"):
        check.read('{"cups": NaN}')
    with pytest.raises(CellError, match=r"\$\.cups: -1 is less than the minimum of 0"):
        check.read('{"cups": -1}')
    with pytest.raises(CellError, match=r"\$: 'cups' is a required property"):
        check.read("{}")
    inner = JsonSchema({"$ref": "#/$defs/cups", "$defs": {"cups": CUPS}})
    assert inner.read('{"cups": 0}') == '{"cups": 0}'


def test_schemas_that_are_none() -> None:
    with pytest.raises(ConfigError, match="The JSON schema is none: 'objec' is not valid"):
        JsonSchema({"type": "objec"})
    with pytest.raises(ConfigError, match="refers to 'https://x/y', and nothing is fetched"):
        JsonSchema({"anyOf": [{"$ref": "https://x/y"}]})


def test_without_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "jsonschema"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(
        MissingExtraError, match=r"needs jsonschema: pip install 'plait\[endpoint\]"
    ):
        JsonSchema(CUPS)
