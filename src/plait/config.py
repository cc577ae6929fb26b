"""Frozen dataclasses to JSON and back; unknown keys and wrong types are refused.

Each setting belongs to the component that reads it: an encoder's settings stand in the encoder's
file, and so on. This file only knows how to write and read them.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from plait.errors import ConfigError, did_you_mean

T = TypeVar("T")


def to_json(config: Any) -> Any:
    """Return a frozen dataclass as plain JSON values, nested ones included."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: to_json(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, (tuple, list)):
        return [to_json(item) for item in config]
    if isinstance(config, Mapping):
        return {key: to_json(value) for key, value in config.items()}
    return config


def from_json(kind: type[T], values: Any, where: str = "") -> T:
    """Return a dataclass of `kind` from plain JSON values.

    Args:
        kind: a frozen dataclass.
        values: what `to_json` gave; missing keys take their defaults.
        where: the path of `values` inside the whole, for messages.

    Raises:
        ConfigError: for a key that `kind` does not have, or a value of another type.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{where or kind.__name__} must be an object, found {values!r}.")
    hints = typing.get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    arguments = {}
    for key, value in values.items():
        path = f"{where}.{key}" if where else key
        if key not in names:
            raise ConfigError(f"Setting {path!r} is not known.{did_you_mean(key, names)}")
        arguments[key] = _value(hints[key], _with_defaults(kind, key, value), path)
    missing = [
        f.name
        for f in dataclasses.fields(kind)  # type: ignore[arg-type]
        if f.default is f.default_factory is dataclasses.MISSING and f.name not in arguments
    ]
    if missing:
        path = f"{where}.{missing[0]}" if where else missing[0]
        raise ConfigError(f"Setting {path!r} is missing.")
    return kind(**arguments)


def _with_defaults(kind: Any, name: str, value: Any) -> Any:
    """Return the settings of a part with what they leave out, as this field of `kind` has it.

    A field may begin otherwise than the part's own class does.
    """
    (own,) = (f for f in dataclasses.fields(kind) if f.name == name)
    make: Any = own.default_factory
    default = own.default if make is dataclasses.MISSING else make()
    if not dataclasses.is_dataclass(default) or not isinstance(value, dict):
        return value
    return _merged(to_json(default), value)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    nested = {key: _merged(below[key], value) for key, value in above.items()
              if isinstance(value, dict) and isinstance(below.get(key), dict)}  # fmt: skip
    return {**below, **above, **nested}


def _value(hint: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, value, path)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _first_match(inner, value, path)
    if origin is tuple and isinstance(value, (list, tuple)):
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_value(inner[0], item, path) for item in value)
        if len(inner) == len(value):
            return tuple(_value(kind, item, path) for kind, item in zip(inner, value, strict=True))
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: _value(inner[1], item, f"{path}.{key}") for key, item in value.items()}
    if origin is typing.Literal and any(value == x and type(value) is type(x) for x in inner):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise ConfigError(f"Setting {path!r} must be {_words(hint)}, found {value!r}.")


def _first_match(hints: tuple[Any, ...], value: Any, path: str) -> Any:
    nested = [hint for hint in hints if dataclasses.is_dataclass(hint)]
    if len(nested) == 1 and isinstance(value, dict):
        return _value(nested[0], value, path)  # so that the message names the key inside
    for hint in hints:
        try:
            return _value(hint, value, path)
        except ConfigError:
            continue
    allowed = " or ".join(_words(hint) for hint in hints)
    raise ConfigError(f"Setting {path!r} must be {allowed}, found {value!r}.")


def _words(hint: Any) -> str:
    if hint is type(None):
        return "null"
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(hint)))
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def check_range(config: Any, name: str, low: float, high: float) -> None:
    """Refuse a setting outside low..high.

    Raises:
        ConfigError: with the setting's name, its value and the range.
    """
    value = getattr(config, name)
    if not low <= value <= high:
        raise ConfigError(f"Setting {name!r} must be between {low} and {high}, found {value}.")
