"""What every form of the report says: the same lines, the same plays, the same words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from backgammon.analysis.candidate_table import chances_text, play_text
from backgammon.analysis.cube_figures import CubeFigures
from backgammon.analysis.cube_spots import DOUBLE, NO_DOUBLE, JudgedCube
from backgammon.analysis.figures import PlayerFigures, measure_players
from backgammon.analysis.judging import JudgedMatch, JudgedRoll
from backgammon.analysis.logged_rolls import CUBE_WORDS
from backgammon.analysis.scales import GNUBG_MARKS, LUCK_MARKS, XG_MARKS, Mark
from backgammon.tools.intervals import Estimate
from backgammon.tools.quoting import one_line

MAX_WORST = 10
"""Plays and cube decisions that are shown in full."""

_INTERVAL_NOTE = "[low, high] is the 95 % interval; each decision (for results: each game) counts as one observation"
_GNUBG_NOTE = (
    "gnubg's scale = 1000 x equity lost / decisions, Snowie rate = 1000 x equity lost / all rolls of both players"
)
_COUNTING_NOTE = (
    "counted: every roll with two or more different positions to choose from; forced plays, dances and cube actions "
    "are not"
)
CUBELESS_NOTES = (
    _COUNTING_NOTE,
    "equities are cubeless money points; a gammon counts 2 and a backgammon 3 also where the score says otherwise",
    "cube actions are listed and not judged",
    _INTERVAL_NOTE,
    "checker error rate = 500 x equity lost / counted: no PR, which counts the cube too and judges at the score",
    _GNUBG_NOTE,
    "luck is measured by the engine alone (0-ply); the result without luck is points won minus own luck plus the "
    "opponent's, each roll times the cube",
)
"""How to read the figures without score and cube."""

CUBEFUL_NOTES = (
    "equities are EMG: cubeful, at the score, -1 for losing the cube as it stands and +1 for winning it; in money play "
    "points per unit of the cube",
    "PR = 500 x equity lost / decisions by XG's rule: plays whose candidates differ by .001 or more, doubles, answers, "
    "and not to double unless that was .200 better or the same",
    "gnubg's rates = 1000 x equity lost / unforced plays, doubles, answers and close (.160) decisions not to double",
    "Snowie rate = 1000 x equity lost / all rolls of both players",
    "the doubler is judged as if the opponent answers best, the answer whether the double was right or not; "
    "resignations are not judged",
    "luck is measured by the engine alone (0-ply, cubeful); the result without luck is what was won minus own luck "
    "plus the opponent's",
    _INTERVAL_NOTE,
)
"""How to read the figures of a judge that knows score and cube."""

ROLLOUT_NOTE = (
    "rollouts: +- is the 95 % interval of an equity; a play loses what the search says, moved into the 95 % interval "
    "of the difference that the rollouts of it and of the best play found; cube decisions that were made or close are "
    "rolled out with a live cube, and their values moved likewise"
)
"""One more, where it applies."""


@dataclass(frozen=True)
class Report:
    """A judged match with its figures.

    Attributes:
        match: every roll.
        players: figures by seat.
        worst: the plays and cube decisions that lost most, worst first; only those that lost something.
    """

    match: JudgedMatch
    players: tuple[PlayerFigures, PlayerFigures]
    worst: tuple[JudgedRoll | JudgedCube, ...]


def make_report(match: JudgedMatch, num_worst: int = MAX_WORST) -> Report:
    """The report of a judged match, with at most `num_worst` decisions shown."""
    every: list[JudgedRoll | JudgedCube] = [*match.rolls, *match.cubes]
    losing = sorted((one for one in every if one.loss > 0), key=lambda one: -one.loss)
    return Report(match, measure_players(match), tuple(losing[:num_worst]))


def notes_of(report: Report) -> tuple[str, ...]:
    """How to read this report."""
    notes = CUBEFUL_NOTES if report.match.is_cubeful else CUBELESS_NOTES
    has_rollouts = any(one.standard_error is not None for roll in report.match.rolls for one in roll.ranked)
    return (*notes, ROLLOUT_NOTE) if has_rollouts else notes


def title_of(report: Report) -> str:
    """One line: who played what."""
    match = report.match
    kind = f"{match.length}-point match" if match.length else "money play"
    name = one_line(PurePath(match.file).name)
    first, second = map(one_line, match.players)
    return f"{first} against {second}, {kind}" + (f" ({name})" if name else "")


def judge_of(report: Report) -> str:
    """One line: who judged how much, and what of the log he did or did not use."""
    match = report.match
    games = len(match.games)
    counted = sum(player.counted for player in report.players)
    judged = f"judged by {match.engine}: {games} game{'s'[: games != 1]}, {len(match.rolls)} rolls, {counted} plays"
    if not match.is_cubeful:
        unused = "the score and the cube are" if match.length else "the cube is"
        return f"{judged}; cubeless money: {unused} not used"
    cubes = f"{sum(one.cube.pr_cubes for one in report.players if one.cube)} cube decisions"
    if match.length:
        return f"{judged} and {cubes}, at the score and with the cube"
    names = (("Jacoby", match.rules.has_jacoby), ("beavers", match.rules.has_beavers))
    rules = " and ".join(f"{'' if used else 'no '}{name}" for name, used in names)
    return f"{judged} and {cubes}, money with the cube, {rules}"


def figure_rows(report: Report) -> list[tuple[str, str, str]]:
    """(what, seat 0, seat 1) for each figure, ready to be shown."""
    columns = [_figures(player, report.match) for player in report.players]
    return [(label, columns[0][label], columns[1][label]) for label in columns[0]]


def _figures(player: PlayerFigures, match: JudgedMatch) -> dict[str, str]:
    cube = player.cube
    heads = {"rolls": str(player.rolls)}
    if cube is None:
        losses = {
            "counted decisions": str(player.counted),
            "equity lost": f"{player.total_loss:.3f}",
            "checker error rate, cubeless money": estimate_text(player.checker_error_rate, 2),
            "the same by gnubg's scale": estimate_text(player.error_rate, 1),
        }
    else:
        losses = _stakes_figures(player, cube, match.rules.has_beavers)
    results = {
        "luck, equity points": estimate_text(player.luck, 3, signed=True),
        _LUCK_LABEL: _counts(player.luck_marks),
        "points won (lost: -)": f"{player.points:+d} in {player.games} game{'s'[: player.games != 1]}",
        "points without luck": estimate_text(player.adjusted, 2, signed=True),
    }
    return {
        **heads,
        **losses,
        "Snowie rate": estimate_text(player.snowie_rate, 1),
        _marks_label("gnubg", GNUBG_MARKS): _counts(player.gnubg_marks),
        _marks_label("XG", XG_MARKS): _counts(player.xg_marks),
        "best play made, %": estimate_text(_percent(player.agreement), 1),
        **results,
        **(_chances(cube) if cube is not None and match.length else {}),
    }


def _stakes_figures(player: PlayerFigures, cube: CubeFigures, has_beavers: bool) -> dict[str, str]:
    """What was lost, at the score and with the cube."""
    words = f" {cube.pr_word}" if cube.pr_word else ""
    gnubg_word = f" {cube.overall_word}" if cube.overall_word else ""
    told = "-" if cube.told_pr is None else f"{cube.told_pr:.2f} of {cube.told_decisions}"
    kinds = {kind: f"{count} ({lost:.3f})" for kind, (count, lost) in cube.errors.items()}
    figures = {
        "decisions: plays, cube (XG's rule)": f"{cube.pr_plays}, {cube.pr_cubes}",
        "PR": estimate_text(cube.pr, 2) + words,
        "PR of the plays": estimate_text(cube.checker_pr, 2),
        "PR of the cube": estimate_text(cube.cube_pr, 2),
        "PR by the numbers in the file": told,
        "equity lost: plays, cube": f"{player.total_loss:.3f}, {cube.cube_loss:.3f}",
        "missed doubles, wrong doubles": f"{kinds['missed double']}, {kinds['wrong double']}",
        "wrong takes, wrong passes": f"{kinds['wrong take']}, {kinds['wrong pass']}",
        "missed beavers, wrong beavers": f"{kinds['missed beaver']}, {kinds['wrong beaver']}",
        "doubles, takes, passes": ", ".join(map(str, cube.actions)),
        "gnubg's rate of the plays": f"{estimate_text(player.error_rate, 1)} of {player.counted}",
        "gnubg's rate of the cube": f"{estimate_text(cube.cube_rate, 1)} of {cube.close_cubes}",
        "gnubg's overall rate": estimate_text(cube.overall_rate, 1) + gnubg_word,
    }
    return {label: text for label, text in figures.items() if "beaver" not in label or has_beavers}


def _chances(cube: CubeFigures) -> dict[str, str]:
    """What was lost and won in chances of the match, per cent."""
    lost, luck, won = (None if value is None else 100 * value for value in (cube.mwc_lost, cube.mwc_luck, cube.mwc_won))
    adjusted = "-" if cube.mwc_adjusted is None else estimate_text(_percent(cube.mwc_adjusted), 2, signed=True)
    return {
        "match-winning chances lost, %": "-" if lost is None else f"{lost:.2f}",
        "luck in these, %": "-" if luck is None else f"{luck:+.2f}",
        "won in these, %": "-" if won is None else f"{won:+.2f}",
        "won without luck, %": adjusted,
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
    lost = f"{-roll.loss:+.3f}{_mwc_text(roll.mwc_loss)}"
    return f"game {roll.game}, roll {roll.roll + 1}: {name} {roll.decision.roll}: {played} {lost}{best}"


def cube_text(report: Report, cube: JudgedCube) -> str:
    """One line about a cube decision: who, when, what, what it cost and what was right."""
    name = report.match.players[cube.seat]
    lost = f" {-cube.loss:+.3f}{_mwc_text(cube.mwc_loss)}" if cube.loss > 0 else ""
    kind = f" ({cube.kind})" if cube.kind else ""
    at = f"game {cube.game}, before roll {cube.roll + 1}"
    value = f" to {2 * cube.cube}" if cube.action == DOUBLE else ""
    return f"{at}: {name} {cube.words}{value}{lost}{kind}, right: {cube.verdict.wording}"


def cube_value_lines(cube: JudgedCube) -> list[str]:
    """The three values of a cube decision, ours and those in the file, for the player on roll."""
    verdict = cube.verdict
    chances = verdict.mwc or (None, None, None)
    names = ("no double", "double, take", "double, pass")
    parts = [
        f"{name} {equity:+.3f}" + ("" if mwc is None else f" ({100 * mwc:.2f} %)")
        for name, equity, mwc in zip(names, verdict.equities, chances, strict=True)
    ]
    lines = [f"     {verdict.plies}-ply  {', '.join(parts)}"]
    if verdict.outcomes is not None:
        lines[0] += f"  {chances_text(verdict.outcomes)}"
    if cube.told is not None and cube.told_loss is not None:
        values = ", ".join(f"{equity:+.3f}" for equity in cube.told.equities)
        level = cube.spot.analysis.level if cube.spot.analysis else ""
        lines.append(f"     in the file ({level}): {values}; {cube.told.wording}; lost {cube.told_loss:.3f}")
    return lines


def _mwc_text(lost: float) -> str:
    return f" ({-100 * lost:+.2f} % MWC)" if lost > 0 else ""


def cube_texts(report: Report) -> list[str]:
    """One line about each thing that was done with the cube, and about each double that was missed."""
    if not report.match.is_cubeful:
        return [
            f"game {game.number}, before roll {event.roll + 1}: {report.match.players[event.seat]} "
            f"{CUBE_WORDS[event.action]} (cube {event.cube}), {event.identifier.xgid}"
            for game in report.match.games
            for event in game.events
        ]
    return [cube_text(report, cube) for cube in report.match.cubes if cube.action != NO_DOUBLE or cube.loss > 0]


def problem_texts(report: Report) -> list[str]:
    """One line about each game that could not be followed to its end."""
    return [f"game {game.number}: the rest is missing: {game.problem}" for game in report.match.games if game.problem]
