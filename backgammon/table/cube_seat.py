"""What an engine does at a table with the cube: doubles, answers, and plays that suit the score."""

from __future__ import annotations

from dataclasses import dataclass

from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import Player
from backgammon.rules.game import Stage
from backgammon.table.session import Session, Turn


@dataclass(frozen=True)
class CubeSeat:
    """A player with somebody to ask about the cube.

    Attributes:
        player: chooses the plays of money games, and of matches where `plays` is None.
        cube: decides whether to double, take and beaver.
        plays: chooses the plays of matches by their value at the score; None where the player is to err as it does.
    """

    player: Player
    cube: StakesEngine
    plays: StakesEngine | None = None

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

    def play(self, session: Session) -> Turn:
        """Play the roll."""
        decision = session.decision()
        if self.plays is None or not session.stakes.is_match or decision.is_forced:
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
    elif session.may_double and seats[session.state.turn].doubles(session):
        session.double()
    else:
        session.throw_dice()
