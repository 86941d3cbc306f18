"""The tutor at the table of `play`: speaks before the turn goes on, and offers to take back."""

from __future__ import annotations

from dataclasses import dataclass

from backgammon.analysis.tutor import CubeLoss, PlayVerdict, Tutor
from backgammon.cli.terminal import Terminal
from backgammon.table.session import Session


@dataclass(frozen=True)
class TutorTalk:
    """A tutor that speaks up from some loss on.

    Attributes:
        tutor: judges.
        limit: equity.
    """

    tutor: Tutor
    limit: float

    def lets_play(self, session: Session, row: int, terminal: Terminal) -> bool:
        """False when the person takes back the play that it is about to make."""
        return self._lets(self.tutor.judge_play(session, row), terminal)

    def lets_turn(self, session: Session, action: str, terminal: Terminal) -> bool:
        """False when the person takes back what it is about to do with the cube, see `tutor.CUBE_ACTIONS`."""
        found = self.tutor.judge_cube(session, action)
        return found is None or self._lets(found, terminal)

    def _lets(self, found: PlayVerdict | CubeLoss, terminal: Terminal) -> bool:
        if found.loss < self.limit:
            return True
        for line in found.lines():
            terminal.say(line, "problem" if line[0] != " " else "model")
        return terminal.ask("Take it back? [Y/n]").lower() in ("n", "no")
