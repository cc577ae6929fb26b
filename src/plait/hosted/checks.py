"""Whether an answer is one that was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from plait.errors import CellError, ConfigError, MissingExtraError

_FENCED = re.compile(r"^```(?:json)?\s*\n(.*)\n\s*```$", re.DOTALL)


class Check(Protocol):
    """What an answer must be."""

    @property
    def instruction(self) -> str:
        """What the model is told of it, after the prompt; empty for nothing."""
        ...

    @property
    def fields(self) -> Mapping[str, Any]:
        """Of the request, that ask the endpoint for it."""
        ...

    def read(self, text: str) -> str:
        """Return the answer as it is kept.

        Raises:
            CellError: when it is none, with the reason.
        """
        ...


@dataclass(frozen=True)
class AnyText:
    """Any text but an empty one."""

    instruction: str = ""

    @property
    def fields(self) -> Mapping[str, Any]:
        """Nothing is asked for."""
        return {}

    def read(self, text: str) -> str:
        """Return the answer without spaces around it."""
        if not text.strip():
            raise CellError("the answer is empty")
        return text.strip()


@dataclass(frozen=True)
class OneOf:
    """One of some words, whatever its case, quotes, and full stop.

    Attributes:
        words: that are allowed.

    Raises:
        ConfigError: for less than two words, or two that differ in case only.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if len({_bare(word) for word in self.words}) < max(len(self.words), 2):
            raise ConfigError(
                "Answers to choose from must be two or more, and differ in more than upper and "
                f"lower case, found {', '.join(map(repr, self.words)) or 'none'}."
            )

    @property
    def instruction(self) -> str:
        """The words that are allowed."""
        return f"\nAnswer with exactly one of these, and nothing else: {', '.join(self.words)}."

    @property
    def fields(self) -> Mapping[str, Any]:
        """There is no field that all servers know."""
        return {}

    def read(self, text: str) -> str:
        """Return the word that the answer is, as it was given."""
        for word in self.words:
            if _bare(word) == _bare(text):
                return word
        raise CellError(f"{text[:80]!r} is none of {', '.join(self.words)}")


def _bare(text: str) -> str:
    return text.strip(" \t\r\n.'\"`*").casefold()


@dataclass(frozen=True)
class JsonSchema:
    """JSON that a schema allows, which is asked for as `response_format` too.

    Attributes:
        schema: of JSON Schema.

    Raises:
        ConfigError: when it is none, or refers to another file or address.
        MissingExtraError: when jsonschema is not there.
    """

    schema: Mapping[str, Any]

    def __post_init__(self) -> None:
        try:
            import jsonschema.validators
            from jsonschema.exceptions import SchemaError
        except ImportError as error:
            raise MissingExtraError(
                "Checking answers by a JSON schema needs jsonschema: pip install 'plait[endpoint]'"
            ) from error
        try:
            kind = jsonschema.validators.validator_for(self.schema)
            kind.check_schema(self.schema)
        except SchemaError as error:
            raise ConfigError(f"The JSON schema is none: {error.message}.") from error
        for reference in _references(self.schema):
            if not reference.startswith("#"):
                raise ConfigError(
                    f"The JSON schema refers to {reference!r}, and nothing is fetched; put it into "
                    "$defs."
                )

    instruction = ""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The field `response_format`."""
        wanted = {"name": "answer", "schema": self.schema}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}

    @cached_property
    def _validator(self) -> Any:
        import jsonschema.validators

        return jsonschema.validators.validator_for(self.schema)(self.schema)

    def read(self, text: str) -> str:
        """Return the answer as JSON in one line; some servers put it between fences."""
        fenced = _FENCED.match(text.strip())
        try:
            value = json.loads(fenced[1] if fenced else text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise CellError(f"the answer is no JSON ({error})") from error
        wrong = next(iter(self._validator.iter_errors(value)), None)
        if wrong is not None:
            raise CellError(f"{wrong.json_path}: {wrong.message[:200]}")
        return json.dumps(value, ensure_ascii=False)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _references(schema: Any) -> list[str]:
    """Return what a schema refers to."""
    if isinstance(schema, Mapping):
        own = [v for k, v in schema.items() if k in ("$ref", "$dynamicRef") and isinstance(v, str)]
        return own + _references(list(schema.values()))
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return [reference for part in schema for reference in _references(part)]
    return []
