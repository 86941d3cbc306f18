"""The tutor: what a play or an action with the cube gives up, before the turn goes on; in terminal and browser alike.

Equities are cubeful, of the player who decides, at the score of the game: EMG in a match, points per cube for money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backgammon.analysis.candidate_table import chances_text, play_text
from backgammon.analysis.difference import describe_difference
from backgammon.analysis.scales import XG_MARKS, find_mark
from backgammon.analysis.stakes_table import verdict_fields
from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.engine.at_stakes import PlayAtStakes, StakesEngine
from backgammon.evaluation.outcome import cumulative
from backgammon.rules.decision import Decision
from backgammon.rules.game import Stage
from backgammon.table.session import Session

LEAST_LOSS = 0.02
"""Equity from which on the tutor speaks up, where the person has not said otherwise: XG's threshold of an error."""

CUBE_ACTIONS = ("roll", "double", "take", "beaver", "drop")


@dataclass(frozen=True)
class PlayVerdict:
    """What a play gives up.

    Attributes:
        loss: equity, 0 or more.
        ranked: every candidate, best first.
        decision: with the play that was chosen.
    """

    loss: float
    ranked: Sequence[PlayAtStakes]
    decision: Decision

    @property
    def best(self) -> PlayAtStakes:
        """The best candidate."""
        return self.ranked[0]

    @property
    def chosen(self) -> PlayAtStakes:
        """The candidate that was chosen."""
        return next(one for one in self.ranked if one.row == self.decision.chosen)

    @property
    def difference(self) -> str:
        """One sentence on what the best play has over the chosen one."""
        return describe_difference(self.decision, self.best.row, self.chosen.row)

    def as_dict(self) -> dict[str, Any]:
        """Plain values: the loss, its mark, the best play and the one that was made, and what differs."""
        return {
            "kind": "play",
            "loss": round(self.loss, 5),
            "mark": mark_of(self.loss),
            "row": self.chosen.row,
            "best": candidate_fields(self.decision, self.best),
            "played": candidate_fields(self.decision, self.chosen),
            "difference": self.difference if self.loss > 0 else "",
        }

    def lines(self) -> list[str]:
        """The same for a terminal."""
        rows = [(play_text(self.decision, one.row), one) for one in (self.best, self.chosen)]
        width = max(len(text) for text, _ in rows)
        return [
            f"That costs {self.loss:.3f}{_mark_text(self.loss)}. Best is {rows[0][0]}: {self.difference}",
            *(f"  {text:{width}}  {one.equity:+.3f}  {chances_text(one.outcomes)}" for text, one in rows),
        ]


@dataclass(frozen=True)
class CubeLoss:
    """What an action with the cube gives up.

    Attributes:
        action: one of CUBE_ACTIONS.
        loss: equity, 0 or more.
        verdict: on the decision.
        fields: of `stakes_table.verdict_fields`.
    """

    action: str
    loss: float
    verdict: CubeVerdict
    fields: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        loss, mark = round(self.loss, 5), mark_of(self.loss)
        return {"kind": "cube", "action": self.action, "loss": loss, "mark": mark, "cube": self.fields}

    def lines(self) -> list[str]:
        """The same for a terminal."""
        names = ("no double", "double, take", "double, pass")
        values = ", ".join(f"{name} {value:+.3f}" for name, value in zip(names, self.verdict.equities, strict=True))
        return [f"That costs {self.loss:.3f}{_mark_text(self.loss)}. Right is: {self.verdict.wording}.", f"  {values}"]


class Tutor:
    """Judges what a person is about to do."""

    def __init__(self, engine: StakesEngine) -> None:
        """Take an engine at the depth that the tutor looks."""
        self.engine = engine

    def judge_play(self, session: Session, row: int) -> PlayVerdict:
        """What a play of the roll gives up."""
        chosen = session.decision().choose(row)
        ranked = self.engine.rank_plays(chosen, session.stakes, by_equity=True)
        margin = next(one.margin for one in ranked if one.row == row)
        return PlayVerdict(max(0.0, margin), ranked, chosen)

    def judge_cube(self, session: Session, action: str) -> CubeLoss | None:
        """What an action with the cube gives up; None where there is nothing to decide.

        Args:
            session: before the roll, or with a double on offer.
            action: one of CUBE_ACTIONS; "roll" is not to double.
        """
        if session.state.stage is not Stage.DOUBLED and not session.may_double:
            return None
        verdict = self.engine.decide_cube(session.state.position.board, session.stakes)
        is_own = action in ("roll", "double")
        loss = verdict.loss(action == "double") if is_own else verdict.answer_loss(action != "drop")
        return CubeLoss(action, loss, verdict, verdict_fields(verdict, self.engine.valuation(verdict.stakes)))


def mark_of(loss: float) -> str | None:
    """XG's word for a loss, None below all of them."""
    mark = find_mark(loss, XG_MARKS)
    return mark.name if mark else None


def _mark_text(loss: float) -> str:
    mark = mark_of(loss)
    return f" ({mark})" if mark else ""


def candidate_fields(decision: Decision, one: PlayAtStakes) -> dict[str, Any]:
    """A judged candidate as plain values."""
    return {
        "row": one.row,
        "play": play_text(decision, one.row),
        "moves": [[move.source, move.target, int(move.is_hit)] for move in decision.plays[one.row]],
        "equity": round(one.equity, 5),
        "mwc": None if one.mwc is None else round(one.mwc, 5),
        "behind": round(one.margin, 5),
        "level": f"{one.ply}-ply",
        "chances": [round(float(value), 5) for value in cumulative(one.outcomes).tolist()],
    }
