"""What can be set in a UBGI session: the keys of version 0.2, the options of 0.1, and how both refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from backgammon.tools.quoting import quote

MAX_SEED = 2**31 - 1
MAX_MULTIPV = 64
MAX_THREADS = 64


class Version(Enum):
    """Of the protocol."""

    V01 = "0.1"
    V02 = "0.2"


class RefusalKind(Enum):
    """Why a command is refused: (code of 0.1, code of 0.2)."""

    UNKNOWN = ("unknown_command", "bad_command")
    SYNTAX = ("bad_argument", "bad_command")
    VALUE = ("bad_argument", "bad_value")
    STATE = ("missing_context", "bad_state")
    UNSUPPORTED = ("unsupported_feature", "unsupported")

    def code(self, version: Version) -> str:
        """The word behind `error`."""
        return self.value[0 if version is Version.V01 else 1]


class Refusal(Exception):
    """A command that cannot be carried out; the text says what is expected."""

    def __init__(self, kind: RefusalKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True)
class EngineSettings:
    """What a client may change.

    Attributes:
        ply: depth of a decision counted from the root: 1 is the evaluator alone, which GNU Backgammon calls 0-ply.
        max_ply: the deepest that the engine offers; not to be set.
        threads: of the engine.
        seed: of an engine that leaves something to chance.
        multipv: candidates that are shown before the answer.
    """

    ply: int = 1
    max_ply: int = 1
    threads: int = 1
    seed: int = 0
    multipv: int = 1

    def for_engine(self) -> EngineSettings:
        """The same without what only changes what is shown."""
        return replace(self, multipv=0)


@dataclass(frozen=True)
class Setting:
    """A key of version 0.2.

    Attributes:
        key: its name.
        kind: the type and range as the protocol writes them, from the settings.
        show: its value as text.
        apply: settings with the value of a text; raises Refusal.
        is_minor: it does not change the strength.
        meaning: a few words.
    """

    key: str
    kind: Callable[[EngineSettings], str]
    show: Callable[[EngineSettings], str]
    apply: Callable[[EngineSettings, str], EngineSettings]
    is_minor: bool
    meaning: str

    def describe(self, settings: EngineSettings) -> str:
        """The line that `keys` gives."""
        mark = "! " if self.is_minor else ""
        return f"key {self.key} {self.kind(settings)} {self.show(settings)} {mark}{self.meaning}"


@dataclass(frozen=True)
class Option:
    """An option of version 0.1: another name for a key.

    Attributes:
        name: as 0.1 writes it.
        kind: type and range as 0.1 writes them, from the settings.
        setting: the key.
    """

    name: str
    kind: Callable[[EngineSettings], str]
    setting: Setting

    def describe(self, settings: EngineSettings) -> str:
        """The line of the handshake."""
        return f"option name {self.name} type {self.kind(settings)}"


def _number_setting(field: str, low: int, high: Callable[[EngineSettings], int], is_minor: bool, text: str) -> Setting:
    """A key `engine.<field>` whose value is a whole number from `low` to `high`."""
    key = f"engine.{field}"

    def apply(settings: EngineSettings, value: str) -> EngineSettings:
        if not (value.isascii() and value.isdigit() and len(value) <= 10 and low <= int(value) <= high(settings)):
            raise Refusal(RefusalKind.VALUE, f"{key} {quote(value)}: must be {low}..{high(settings)}")
        return replace(settings, **{field: int(value)})

    return Setting(
        key,
        lambda settings: f"int {low}..{high(settings)}",
        lambda settings: str(getattr(settings, field)),
        apply,
        is_minor,
        text,
    )


def _fixed_setting(key: str, kind: str, value: str, text: str) -> Setting:
    """A key that the engine knows in one value only."""

    def apply(settings: EngineSettings, given: str) -> EngineSettings:
        if given != value:
            raise Refusal(RefusalKind.VALUE, f"{key} {quote(given)}: must be {value}")
        return settings

    return Setting(key, lambda _: kind, lambda _: value, apply, False, text)


_PLY = _number_setting("ply", 1, lambda settings: settings.max_ply, False, "root-inclusive decision depth")
_THREADS = _number_setting("threads", 1, lambda _: MAX_THREADS, True, "worker threads")
_SEED = _number_setting("seed", 0, lambda _: MAX_SEED, True, "seed of what is left to chance")
_MULTIPV = _number_setting("multipv", 0, lambda _: MAX_MULTIPV, True, "candidates shown before the answer")
_DETERMINISTIC = _fixed_setting("engine.deterministic", "bool", "true", "same question, same answer")
_EVAL_MODE = _fixed_setting("engine.evalmode", "enum cubeless", "cubeless", "the cube is left out of account")
_VARIANT = _fixed_setting("game.variant", "enum backgammon", "backgammon", "the game")

SETTINGS: dict[str, Setting] = {
    setting.key: setting for setting in (_VARIANT, _PLY, _EVAL_MODE, _DETERMINISTIC, _THREADS, _SEED, _MULTIPV)
}
"""The keys of version 0.2 by name."""

OPTIONS: tuple[Option, ...] = (
    Option("Ply", lambda settings: f"spin default {settings.ply} min 1 max {settings.max_ply}", _PLY),
    Option("Threads", lambda settings: f"spin default {settings.threads} min 1 max {MAX_THREADS}", _THREADS),
    Option("Seed", lambda settings: f"spin default {settings.seed} min 0 max {MAX_SEED}", _SEED),
    Option("MultiPV", lambda settings: f"spin default {settings.multipv} min 0 max {MAX_MULTIPV}", _MULTIPV),
    Option("Deterministic", lambda _: "check default true", _DETERMINISTIC),
    Option("EvalMode", lambda _: "combo default cubeless var cubeless", _EVAL_MODE),
    Option("Variant", lambda _: "combo default backgammon var backgammon", _VARIANT),
)
"""The options of version 0.1 in the order of the handshake."""
