"""What every form of the report says: the same lines, the same plays, the same words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from backgammon.analysis.candidate_table import play_text
from backgammon.analysis.figures import COUNTING_RULE, PlayerFigures, measure_players
from backgammon.analysis.judging import JudgedMatch, JudgedRoll
from backgammon.analysis.scales import GNUBG_MARKS, LUCK_MARKS, XG_MARKS, Mark
from backgammon.tools.intervals import Estimate

MAX_WORST = 10
"""Plays that are shown with their candidates."""

NOTES = (
    COUNTING_RULE,
    "equities are cubeless money points; a gammon counts 2 and a backgammon 3 also where the score says otherwise",
    "cube actions are listed and not judged",
    "[low, high] is the 95 % interval; each decision (for results: each game) counts as one observation",
    "checker error rate = 500 x equity lost / counted: no PR, which counts the cube too and judges at the score",
    "gnubg's scale = 1000 x equity lost / counted, Snowie rate = 1000 x equity lost / all rolls of both players",
    "luck is measured by the engine alone (0-ply); the result without luck is points won minus own luck plus the "
    "opponent's, each roll times the cube",
)
"""How to read the figures."""

ROLLOUT_NOTE = (
    "rollouts: +- is the 95 % interval of an equity; a play loses what the search says, moved into the 95 % interval "
    "of the difference that the rollouts of it and of the best play found"
)
"""One more, where it applies."""


@dataclass(frozen=True)
class Report:
    """A judged match with its figures.

    Attributes:
        match: every roll.
        players: figures by seat.
        worst: the plays that lost most, worst first; only those that lost something.
    """

    match: JudgedMatch
    players: tuple[PlayerFigures, PlayerFigures]
    worst: tuple[JudgedRoll, ...]


def make_report(match: JudgedMatch, num_worst: int = MAX_WORST) -> Report:
    """The report of a judged match, with at most `num_worst` plays shown."""
    losing = sorted((roll for roll in match.rolls if roll.loss > 0), key=lambda roll: -roll.loss)
    return Report(match, measure_players(match), tuple(losing[:num_worst]))


def notes_of(report: Report) -> tuple[str, ...]:
    """How to read this report."""
    has_rollouts = any(one.standard_error is not None for roll in report.match.rolls for one in roll.ranked)
    return (*NOTES, ROLLOUT_NOTE) if has_rollouts else NOTES


def title_of(report: Report) -> str:
    """One line: who played what."""
    match = report.match
    kind = f"{match.length}-point match" if match.length else "money play"
    name = PurePath(match.file).name
    return f"{match.players[0]} against {match.players[1]}, {kind}" + (f" ({name})" if name else "")


def judge_of(report: Report) -> str:
    """One line: who judged how much, and what of the log he did not use."""
    match = report.match
    games = len(match.games)
    counted = sum(player.counted for player in report.players)
    judged = f"judged by {match.engine}: {games} game{'s'[: games != 1]}, {len(match.rolls)} rolls, {counted} decisions"
    unused = "the score and the cube are" if match.length else "the cube is"
    return f"{judged}; cubeless money: {unused} not used"


def figure_rows(report: Report) -> list[tuple[str, str, str]]:
    """(what, seat 0, seat 1) for each figure, ready to be shown."""
    columns = [_figures(player) for player in report.players]
    return [(label, columns[0][label], columns[1][label]) for label in columns[0]]


def _figures(player: PlayerFigures) -> dict[str, str]:
    return {
        "rolls": str(player.rolls),
        "counted decisions": str(player.counted),
        "equity lost": f"{player.total_loss:.3f}",
        "checker error rate, cubeless money": estimate_text(player.checker_error_rate, 2),
        "the same by gnubg's scale": estimate_text(player.error_rate, 1),
        "Snowie rate": estimate_text(player.snowie_rate, 1),
        _marks_label("gnubg", GNUBG_MARKS): _counts(player.gnubg_marks),
        _marks_label("XG", XG_MARKS): _counts(player.xg_marks),
        "best play made, %": estimate_text(_percent(player.agreement), 1),
        "luck, equity points": estimate_text(player.luck, 3, signed=True),
        _LUCK_LABEL: _counts(player.luck_marks),
        "points won (lost: -)": f"{player.points:+d} in {player.games} game{'s'[: player.games != 1]}",
        "points without luck": estimate_text(player.adjusted, 2, signed=True),
    }


_LUCK_LABEL = (
    f"rolls very lucky / lucky / unlucky / very unlucky ({', '.join(f'{mark.least:g}' for mark in LUCK_MARKS)})"
)


def _marks_label(program: str, marks: tuple[Mark, ...]) -> str:
    names = " / ".join(f"{mark.name} {mark.sign}" for mark in marks)
    return f"{names} ({program}: {', '.join(f'{mark.least:.3f}' for mark in marks)})"


def _counts(counts: dict[str, int]) -> str:
    return " / ".join(map(str, counts.values()))


def _percent(share: Estimate) -> Estimate:
    bounds = [None if bound is None else 100 * bound for bound in (share.low, share.high)]
    return Estimate(100 * share.value, *bounds)


def estimate_text(estimate: Estimate, digits: int, signed: bool = False) -> str:
    """A figure with its interval, "-" when there is nothing to measure.

    >>> estimate_text(Estimate(5.26, 5.12, 5.4), 2)
    '5.26 [5.12, 5.40]'
    """
    if estimate.value != estimate.value:
        return "-"
    sign = "+" if signed else ""
    text = f"{estimate.value:{sign}.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{estimate.low:{sign}.{digits}f}, {estimate.high:{sign}.{digits}f}]"


def roll_text(report: Report, roll: JudgedRoll) -> str:
    """One line about a roll: who, when, what, and what it cost."""
    played = play_text(roll.decision, roll.chosen.row)
    best = "" if roll.is_best else f", best {play_text(roll.decision, roll.ranked[0].row)}"
    name = report.match.players[roll.seat]
    return f"game {roll.game}, roll {roll.roll + 1}: {name} {roll.decision.roll}: {played} {-roll.loss:+.3f}{best}"


def cube_texts(report: Report) -> list[str]:
    """One line about each cube action."""
    return [
        f"game {game.number}, before roll {event.roll + 1}: {report.match.players[event.seat]} {event.word} "
        f"(cube {event.cube}), {event.identifier.xgid}"
        for game in report.match.games
        for event in game.events
    ]


def problem_texts(report: Report) -> list[str]:
    """One line about each game that could not be followed to its end."""
    return [f"game {game.number}: the rest is missing: {game.problem}" for game in report.match.games if game.problem]
