"""Ranked candidates as lines of text: what a player reads in a hint and in a report."""

from __future__ import annotations

from collections.abc import Sequence

from backgammon.evaluation.outcome import Outcomes, cumulative
from backgammon.notation.play_text import format_play
from backgammon.rules.decision import Decision
from backgammon.search import RankedCandidate

_CHANCES = "chances in %: win, gammon or more, backgammon - the same for losing"


def heading_of(is_cubeful: bool, has_match: bool) -> str:
    """What the columns of `candidate_lines` are."""
    if not is_cubeful:
        return f"cubeless equity (+- 95 %, of chance alone), (behind the best at the same depth), {_CHANCES}"
    mwc = "match won in %, " if has_match else ""
    return f"cubeful equity (EMG), (behind the best at the same depth), {mwc}{_CHANCES}"


def candidate_lines(decision: Decision, ranked: Sequence[RankedCandidate], limit: int | None = None) -> list[str]:
    """A line for each candidate, best first; the chosen one is marked and always among them.

    Args:
        decision: its `chosen` is marked with a star, if there is one.
        ranked: its candidates, best first.
        limit: so many of the best; None for all.
    """
    shown = [place for place, one in enumerate(ranked) if limit is None or place < limit or one.row == decision.chosen]
    texts = {place: play_text(decision, ranked[place].row) for place in shown}
    width = max(map(len, texts.values()))
    return [_line(place, texts[place].ljust(width), ranked, decision.chosen) for place in shown]


def order_note(shown: Sequence[tuple[int, float]]) -> str:
    """Why plays are not in the order of the numbers beside them; nothing where they are.

    Args:
        shown: ply and equity of each play, in the order of the list.
    """
    if list(shown) == sorted(shown, reverse=True):
        return ""
    return "the plays are in the order of the model's preference, which is surer than the equities shown"


def play_text(decision: Decision, row: int) -> str:
    """The play of a candidate; "no legal play" for a dance."""
    return format_play(decision.plays[row]) or "no legal play"


def _line(place: int, text: str, ranked: Sequence[RankedCandidate], chosen: int | None) -> str:
    one = ranked[place]
    mark = "*" if one.row == chosen else " "
    behind = behind_text(ranked[0], one)
    behind = f"({behind})" if behind else ""
    chances = chances_text(one.outcomes)
    if one.mwc is not None:
        chances = f"{100 * one.mwc:6.2f}  {chances}"
    return f"{mark}{place + 1:3}  {text}  {level_text(one):7}  {equity_text(one)} {behind:8}  {chances}"


def behind_text(best: RankedCandidate, one: RankedCandidate) -> str:
    """What a candidate is behind the best; nothing for the best, and for one judged otherwise: these do not compare."""
    is_alike = (one.ply, one.standard_error is None) == (best.ply, best.standard_error is None)
    return f"{one.equity - best.equity:+.3f}" if is_alike and one is not best else ""


def level_text(one: RankedCandidate) -> str:
    """How a candidate was judged."""
    return f"{one.ply}-ply" if one.standard_error is None else "rollout"


def equity_text(one: RankedCandidate) -> str:
    """Equity, of a rollout with half of its 95 % interval."""
    reach = "" if one.half_width is None else f" +-{one.half_width:.3f}"
    return f"{one.equity:+.3f}{reach}"


def chances_text(outcomes: Outcomes) -> str:
    """Chances in per cent as all programs show them: `55.2 16.9  0.9 - 44.8 12.5  0.6`, gammons with backgammons.

    Args:
        outcomes: float32[6].
    """
    shown = [max(0.0, 100 * value) for value in cumulative(outcomes).tolist()]  # a rollout without luck may fall below
    win, gammon, backgammon, lose_gammon, lose_backgammon = shown
    return f"{win:4.1f} {gammon:4.1f} {backgammon:4.1f} - {100 - win:4.1f} {lose_gammon:4.1f} {lose_backgammon:4.1f}"
