"""Every exception a user's mistake can raise; the command line turns each into one line and exit code 1.

    PairgammonError
    +-- PositionError        a board that cannot occur (too many checkers, both sides on one point, ...)
    +-- DiceError            dice outside 1..6, or not two of them
    +-- NotationError        text of a play or an ID
    |   +-- MalformedPlay    the text is not a play
    |   +-- AmbiguousPlay    the text fits several plays with different results
    |   +-- IllegalPlay      the text is a play, but not one of this roll
    |   +-- IdError          a Position ID, Match ID or XGID that cannot be decoded
    +-- RecordError          a log that cannot be read
    +-- StakesError          a score, cube or owner that cannot be
    +-- GameError            an action the state of the game does not allow
    |   +-- CandidateOverflow  a roll with more candidates than an environment has actions
    +-- ModelError           a checkpoint that cannot be used (damaged, foreign, other feature version)
    +-- DataError            shards that cannot be used (damaged, other version, empty)
    +-- ConfigError          a setting that does not exist or is out of range

A message says what is wrong, where, and how to mend it. `PairgammonWarning` says what costs time, but no result.
"""

from __future__ import annotations


class PairgammonError(Exception):
    """Base of all errors caused by input; never raised for a defect of the program itself."""


class PairgammonWarning(RuntimeWarning):
    """Something that costs time and no result, such as a folder that cannot be written."""


class PositionError(PairgammonError, ValueError):
    """A board that cannot occur."""


class DiceError(PairgammonError, ValueError):
    """Dice outside 1..6, or not two of them."""


class NotationError(PairgammonError, ValueError):
    """Text of a play or an identifier that cannot be used."""


class MalformedPlay(NotationError):
    """The text is not a play."""


class AmbiguousPlay(NotationError):
    """The text fits several plays with different results."""


class IllegalPlay(NotationError):
    """The text is a play, but not one that this roll allows."""


class IdError(NotationError):
    """A Position ID, Match ID or XGID that cannot be decoded."""


class RecordError(PairgammonError):
    """A log that cannot be read."""


class StakesError(PairgammonError, ValueError):
    """A score, cube or owner that cannot be; the message names the field and the rule."""


class GameError(PairgammonError):
    """An action that the state of the game does not allow."""


class ModelError(PairgammonError):
    """A checkpoint that cannot be used: damaged, foreign, or of another feature version."""


class DataError(PairgammonError):
    """Training data that cannot be used: damaged, of another version, or empty."""


class ConfigError(PairgammonError):
    """A setting that does not exist or is out of range."""


class CandidateOverflow(GameError):
    """A roll with more candidates than an environment has actions; `needed` is their number."""

    def __init__(self, needed: int, available: int) -> None:
        self.needed = needed
        self.available = available
        super().__init__(
            f"a roll has {needed} candidates, but the action space holds {available}: "
            f"make the environment with max_candidates={needed} or more"
        )

    def __reduce__(self) -> tuple[type[CandidateOverflow], tuple[int, int]]:
        return CandidateOverflow, (self.needed, self.available)
