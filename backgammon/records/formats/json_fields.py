"""A JSON object with checks: every key has to be asked for, every value to be of its type."""

from __future__ import annotations

import math
from typing import Any

from backgammon.tools.errors import RecordError

MAX_TEXT = 20_000
"""Characters of a text."""

_LARGEST = 3e38  # of a float32


class Fields:
    """The values of an object; `finish` refuses keys that nobody asked for.

    All methods raise RecordError with the place and the key.
    """

    def __init__(self, value: Any, place: str) -> None:
        """Take an object.

        Args:
            value: what JSON gave.
            place: where it stands, for messages.
        """
        if not isinstance(value, dict):
            raise RecordError(f"{place}: an object is needed, not {_kind(value)}")
        self._values = dict(value)
        self._place = place

    def error(self, text: str) -> RecordError:
        """An error that says where."""
        return RecordError(f"{self._place}: {text}")

    def has(self, key: str) -> bool:
        """True when the key is there."""
        return key in self._values

    def is_null(self, key: str) -> bool:
        """True when the key is there and its value is null, which then counts as asked for."""
        if key in self._values and self._values[key] is None:
            del self._values[key]
            return True
        return False

    def any(self, key: str) -> Any:
        """A value of whatever type; it counts as asked for."""
        if key not in self._values:
            raise self.error(f"'{key}' is missing")
        return self._values.pop(key)

    def text(self, key: str) -> str:
        """A text."""
        return self._text(self.any(key), key)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.any(key)
        if not isinstance(value, bool):
            raise self._refuse(key, "true or false", value)
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        """A whole number within bounds."""
        return self._whole(self.any(key), low, high, key)

    def optional_whole(self, key: str, low: int, high: int) -> int | None:
        """A whole number within bounds, or null."""
        value = self.any(key)
        return None if value is None else self._whole(value, low, high, key)

    def number(self, key: str) -> float:
        """A number that a float32 can hold."""
        return self._number(self.any(key), key)

    def optional_number(self, key: str) -> float | None:
        """A number that a float32 can hold, or null."""
        value = self.any(key)
        return None if value is None else self._number(value, key)

    def items(self, key: str, most: int) -> list[Any]:
        """A list."""
        value = self.any(key)
        if not isinstance(value, list):
            raise self._refuse(key, "a list", value)
        if len(value) > most:
            raise self.error(f"'{key}' has {len(value):,} entries; {most:,} are read")
        return value

    def inner(self, key: str) -> Fields:
        """An object."""
        return self.nested(self.any(key), key)

    def nested(self, value: Any, key: str) -> Fields:
        """An object out of a list."""
        return Fields(value, f"{self._place}, {key}")

    def texts_of(self, value: Any, count: int, key: str) -> list[str]:
        """A list of so many texts."""
        return [self._text(item, key) for item in self._list_of(value, count, key)]

    def wholes_of(self, value: Any, count: int, low: int, high: int, key: str) -> list[int]:
        """A list of so many whole numbers within bounds."""
        return [self._whole(item, low, high, key) for item in self._list_of(value, count, key)]

    def numbers_of(self, value: Any, count: int, key: str) -> list[float]:
        """A list of so many numbers."""
        return [self._number(item, key) for item in self._list_of(value, count, key)]

    def finish(self) -> None:
        """Refuse what was not asked for."""
        unknown = [key for key in self._values if key not in ("kind", "format", "version")]
        if unknown:
            raise self.error(f"key '{unknown[0][:40]}' is not known")

    def _list_of(self, value: Any, count: int, key: str) -> list[Any]:
        if not isinstance(value, list) or len(value) != count:
            raise self._refuse(key, f"a list of {count}", value)
        return value

    def _text(self, value: Any, key: str) -> str:
        if not isinstance(value, str):
            raise self._refuse(key, "a text", value)
        if len(value) > MAX_TEXT:
            raise self.error(f"'{key}' has {len(value):,} characters; {MAX_TEXT:,} are read")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise self.error(f"'{key}' holds half of a surrogate pair, which is no character")
        return value

    def _whole(self, value: Any, low: int, high: int, key: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._refuse(key, "a whole number", value)
        if not low <= value <= high:
            raise self.error(f"'{key}' must be from {low} to {high}")
        return value

    def _number(self, value: Any, key: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._refuse(key, "a number", value)
        if abs(value) > _LARGEST or not math.isfinite(value):  # in this order: whole numbers can be too large for both
            raise self.error(f"'{key}' must be a finite number")
        return float(value)

    def _refuse(self, key: str, needed: str, value: Any) -> RecordError:
        return self.error(f"'{key}' must be {needed}, not {_kind(value)}")


def _kind(value: Any) -> str:
    """The type of a value in words of JSON."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
