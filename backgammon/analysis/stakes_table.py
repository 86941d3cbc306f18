"""Plays and cube decisions at a score and cube as lines of text, and as fields for programs.

Equities are EMG of the player on roll (in money play points per unit of the cube), cubeful.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backgammon.analysis.candidate_table import chances_text, heading_of, order_note, play_text
from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import OPPONENT, OWN, Stakes
from backgammon.cube.valuation import Unit, Valuation, Value
from backgammon.cube.window import market_window
from backgammon.engine.at_stakes import PlayAtStakes
from backgammon.engine.stakes_rollout import RolledVerdict
from backgammon.evaluation.outcome import cumulative
from backgammon.rules.decision import Decision
from backgammon.tools.intervals import NORMAL_REACH

_SIDE_NAMES = {OWN: "owned by the player on roll", OPPONENT: "owned by the opponent"}


def stakes_text(stakes: Stakes) -> str:
    """Score, cube and rules in words.

    >>> stakes_text(Stakes(7, (3, 5), 2, OWN))
    '4-away 2-away, cube 2 owned by the player on roll'
    """
    if stakes.is_match:
        score = f"{stakes.away[0]}-away {stakes.away[1]}-away"
        if stakes.is_crawford:
            return f"{score}, Crawford game"
    else:
        score = "money"
    rules = [name for name, used in (("Jacoby", stakes.has_jacoby), ("beavers", stakes.has_beavers)) if used]
    owner = _SIDE_NAMES.get(stakes.owner, "centred")
    return ", ".join([score, f"cube {stakes.cube} {owner}", *rules])


def gammon_text(valuation: Valuation) -> str:
    """What gammons are worth at the score, beside .50 in money play."""
    own, theirs = valuation.gammon_values
    return f"gammon value {own:.2f} for the player on roll, {theirs:.2f} for the opponent (money .50)"


def stakes_lines(decision: Decision, plays: Sequence[PlayAtStakes], limit: int | None = None) -> list[str]:
    """A line for each play, best first, under a heading.

    Args:
        decision: its candidates.
        plays: ranked.
        limit: so many of the best; None for all.
    """
    shown = plays[:limit]
    width = max(len(play_text(decision, play.row)) for play in shown)
    has_mwc = plays[0].mwc is not None
    depths = 5 if plays[0].standard_error is None else 7
    lines = [heading_of(is_cubeful=True, has_match=has_mwc)]
    if plays[0].games:
        lines.append(
            f"± half the 95 % interval, of chance alone, of a rollout of {plays[0].games:,} games; the others by search"
        )
    for place, play in enumerate(shown, start=1):
        text = play_text(decision, play.row).ljust(width)
        is_alike = (play.ply, bool(play.games)) == (plays[0].ply, bool(plays[0].games)) and place > 1
        behind = f"({-play.margin:+.3f})" if is_alike else ""
        mwc = f"{100 * play.mwc:6.2f}  " if play.mwc is not None else ""
        chances = chances_text(play.outcomes)
        depth = f"{play.ply}-ply" if play.standard_error is None else f"± {NORMAL_REACH * play.standard_error:.3f}"
        lines.append(f" {place:3}  {text}  {depth:{depths}}  {play.equity:+.3f} {behind:8}  {mwc}{chances}")
    if not plays[0].games:
        lines += filter(None, [order_note([(play.ply, play.equity) for play in shown])])
    return lines


def verdict_lines(verdict: CubeVerdict, valuation: Valuation, is_offered: bool = False) -> list[str]:
    """What a cube decision comes to, the proper action last.

    Args:
        verdict: with outcomes.
        valuation: of its stakes.
        is_offered: the double has been made and is to be answered.
    """
    verb = "redouble" if verdict.stakes.owner == OWN else "double"
    names = (f"no {verb}", f"{verb}, take", f"{verb}, pass")
    chances = verdict.mwc or (None, None, None)
    lines = [f"cube decision, {verdict.plies}-ply, cubeful equity (EMG)"]
    for name, equity, mwc in zip(names, verdict.equities, chances, strict=True):
        won = f"  {Value(mwc, Unit.MWC)}" if mwc is not None else ""
        lines.append(f"  {name:15} {equity:+.3f}{won}")
    if verdict.outcomes is not None:
        window = market_window(valuation, verdict.outcomes)
        lines += [
            f"chances in %: {chances_text(verdict.outcomes)}",
            f"take point {100 * window.take_point:.1f} %, cash point {100 * window.cash_point:.1f} %, "
            f"too good beyond {100 * window.too_good_point:.1f} %",
        ]
    lines.append(gammon_text(valuation))
    if is_offered:
        answer = "beaver" if verdict.is_beaver else "take" if verdict.is_take else "pass"
        return [*lines, f"proper answer: {answer}"]
    return [*lines, f"proper action: {verdict.wording}"]


def rolled_line(rolled: RolledVerdict) -> str:
    """How exact a cube decision is that was rolled out."""
    reach = [NORMAL_REACH * one.standard_error for one in (rolled.no_double, rolled.double_take)]
    return (
        f"rolled out, {rolled.no_double.num_games:,} games each on the same dice: "
        f"± {reach[0]:.3f} and ± {reach[1]:.3f}, their difference ± {NORMAL_REACH * rolled.joint_error:.3f} (95 %); "
        "chances are those of the search"
    )


def rolled_fields(rolled: RolledVerdict) -> dict[str, Any]:
    """The same for programs."""
    return {
        "games": rolled.no_double.num_games,
        "standard_errors": [rolled.no_double.standard_error, rolled.double_take.standard_error],
        "joint_error": rolled.joint_error,
    }


def verdict_fields(verdict: CubeVerdict, valuation: Valuation) -> dict[str, Any]:
    """The same for programs."""
    fields: dict[str, Any] = {
        "action": verdict.action,
        "wording": verdict.wording,
        "double": verdict.is_double,
        "take": verdict.is_take,
        "equities": [round(value, 6) for value in verdict.equities],
        "mwc": None if verdict.mwc is None else [round(value, 6) for value in verdict.mwc],
        "ply": verdict.plies,
        "gammon_values": [round(value, 6) for value in valuation.gammon_values],
    }
    if verdict.outcomes is not None:
        window = market_window(valuation, verdict.outcomes)
        fields["chances"] = [round(value, 6) for value in cumulative(verdict.outcomes).tolist()]
        fields["take_point"] = round(window.take_point, 6)
        fields["cash_point"] = round(window.cash_point, 6)
        fields["too_good_point"] = round(window.too_good_point, 6)
    return fields
