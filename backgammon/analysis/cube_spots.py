"""Every moment of a game at which the player on roll might double, with what was done, and what that cost.

A roll that no double came before is a decision not to double, where the rules allowed one; not so the opening roll,
which decides who starts. The doubler is judged as if the opponent answers best. The answer is judged whether the double
was right or not. A raccoon, the doubler's answer to a beaver, is listed and not judged.

Equities are EMG of the player ON ROLL at the cube before the decision (in money play points per unit of that cube).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from backgammon.analysis.logged_rolls import CubeEvent, GameRolls, stakes_of
from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import Stakes
from backgammon.cube.valuation import Valuation
from backgammon.notation.identifier import IdentifiedPosition
from backgammon.records.record.annotation import CubeAnalysis
from backgammon.rules.board import Board

XG_OBVIOUS = 0.2
"""EMG by which rolling on must beat a double for XG not to count the decision."""
GNUBG_CLOSE = 0.16
"""EMG within which GNU Backgammon calls a cube decision close."""

NO_DOUBLE, DOUBLE, TAKE, PASS, BEAVER = "no double", "double", "take", "pass", "beaver"
_WORDS = {NO_DOUBLE: "does not double", DOUBLE: "doubles", TAKE: "takes", PASS: "passes", BEAVER: "beavers"}


ERROR_KINDS = ("missed double", "wrong double", "wrong take", "wrong pass", "missed beaver", "wrong beaver")


@dataclass(frozen=True, eq=False)
class CubeSpot:
    """A moment at which the player on roll may double.

    Attributes:
        roll: rolls of the game before it.
        seat: on roll.
        board: int8[26], seen by the player on roll.
        stakes: before a double.
        identifier: the position before the roll.
        events: what was done with the cube: nothing, a double, or a double and its answer.
        analysis: what another program wrote about it in the file.
    """

    roll: int
    seat: int
    board: Board
    stakes: Stakes
    identifier: IdentifiedPosition
    events: tuple[CubeEvent, ...] = ()
    analysis: CubeAnalysis | None = None


@dataclass(frozen=True, eq=False)
class JudgedCube:
    """What somebody did about the cube, and what that was worth.

    Attributes:
        game: counted from 1 in the match.
        seat: who decided.
        action: NO_DOUBLE, DOUBLE, TAKE, PASS or BEAVER.
        spot: where.
        verdict: what was right, seen by the player on roll.
        loss: EMG given up at the cube before the decision, 0 or more.
        mwc_loss: the same as chances to win the match; 0 in money play.
        told: the verdict by the numbers in the file; None without any.
    """

    game: int
    seat: int
    action: str
    spot: CubeSpot
    verdict: CubeVerdict
    loss: float
    mwc_loss: float
    told: CubeVerdict | None = None

    @property
    def roll(self) -> int:
        """Rolls of the game before it."""
        return self.spot.roll

    @property
    def cube(self) -> int:
        """Value of the cube before a double."""
        return self.spot.stakes.cube

    @property
    def identifier(self) -> IdentifiedPosition:
        """The position, with the double on offer where that is answered."""
        if self.action in (NO_DOUBLE, DOUBLE):
            return self.spot.identifier
        match = self.spot.identifier.match
        return replace(self.spot.identifier, match=replace(match, turn=1 - match.on_roll, doubled=True))

    @property
    def words(self) -> str:
        """What was done, behind the name of who did it."""
        return _WORDS[self.action]

    @property
    def is_counted(self) -> bool:
        """XG's rule: every double and every answer; that nobody doubled counts unless it was obvious."""
        return is_counted(self.action, self.verdict)

    @property
    def is_close(self) -> bool:
        """GNU Backgammon's rule: every double and every answer; that nobody doubled counts where it was close."""
        return is_close(self.spot, self.verdict)

    @property
    def told_loss(self) -> float | None:
        """EMG given up by the numbers in the file."""
        return None if self.told is None else action_loss(self.action, self.told)

    @property
    def kind(self) -> str:
        """Which of ERROR_KINDS it is; "" for none."""
        if self.loss <= 0:
            return ""
        return {
            NO_DOUBLE: "missed double",
            DOUBLE: "wrong double",
            TAKE: "missed beaver" if self.verdict.is_take else "wrong take",
            PASS: "wrong pass",
            BEAVER: "wrong beaver",
        }[self.action]


