"""Ranking of decisions that come as JSON lines: many at once, candidates best first.

Axis legend: N decisions, M candidates of all N decisions together (rows offsets[i] to offsets[i + 1] are decision i).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import OUTCOMES
from backgammon.learner.data.stakes_lines import StakesLine, parse_stakes_line, stakes_record
from backgammon.notation.gnu_id import parse_position_ids, position_ids
from backgammon.records.formats.decision_line import DecisionLine, parse_decision_line
from backgammon.rules import ragged
from backgammon.rules.board import Board, swap
from backgammon.rules.decisions import Decisions
from backgammon.search import RankedCandidate, Ranker
from backgammon.tools.arrays import Boards
from backgammon.tools.errors import ModelError, NotationError, PairgammonError, PositionError

NumberedLine = tuple[int, bytes]
"""Number for messages and text of a decision, see `decision_line`."""

Problems = dict[int, PairgammonError]
"""What is wrong with a line, by its place in the batch."""

Answerer = Callable[[Sequence[DecisionLine], Board], Iterable[bytes]]
"""Answers N decisions with boards int8[N, 26], one line of text each."""


StakesAnswerer = Callable[[Sequence[StakesLine]], Iterable[bytes]]
"""Answers decisions at stakes, one line of text each."""


def answer_lines(
    lines: Sequence[NumberedLine], answer: Answerer, skip_bad: bool = False, at_stakes: StakesAnswerer | None = None
) -> Iterator[bytes]:
    """One answer for each line, in order, with line feed: the same object with "best" and "candidates".

    Args:
        lines: the decisions.
        answer: `by_scores` or `by_chances`.
        skip_bad: answer a line that cannot be used with an object that has "line" and "error".
        at_stakes: answers lines with "xgid", see `stakes_lines`; None for a ranker that cannot.

    Raises:
        NotationError: a line cannot be used and `skip_bad` is off; every line before it has been answered.
    """
    plain, with_stakes, stakes_problems = split_stakes(lines)
    decisions, boards, problems = read_decisions([lines[place] for place in plain])
    decisions = [(plain[place], line) for place, line in decisions]
    problems = {plain[place]: problem for place, problem in problems.items()} | stakes_problems
    if at_stakes is None:
        problems |= {
            place: ModelError('this model gives no chances, which "xgid" asks for') for place, _ in with_stakes
        }
        with_stakes = []
    if not skip_bad:
        first_bad = min(problems, default=len(lines))
        usable = sum(place < first_bad for place, _ in decisions)
        decisions, boards = decisions[:usable], boards[:usable]
        with_stakes = [(place, line) for place, line in with_stakes if place < first_bad]
    answers = dict(zip((place for place, _ in decisions), answer([line for _, line in decisions], boards), strict=True))
    if at_stakes is not None and with_stakes:
        found = at_stakes([line for _, line in with_stakes])
        answers |= dict(zip((place for place, _ in with_stakes), found, strict=True))
    for place, (number, _) in enumerate(lines):
        if place in answers:
            yield answers[place]
        elif skip_bad:
            yield json.dumps({"line": number, "error": str(problems[place])}).encode() + b"\n"
        else:
            raise NotationError(f"line {number}: {problems[place]}")


def split_stakes(lines: Sequence[NumberedLine]) -> tuple[list[int], list[tuple[int, StakesLine]], Problems]:
    """Places of the lines without stakes, (place, line) of those with them, and what is wrong with the latter."""
    plain: list[int] = []
    with_stakes: list[tuple[int, StakesLine]] = []
    problems: Problems = {}
    for place, (_, text) in enumerate(lines):
        record = stakes_record(text)
        if record is None:
            plain.append(place)
            continue
        try:
            with_stakes.append((place, parse_stakes_line(record)))
        except PairgammonError as error:
            problems[place] = error
    return plain, with_stakes, problems


def by_scores(scorer: Evaluator) -> Answerer:
    """Answers whose candidates are [ID after the play, score], best first."""
    return partial(_rank, scorer)


def by_chances(ranker: Ranker, person: Evaluator | None = None) -> Answerer:
    """Answers whose candidates are objects, best first: id, equity, chances, ply, margin; of a rollout also its
    standard error and games.

    Args:
        ranker: ranks.
        person: whose preferences are logarithms of probabilities, which are told as well; None for nobody.
    """
    return partial(_judge, ranker, person)


def read_decisions(lines: Sequence[NumberedLine]) -> tuple[list[tuple[int, DecisionLine]], Board, Problems]:
    """(place, line) of the usable decisions, their boards int8[N, 26], and what is wrong with the others."""
    parsed: list[tuple[int, DecisionLine]] = []
    problems: Problems = {}
    for place, (_, text) in enumerate(lines):
        try:
            parsed.append((place, parse_decision_line(text)))
        except PairgammonError as error:
            problems[place] = error
    try:
        boards = parse_position_ids([line.position_id for _, line in parsed])
    except PairgammonError:
        parsed, boards = _read_one_by_one(parsed, problems)
    in_play = (boards > 0).any(axis=1) & (boards < 0).any(axis=1)
    for index in np.flatnonzero(~in_play).tolist():
        place, line = parsed[index]
        problems[place] = PositionError(
            f"{line.position_id}: the game is over in this position, there is nothing to choose"
        )
    return [parsed[index] for index in np.flatnonzero(in_play).tolist()], boards[in_play], problems


def _read_one_by_one(
    parsed: list[tuple[int, DecisionLine]], problems: Problems
) -> tuple[list[tuple[int, DecisionLine]], Board]:
    """The lines whose Position ID can be decoded, and their boards; the others join the problems."""
    usable, boards = [], [np.zeros((0, 26), dtype=np.int8)]
    for place, line in parsed:
        try:
            boards.append(parse_position_ids([line.position_id]))
            usable.append((place, line))
        except PairgammonError as error:
            problems[place] = error
    return usable, np.concatenate(boards)


def _rank(scorer: Evaluator, decisions: Sequence[DecisionLine], boards: Boards) -> Iterator[bytes]:
    """The answers to N usable decisions with boards int8[N, 26]."""
    if not decisions:
        return
    dice = np.array([line.roll for line in decisions], dtype=np.int8)
    choices = Decisions.make(boards, dice)
    candidates, offsets = choices.candidates, choices.offsets
    scores = scorer.preferences(choices)
    order = ragged.order(scores, offsets)
    ids = position_ids(swap(candidates[order]))
    ranked = scores[order].tolist()
    for i, line in enumerate(decisions):
        start, stop = int(offsets[i]), int(offsets[i + 1])
        line.record.pop("best", None)
        line.record.pop("candidates", None)
        head = json.dumps(line.record)[:-1]
        pairs = ", ".join(map('["%s", %.7g]'.__mod__, zip(ids[start:stop], ranked[start:stop], strict=True)))
        yield f'{head}, "best": "{ids[start]}", "candidates": [{pairs}]}}\n'.encode()


def _judge(
    ranker: Ranker, person: Evaluator | None, decisions: Sequence[DecisionLine], boards: Boards
) -> Iterator[bytes]:
    """The answers to N usable decisions with boards int8[N, 26]."""
    if not decisions:
        return
    choices = Decisions.make(boards, np.array([line.roll for line in decisions], dtype=np.int8))
    ranked = ranker.rank(choices)
    ids = position_ids(swap(choices.candidates))
    chances = None if person is None else np.exp(person.preferences(choices))
    for line, candidates, start in zip(decisions, ranked, choices.offsets[:-1].tolist(), strict=True):
        line.record.pop("best", None)
        line.record.pop("candidates", None)
        entries = [_candidate_entry(ids[start + one.row], one) for one in candidates]
        if chances is not None:
            for entry, one in zip(entries, candidates, strict=True):
                entry["probability"] = round(float(chances[start + one.row]), 6)
        yield json.dumps({**line.record, "best": entries[0]["id"], "candidates": entries}).encode() + b"\n"


def _candidate_entry(after: str, ranked: RankedCandidate) -> dict[str, Any]:
    """One candidate as it is printed."""
    entry: dict[str, Any] = {
        "id": after,
        "equity": round(ranked.equity, 6),
        "chances": {name: round(value, 6) for name, value in zip(OUTCOMES, ranked.outcomes.tolist(), strict=True)},
        "ply": ranked.ply,
        "margin": round(ranked.margin, 6),
    }
    if ranked.standard_error is not None:
        errors = {"standard_error": ranked.standard_error, "joint_error": ranked.joint_error or 0.0}
        entry |= {**{name: round(error, 6) for name, error in errors.items()}, "games": ranked.games}
    return entry
