"""What an engine does at a table with the cube: doubles, answers, and plays that suit the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import Noise, Player
from backgammon.rules.game import Stage
from backgammon.table.session import Session, Turn
from backgammon.tools.arrays import Boards, Dice, Int64s


@dataclass(frozen=True)
class CubeSeat:
    """A player with somebody to ask about the cube.

    Attributes:
        player: chooses the plays where `plays` is None.
        cube: decides whether to double, take and beaver.
        plays: chooses plays by their value at the score and cube; None where the player is to err as it does.
    """

    player: Player
    cube: StakesEngine
    plays: StakesEngine | None = None

    @property
    def name(self) -> str:
        """The player's name."""
        return self.player.name

    def decide_cubes(self, boards: Boards, stakes: Sequence[Stakes]) -> list[CubeVerdict]:
        """See `cube_games.CubePlayer`."""
        return self.cube.decide_cubes(boards, stakes)

    def choose_plays(self, boards: Boards, dice: Dice, stakes: Sequence[Stakes], noise: Noise) -> Int64s:
        """See `cube_games.CubePlayer`."""
        if self.plays is None:
            return self.player.choose(boards, dice, noise)
        return self.plays.choose(boards, dice, stakes)

    def doubles(self, session: Session) -> bool:
        """Whether to double before this roll; the rules allow it."""
        return self.cube.decide_cube(session.state.position.board, session.stakes).is_double

    def answer(self, session: Session) -> None:
        """Take, drop or beaver the double on offer."""
        verdict = self.cube.decide_cube(session.state.position.board, session.stakes)
        if verdict.is_beaver:
            session.beaver()
        elif verdict.is_take:
            session.take()
        else:
            session.drop()

    def raccoons(self, session: Session) -> bool:
        """Whether to answer a beaver by doubling yet again: by its own lights it is the favourite."""
        return self.cube.value_of_rolling(session.state.position.board, session.stakes) > 0

    def play(self, session: Session) -> Turn:
        """Play the roll."""
        decision = session.decision()
        if self.plays is None or decision.is_forced:
            return session.play(session.ask(self.player))
        return session.play(self.plays.rank_plays(decision, session.stakes)[0].row)


@dataclass(frozen=True)
class PlainSeat:
    """A player that knows no cube: it never doubles and takes every double.

    Attributes:
        player: chooses the plays.
    """

    player: Player

    def doubles(self, session: Session) -> bool:  # noqa: ARG002 - as `CubeSeat`
        """Never."""
        return False

    def answer(self, session: Session) -> None:
        """Take the double on offer."""
        session.take()

    def play(self, session: Session) -> Turn:
        """Play the roll."""
        return session.play(session.ask(self.player))


def act(session: Session, seats: tuple[CubeSeat, CubeSeat]) -> None:
    """The next action of a session between two engines: a double, an answer, dice, a play or the next game.

    Args:
        session: with the cube, not over.
        seats: by number.
    """
    if session.state.is_over:
        session.next_game()
    elif session.state.stage is Stage.DOUBLED:
        seats[session.state.seat_to_act].answer(session)
    elif session.state.stage is Stage.PLAY:
        seats[session.state.turn].play(session)
    elif session.can_raccoon and seats[session.state.turn].raccoons(session):
        session.raccoon()
    elif session.may_double and seats[session.state.turn].doubles(session):
        session.double()
    else:
        session.throw_dice()
