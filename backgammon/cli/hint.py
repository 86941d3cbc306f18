"""`pairgammon hint`: the best plays of a position that is pasted in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand, model_option

if TYPE_CHECKING:
    from backgammon.learner.net.scorer import Scorer
    from backgammon.notation.identifier import IdentifiedPosition
    from backgammon.rules.decision import Decision
    from backgammon.search import RankedCandidate

DEFAULT_COUNT = 10


@click.command(
    cls=ExampleCommand,
    short_help="Show the best plays of a position.",
    examples=(
        ("pairgammon hint 4HPwATDgc/ABMA --dice 31", "a GNU Position ID, with the dice"),
        ("pairgammon hint XGID=-b----E-C---eE---c-e----B-:0:0:1:52:0:0:0:0:10 --ply 2", "an XGID, with look-ahead"),
    ),
)
@click.argument("text", metavar="ID")
@click.option("--dice", metavar="DICE", help="The roll, for instance 31; without it the one in the ID.")
@model_option
@depth_options
@click.option("--count", type=click.IntRange(min=1), default=DEFAULT_COUNT, show_default=True, help="Plays to show.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every play.")
def command(text: str, dice: str | None, model: str | None, depth: Depth, count: int, as_json: bool) -> None:
    """Show a position and its plays, best first.

    ID is a GNU Position ID, PositionID:MatchID or an XGID, as other programs copy it. With a model that was trained
    with outcomes every play has its cubeless equity, the depth at which it was judged and its chances; other models
    only say what they prefer.
    """
    from backgammon.notation.identifier import parse_identifier
    from backgammon.rules.decision import Decision
    from backgammon.rules.dice import parse_roll
    from backgammon.tools.errors import ConfigError

    found = parse_identifier(text)
    roll = parse_roll(dice) if dice else found.match.dice
    if roll is None:
        raise ConfigError(f"{text}: the dice are not in it; add for instance --dice 31")
    decision = Decision.make(found.position, roll)
    ranked, scorer = _rank(decision, model, depth)
    if as_json:
        click.echo(json.dumps(_as_dict(found, decision, ranked, scorer)))
        return
    click.echo(_draw(found, decision) + "\n")
    for line in _lines(decision, ranked, scorer, count):
        click.echo(line)


def _rank(decision: Decision, model: str | None, depth: Depth) -> tuple[list[RankedCandidate] | None, Scorer]:
    """The candidates best first, None from a model that gives no chances; and the model."""
    from backgammon.cli.advisers import load_model_scorer, make_engine
    from backgammon.search import analyse_decision
    from backgammon.tools.processors import usable_processors

    scorer = load_model_scorer(model)
    if not scorer.has_outcomes and not depth.is_given:
        return None, scorer
    settings, rollout = depth.search_settings(), depth.rollout_settings()
    return analyse_decision(decision, make_engine(scorer), settings, rollout, usable_processors()), scorer


def _draw(found: IdentifiedPosition, decision: Decision) -> str:
    from backgammon.cli.screen import is_colour_wanted
    from backgammon.notation.diagram import BoardNotes, draw_board

    match = found.match
    points = (match.scores[match.on_roll], match.scores[1 - match.on_roll])
    notes = BoardNotes(points=points, length=match.length, roll=decision.roll, title=found.position_id)
    return draw_board(found.position, notes, colour=is_colour_wanted())


def _lines(decision: Decision, ranked: list[RankedCandidate] | None, scorer: Scorer, count: int) -> list[str]:
    """The candidates as text."""
    from backgammon.analysis.candidate_table import HEADING, candidate_lines, play_text

    total = len(decision.candidates)
    if ranked is not None:
        lines = [HEADING, *candidate_lines(decision, ranked, count)]
        if any(one.margin < 0 for one in ranked[:count]):
            lines.append(f"{scorer.name} orders the plays by its preference, which is surer than the equities shown")
    else:
        order = _score_order(decision, scorer)[:count]
        width = max(len(play_text(decision, row)) for row, _ in order)
        lines = [f"{scorer.name} gives no chances; how surely it prefers the first play to each other:"]
        lines += [
            f" {place:3}  {play_text(decision, row):{width}}  {'' if place == 1 else f'{100 * sure:.0f} %'}".rstrip()
            for place, (row, sure) in enumerate(order, start=1)
        ]
    return [*lines, f"{count} of {total} plays; --count shows more"] if total > count else lines


def _score_order(decision: Decision, scorer: Scorer) -> list[tuple[int, float]]:
    """(row, probability that the first is preferred to it), best first."""
    import numpy as np

    scores = scorer.evaluate(decision.candidates).astype(np.float64)
    order = np.argsort(-scores, kind="stable")
    likelihoods = 1 / (1 + np.exp(scores[order] - scores[order[0]]))  # of the comparison: sigma(f(a) - f(b))
    return list(zip(order.tolist(), likelihoods.tolist(), strict=True))


def _as_dict(
    found: IdentifiedPosition, decision: Decision, ranked: list[RankedCandidate] | None, scorer: Scorer
) -> dict[str, Any]:
    from backgammon.analysis.candidate_table import play_text
    from backgammon.evaluation.outcome import cumulative
    from backgammon.notation.gnu_id import position_ids
    from backgammon.rules.board import swap

    after = position_ids(swap(decision.candidates))
    if ranked is None:
        plays: list[dict[str, Any]] = [
            {"play": play_text(decision, row), "after": after[row], "first_preferred": round(sure, 6)}
            for row, sure in _score_order(decision, scorer)
        ]
    else:
        plays = [
            {
                "play": play_text(decision, one.row),
                "after": after[one.row],
                "equity": round(one.equity, 6),
                "ply": one.ply,
                "standard_error": one.standard_error,
                "chances": [round(value, 6) for value in cumulative(one.outcomes).tolist()],
            }
            for one in ranked
        ]
    head = {"position_id": found.position_id, "dice": list(decision.roll), "model": scorer.name}
    return {**head, "plays": plays}
