"""`pairgammon hint`: the best plays, or the cube decision, of a position that is pasted in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand, is_given, model_option
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.cube.stakes import Stakes
    from backgammon.engine.at_stakes import PlayAtStakes
    from backgammon.engine.engine import Engine
    from backgammon.notation.identifier import IdentifiedPosition
    from backgammon.rules.decision import Decision
    from backgammon.search import RankedCandidate

DEFAULT_COUNT = 10


@click.command(
    cls=ExampleCommand,
    short_help="Show the best plays of a position, or whether to double.",
    examples=(
        ("pairgammon hint 4HPwATDgc/ABMA --dice 31", "a GNU Position ID, with the dice"),
        ("pairgammon hint XGID=-b----E-C---eE---c-e----B-:0:0:1:52:0:0:0:0:10 --ply 2", "an XGID, with look-ahead"),
        ("pairgammon hint XGID=-b----E-C---eE---c-e----B-:0:0:1:00:3:5:0:7:10", "double? take? at 4-away 2-away"),
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="ID")
@click.option("--dice", metavar="DICE", help="The roll, for instance 31; without it the one in the ID.")
@model_option
@depth_options
@click.option("--count", type=click.IntRange(min=1), default=DEFAULT_COUNT, show_default=True, help="Plays to show.")
@click.option("--cubeless", is_flag=True, help="Judge plays as in money play without a cube, whatever the ID says.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every play.")
@click.pass_context
def command(
    ctx: click.Context,
    words: tuple[str, ...],
    dice: str | None,
    model: str | None,
    depth: Depth,
    count: int,
    cubeless: bool,
    as_json: bool,
) -> None:
    """Show a position and its plays, best first, or its cube decision.

    ID is a GNU Position ID, PositionID:MatchID or an XGID, as other programs copy it, whatever stands around it. With a
    model that was trained with outcomes every play has its equity, the depth at which it was judged and its chances;
    other models only say what they prefer. A Match ID or XGID tells the score and the cube: equities are cubeful at
    that score then, as EMG and match-winning chances. Without dice it asks whether to double and whether to take.
    --rollout plays the games out with a live cube there.
    """
    from backgammon.notation.identifier import parse_identifier
    from backgammon.rules.decision import Decision
    from backgammon.rules.dice import parse_roll
    from backgammon.tools.errors import ConfigError

    text = " ".join(words)
    found = parse_identifier(text)
    roll = parse_roll(dice) if dice else found.match.dice
    if dice and found.match.doubled:
        raise ConfigError(f"{text}: a double is to be answered there, leave --dice away")
    stakes = _stakes(found)
    if cubeless and stakes is None:
        raise ConfigError(f"{text}: neither score nor cube is in it, so plays are cubeless: leave out --cubeless")
    stakes = None if cubeless else stakes
    if stakes is not None and depth.seconds is not None:
        raise ConfigError("--time does not know the cube: add --cubeless, or look by --ply")
    if is_given(ctx, "count") and (as_json or roll is None):
        raise ConfigError("--count says how many plays to show: it goes with dice, and --json has every play anyway")
    if roll is None:
        if stakes is None:
            raise ConfigError(f"{text}: the dice are not in it; add for instance --dice 31")
        _show_cube(found, stakes, model, depth, as_json)
        return
    decision = Decision.make(found.position, roll)
    if stakes is not None and _show_plays(found, decision, stakes, model, depth, count, as_json):
        return
    ranked, engine = _rank(decision, model, depth)
    if as_json:
        say(json.dumps(_as_dict(found, decision, ranked, engine)))
        return
    say(_draw(found, decision) + "\n")
    for line in _lines(decision, ranked, engine, count):
        say(line)


def _stakes(found: IdentifiedPosition) -> Stakes | None:
    """What the identifier says of score and cube; None where it names the position only."""
    from backgammon.cube.stakes import stakes_of_match_id, stakes_of_xgid

    if found.xgid_source is not None:
        return stakes_of_xgid(found.xgid_source)
    return stakes_of_match_id(found.match) if found.has_match else None


def _show_cube(found: IdentifiedPosition, stakes: Stakes, model: str | None, depth: Depth, as_json: bool) -> None:
    """The cube decision, or why there is none and what rolling is worth."""
    from backgammon.analysis.stakes_table import (
        rolled_fields,
        rolled_line,
        stakes_text,
        verdict_fields,
        verdict_lines,
    )
    from backgammon.tools.errors import GameError

    whole = _open(model, depth)
    engine = whole.cube
    board = found.position.board
    if stakes.double_refusal:
        if found.match.doubled:
            raise GameError(f"a double is on offer, which the rules forbid: {stakes.double_refusal}")
        equity = engine.value_of_rolling(board, stakes)
        fields: dict[str, Any] = {"action": "no double", "equities": [round(equity, 6), None, None]}
        fields["reason"] = stakes.double_refusal
        lines = [f"no double is possible: {stakes.double_refusal}", f"rolling is worth {equity:+.3f} EMG"]
    else:
        rolled = whole.rolled_plays.decide_cube(board, stakes) if depth.games is not None else None
        verdict = engine.decide_cube(board, stakes) if rolled is None else rolled.verdict
        valuation = engine.valuation(stakes)
        fields = verdict_fields(verdict, valuation)
        lines = verdict_lines(verdict, valuation, found.match.doubled)
        if rolled is not None:
            fields |= rolled_fields(rolled)
            lines = [*lines[:-1], rolled_line(rolled), lines[-1]]
    if as_json:
        say(json.dumps({"position_id": found.position_id, "xgid": found.xgid, "model": whole.net_name, **fields}))
        return
    say("\n".join([_draw(found), "", stakes_text(stakes), *lines]))


def _show_plays(
    found: IdentifiedPosition, decision: Decision, stakes: Stakes, model: str | None, depth: Depth, count: int,
    as_json: bool,
) -> bool:  # fmt: skip
    """The plays at the score and cube; False from a model that gives no chances."""
    from backgammon.analysis.stakes_table import gammon_text, stakes_lines, stakes_text

    whole = _open(model, depth)
    if not whole.has_outcomes:
        return False
    engine = whole.plays
    ranker = engine if depth.games is None else whole.rolled_plays
    plays = ranker.rank_plays(decision, stakes)
    if as_json:
        say(json.dumps(_stakes_dict(found, decision, plays, whole.net_name)))
        return True
    total = len(decision.candidates)
    more = [f"{count} of {total} plays; --count shows more"] if total > count else []
    texts = [stakes_text(stakes), gammon_text(engine.valuation(stakes)), *stakes_lines(decision, plays, count), *more]
    say("\n".join([_draw(found, decision), "", *texts]))
    return True


def _stakes_dict(
    found: IdentifiedPosition, decision: Decision, plays: list[PlayAtStakes], model: str
) -> dict[str, Any]:
    from backgammon.analysis.candidate_table import play_text
    from backgammon.evaluation.outcome import cumulative
    from backgammon.notation.gnu_id import position_ids
    from backgammon.rules.board import swap

    after = position_ids(swap(decision.candidates))
    entries = [
        {
            "play": play_text(decision, one.row),
            "after": after[one.row],
            "equity": round(one.equity, 6),
            "mwc": None if one.mwc is None else round(one.mwc, 6),
            "ply": one.ply,
            "standard_error": one.standard_error,
            "joint_error": one.joint_error,
            "games": one.games,
            "chances": [round(value, 6) for value in cumulative(one.outcomes).tolist()],
        }
        for one in plays
    ]
    head = {"position_id": found.position_id, "xgid": found.xgid, "dice": list(decision.roll), "model": model}
    return {**head, "plays": entries}


def _open(model: str | None, depth: Depth) -> Engine:
    """The engine that is asked."""
    from backgammon.cli.advisers import open_engine

    return open_engine(depth.spec(model))


def _rank(decision: Decision, model: str | None, depth: Depth) -> tuple[list[RankedCandidate] | None, Engine]:
    """The candidates best first, None from a model that gives no chances; and the engine."""
    engine = _open(model, depth)
    if not engine.has_outcomes and not depth.is_given:
        return None, engine
    return engine.ranker.rank_one(decision), engine


def _draw(found: IdentifiedPosition, decision: Decision | None = None) -> str:
    from backgammon.cli.screen import is_colour_wanted
    from backgammon.notation.diagram import BoardNotes, Side, draw_board

    match = found.match
    points = (match.scores[match.on_roll], match.scores[1 - match.on_roll])
    owners: dict[int, Side] = {match.on_roll: "X", 1 - match.on_roll: "O"}
    notes = BoardNotes(
        points=points,
        length=match.length,
        cube=match.cube,
        cube_owner=owners.get(match.cube_owner),
        roll=decision.roll if decision else None,
        title=found.position_id,
    )
    return draw_board(found.position, notes, colour=is_colour_wanted())


def _lines(decision: Decision, ranked: list[RankedCandidate] | None, engine: Engine, count: int) -> list[str]:
    """The candidates as text."""
    from backgammon.analysis.candidate_table import candidate_lines, heading_of, order_note, play_text

    total = len(decision.candidates)
    if ranked is not None:
        lines = [heading_of(is_cubeful=False, has_match=False), *candidate_lines(decision, ranked, count)]
        lines += filter(None, [order_note([(one.ply, one.equity) for one in ranked[:count]])])
    else:
        order = _score_order(decision, engine)[:count]
        width = max(len(play_text(decision, row)) for row, _ in order)
        lines = [f"{engine.net_name} gives no chances; how surely it prefers the first play to each other:"]
        lines += [
            f" {place:3}  {play_text(decision, row):{width}}  {'' if place == 1 else f'{100 * sure:.0f} %'}".rstrip()
            for place, (row, sure) in enumerate(order, start=1)
        ]
    return [*lines, f"{count} of {total} plays; --count shows more"] if total > count else lines


def _score_order(decision: Decision, engine: Engine) -> list[tuple[int, float]]:
    """(row, probability that the first is preferred to it), best first."""
    import numpy as np

    from backgammon.rules.decisions import Decisions

    scores = engine.evaluator.preferences(Decisions.of([decision]))
    order = np.argsort(-scores, kind="stable")
    likelihoods = 1 / (1 + np.exp(scores[order] - scores[order[0]]))  # of the comparison: sigma(f(a) - f(b))
    return list(zip(order.tolist(), likelihoods.tolist(), strict=True))


def _as_dict(
    found: IdentifiedPosition, decision: Decision, ranked: list[RankedCandidate] | None, engine: Engine
) -> dict[str, Any]:
    from backgammon.analysis.candidate_table import play_text
    from backgammon.evaluation.outcome import cumulative
    from backgammon.notation.gnu_id import position_ids
    from backgammon.rules.board import swap

    after = position_ids(swap(decision.candidates))
    if ranked is None:
        plays: list[dict[str, Any]] = [
            {"play": play_text(decision, row), "after": after[row], "first_preferred": round(sure, 6)}
            for row, sure in _score_order(decision, engine)
        ]
    else:
        plays = [
            {
                "play": play_text(decision, one.row),
                "after": after[one.row],
                "equity": round(one.equity, 6),
                "ply": one.ply,
                "standard_error": one.standard_error,
                "joint_error": one.joint_error,
                "chances": [round(value, 6) for value in cumulative(one.outcomes).tolist()],
            }
            for one in ranked
        ]
    head = {"position_id": found.position_id, "dice": list(decision.roll), "model": engine.net_name}
    return {**head, "plays": plays}