def collect_spots(game: GameRolls) -> list[CubeSpot]:
    """The moments of a game at which the rules allowed a double, in order.

    Raises:
        StakesError: the log tells of a score or cube that cannot be.
    """
    spots: list[CubeSpot] = []
    for index in range(len(game) + 1):
        events = tuple(event for event in game.events if event.roll == index)
        if events:
            spots += _doubled_spots(game, events)
        elif index < len(game) and not (index == 0 and game.has_opening):
            stakes = game.stakes(index)
            notes = game.notes_of(index)
            identifier = game.identify(index)
            bare = replace(identifier, match=replace(identifier.match, dice=None))
            board, seat = game.decisions.boards[index], int(game.seats[index])
            spots.append(CubeSpot(index, seat, board, stakes, bare, (), notes.cube if notes else None))
    return [spot for spot in spots if spot.stakes.may_double]


def _doubled_spots(game: GameRolls, events: tuple[CubeEvent, ...]) -> Iterator[CubeSpot]:
    first = events[0]
    if first.action != DOUBLE:  # an answer to nothing
        return
    told = next((event.notes.cube for event in events if event.notes is not None and event.notes.cube), None)
    stakes = stakes_of(first.identifier.match, game.rules)
    board = first.position.board
    yield CubeSpot(first.roll, first.seat, board, stakes, first.identifier, events, told)


def judge_spot(game: int, spot: CubeSpot, verdict: CubeVerdict, valuation: Valuation) -> list[JudgedCube]:
    """What was done at a moment: a decision of the player on roll, and of the opponent if it had to answer.

    Args:
        game: its number.
        spot: the moment.
        verdict: on it.
        valuation: of its stakes.
    """
    told = told_verdict(spot, valuation)
    done = [(spot.seat, DOUBLE if spot.events else NO_DOUBLE)]
    if len(spot.events) > 1:
        done.append((spot.events[1].seat, spot.events[1].action))
    found = []
    for seat, action in done:
        loss = action_loss(action, verdict)
        found.append(JudgedCube(game, seat, action, spot, verdict, loss, valuation.mwc_cost(loss), told))
    return found


def action_loss(action: str, verdict: CubeVerdict) -> float:
    """EMG that an action gives up by a verdict, 0 or more."""
    if action in (NO_DOUBLE, DOUBLE):
        return verdict.loss(action == DOUBLE)
    return verdict.answer_loss(action != PASS, action == BEAVER)


def is_counted(action: str, verdict: CubeVerdict) -> bool:
    """XG's rule, see `JudgedCube.is_counted`."""
    if action != NO_DOUBLE:
        return True
    after = min(verdict.double_take, verdict.double_pass)
    return not verdict.is_optional and verdict.no_double - after <= XG_OBVIOUS


def is_close(spot: CubeSpot, verdict: CubeVerdict) -> bool:
    """GNU Backgammon's rule, see `JudgedCube.is_close`."""
    after = min(verdict.double_take, verdict.double_pass)
    return bool(spot.events) or max(verdict.no_double, after) - after < GNUBG_CLOSE


def told_verdict(spot: CubeSpot, valuation: Valuation) -> CubeVerdict | None:
    """The verdict by what another program wrote in the file; None where it does not say enough."""
    told = spot.analysis
    if told is None or told.no_double is None or told.double_take is None:
        return None
    no_double, double_take = told.no_double, told.double_take
    if told.is_mwc:
        no_double, double_take = (float(valuation.emg(value)) for value in (no_double, double_take))
    return CubeVerdict(spot.stakes, no_double, double_take, plies=told.level.plies or 0)
