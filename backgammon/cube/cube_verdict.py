"""To double or not, to take or not: three equities in, the proper action out.

Equities are EMG of the player ON ROLL at the cube before the decision: no double (ND), double and take (DT), double and
pass (DP, 1 by construction). The opponent is asked with the same numbers; its own are their negatives.

The rule is GNU Backgammon's: double if neither answer leaves less than rolling on; take if that leaves the doubler less
than a pass, an exact tie is a pass.
"""

from __future__ import annotations

from dataclasses import dataclass

from backgammon.cube.stakes import OWN, Stakes
from backgammon.evaluation.outcome import Outcomes
from backgammon.tools.errors import GameError

ACTIONS: tuple[str, ...] = ("no double", "double/take", "double/pass", "too good/take", "too good/pass")
"""Every proper action, in the words of machines."""

NEARLY_EQUAL = 1e-5
"""Double and no double this close, in EMG, are optional."""


def cube_choice(no_double: float, double_take: float, double_pass: float = 1.0) -> tuple[bool, bool]:
    """Whether to double, and whether the opponent should take.

    >>> cube_choice(0.5, 0.7)
    (True, True)
    >>> cube_choice(1.2, 1.4)
    (False, False)
    """
    return double_take >= no_double and double_pass >= no_double, double_take < double_pass


@dataclass(frozen=True)
class CubeVerdict:
    """What a cube decision comes to.

    Attributes:
        stakes: before the decision; the rules allow the double.
        no_double: EMG of rolling on.
        double_take: EMG after double and take.
        double_pass: EMG after double and pass.
        mwc: the same three as match-winning chances; None in money play.
        outcomes: float32[6] of the player on roll, as far as was looked ahead, for people to read.
        plies: depth of the look-ahead.

    Raises:
        GameError: the player on roll may not double.
    """

    stakes: Stakes
    no_double: float
    double_take: float
    double_pass: float = 1.0
    mwc: tuple[float, float, float] | None = None
    outcomes: Outcomes | None = None
    plies: int = 0

    def __post_init__(self) -> None:
        if self.stakes.double_refusal:
            raise GameError(f"no cube decision: {self.stakes.double_refusal}")

    @property
    def equities(self) -> tuple[float, float, float]:
        """ND, DT, DP in EMG."""
        return self.no_double, self.double_take, self.double_pass

    @property
    def is_double(self) -> bool:
        """True when the proper action is to double."""
        return cube_choice(self.no_double, self.doubled, self.double_pass)[0]

    @property
    def doubled(self) -> float:
        """EMG after a double that is not passed: taken, or turned once more where that is better for the opponent."""
        return 2 * self.double_take if self.is_beaver else self.double_take

    @property
    def is_take(self) -> bool:
        """True when the opponent should take."""
        return cube_choice(*self.equities)[1]

    @property
    def is_too_good(self) -> bool:
        """True when rolling on is worth more than to cash."""
        return self.no_double > self.double_pass

    @property
    def is_beaver(self) -> bool:
        """True when the opponent should turn the cube once more: a doubled player who is the favourite."""
        return self.stakes.has_beavers and self.double_take < 0

    @property
    def is_raccoon(self) -> bool:
        """True when the doubler, once beavered, should turn the cube yet again: it thinks itself the favourite."""
        return self.stakes.has_beavers and self.double_take > 0

    @property
    def is_optional(self) -> bool:
        """True when a double that is taken and rolling on are worth the same."""
        return self.is_take and abs(self.no_double - self.double_take) < NEARLY_EQUAL

    @property
    def action(self) -> str:
        """One of ACTIONS; the opponent's part belongs to it wherever a double is worth a thought."""
        answer = "take" if self.is_take else "pass"
        if self.is_double:
            return f"double/{answer}"
        return f"too good/{answer}" if self.is_too_good else "no double"

    @property
    def wording(self) -> str:
        """The action in the words of people, such as `Redouble, pass` or `Too good to double, pass`."""
        verb = "redouble" if self.stakes.owner == OWN else "double"
        answer = "beaver" if self.is_beaver else "take" if self.is_take else "pass"
        if self.is_optional:
            return f"Optional {verb}, {answer}"
        if self.is_double:
            return f"{verb.capitalize()}, {answer}"
        return f"Too good to {verb}, {answer}" if self.is_too_good else f"No {verb}, {answer}"

    def loss(self, has_doubled: bool) -> float:
        """EMG that the player on roll gives away by doubling or not, the opponent answering best; 0 or more."""
        best_after_double = min(self.doubled, self.double_pass)
        chosen = best_after_double if has_doubled else self.no_double
        proper = best_after_double if self.is_double else self.no_double
        return max(proper - chosen, 0.0)

    def answer_loss(self, has_taken: bool, has_beavered: bool = False) -> float:
        """EMG that the opponent gives away by its answer to a double, right or wrong; 0 or more.

        A beaver leaves it the cube at twice the value: the doubler has twice what a take leaves.
        """
        chosen = (2 if has_beavered else 1) * self.double_take if has_taken else self.double_pass
        return max(0.0, chosen - min(self.doubled, self.double_pass))
