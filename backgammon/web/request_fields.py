"""Fields of a request, each checked for its type and range before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backgammon.tools.errors import ConfigError
from backgammon.tools.quoting import quote

MAX_TEXT = 400
"""Characters of a text in a request: an ID, a play, a name."""


class Fields:
    """The JSON object of a request; what is missing, of another type or out of range raises ConfigError."""

    def __init__(self, document: Any) -> None:
        """Wrap a parsed document.

        Raises:
            ConfigError: it is no object.
        """
        if not isinstance(document, Mapping):
            raise ConfigError("the request is no JSON object")
        self._document = document

    def has(self, name: str) -> bool:
        """True when the field is there and not null."""
        return self._document.get(name) is not None

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number from `least` to `most`."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigError(f"{name}: a whole number from {least} to {most} is needed, not {_show(value)}")
        return value

    def number(self, name: str, least: float, most: float, default: float | None = None) -> float:
        """A number from `least` to `most`."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise ConfigError(f"{name}: a number from {least:g} to {most:g} is needed, not {_show(value)}")
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise ConfigError(f"{name}: true or false is needed, not {_show(value)}")
        return value

    def text(self, name: str, default: str | None = None, most: int = MAX_TEXT) -> str:
        """A text of at most `most` characters."""
        value = self._get(name, default)
        if not isinstance(value, str) or len(value) > most:
            raise ConfigError(f"{name}: a text of at most {most} characters is needed")
        return value

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of some words."""
        value = self._get(name, default)
        if value not in choices:
            raise ConfigError(f"{name}: one of {', '.join(choices)} is needed, not {_show(value)}")
        return str(value)

    def wholes(self, name: str, count: int, least: int, most: int) -> list[int]:
        """A list of exactly `count` whole numbers."""
        value = self._get(name, None)
        is_fine = isinstance(value, list) and len(value) == count
        if not is_fine or not all(isinstance(v, int) and not isinstance(v, bool) and least <= v <= most for v in value):
            raise ConfigError(f"{name}: {count} whole numbers from {least} to {most} are needed")
        return list(value)

    def _get(self, name: str, default: Any) -> Any:
        value = self._document.get(name)
        if value is None:
            if default is None:
                raise ConfigError(f"{name}: missing")
            return default
        return value


def _show(value: Any) -> str:
    return quote(str(value))
