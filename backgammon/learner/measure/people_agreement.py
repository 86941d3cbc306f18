"""How often a model plays what people played, by game phase and player, and what its choices lose by an analysis.

Axis legend: N unforced plays, M candidates of all of them.

Analysed plays come as JSON lines (plain, .gz or .xz), one object a play: "game" (MATCH, or MATCH_NNN for its later
games), "kind" ("move"; others are skipped), "pid" (Position ID, the player on roll), "dice", "player", "played" and
"c", the listed candidates, best first, each with "m" (the play) and "e" (its equity for the mover).

Unforced plays only, compared as positions. Losses are in millipoints, over the decisions in which the choice is listed;
choices that are not listed are worse as a rule, so their share stands beside. Intervals are 95 %, clustered by match.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backgammon.learner.measure.label_scores import choice_losses
from backgammon.notation import parse_play, parse_position_id
from backgammon.records import DecisionSet, Labels, read_logs
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.rules.dice import make_roll
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Bools, Float64s, Int64s
from backgammon.tools.errors import DataError, NotationError
from backgammon.tools.intervals import Estimate, estimate_mean, estimate_rate
from backgammon.tools.packed import DAMAGE, open_unpacked

MAX_BYTES = 1 << 30
"""Of a file, unpacked."""

FEWEST = 300
"""Unforced plays from which a player has a line of its own."""
OTHERS = "other players"


class _Play(NamedTuple):
    """A play by a person.

    Attributes:
        decision: with the chosen row.
        player: who.
        match: what is independent of everything else.
        listed: equity of candidates by their row, best first, for the mover; empty without an analysis.
    """

    decision: Decision
    player: str
    match: str
    listed: dict[int, float]


@dataclass
class PeopleReading:
    """Unforced plays of people, and how many entries were left out and why.

    Attributes:
        found: N plays; labels are the analysis, None without one.
        skipped: by reason.
    """

    found: DecisionSet
    skipped: Counter[str] = field(default_factory=Counter)


def read_analysed_plays(paths: Iterable[Path]) -> PeopleReading:
    """The plays of analysed files.

    Raises:
        DataError: not such a file.
    """
    plays: list[_Play] = []
    skipped: Counter[str] = Counter()
    for path in paths:
        for number, line in enumerate(_read_text(path).splitlines(), start=1):
            try:
                play = _read_play(json.loads(line), skipped)
            except NotationError:
                skipped["illegal"] += 1
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DataError(f"{path}:{number}: no analysed play: {type(error).__name__} {error}") from None
            else:
                plays += [play] if play is not None else []
    skipped["forced"] += sum(play.decision.is_forced for play in plays)
    return PeopleReading(_decision_set([play for play in plays if not play.decision.is_forced]), skipped)


def _read_text(path: Path) -> str:
    try:
        with open_unpacked(path) as file:
            content = file.read(MAX_BYTES + 1)
            text = content.decode("utf-8")
    except (*DAMAGE, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be unpacked: {error}") from None
    if len(content) > MAX_BYTES:
        raise DataError(f"{path}: unpacked it has more than {MAX_BYTES:,} bytes; split the file")
    return text


def _read_play(entry: dict[str, Any], skipped: Counter[str]) -> _Play | None:
    """None for what is no play; the reason is counted."""
    if entry["kind"] != "move":
        skipped[str(entry["kind"])] += 1
        return None
    if not entry["c"]:
        skipped["dance"] += 1
        return None
    decision = Decision.make(parse_position_id(entry["pid"]), make_roll(*entry["dice"]))
    listed: dict[int, float] = {}
    for candidate in entry["c"]:
        listed.setdefault(parse_play(candidate["m"], decision), float(candidate["e"]))
    decision = decision.choose(parse_play(entry["played"], decision))
    return _Play(decision, entry["player"], re.sub(r"_\d{3}$", "", entry["game"]), listed)


def _decision_set(plays: list[_Play]) -> DecisionSet:
    """Analysed plays as arrays."""
    matches = {name: number for number, name in enumerate(dict.fromkeys(play.match for play in plays))}
    decisions = Decisions.make(
        np.array([play.decision.position.board for play in plays], dtype=np.int8).reshape(-1, 26),
        np.array([play.decision.roll for play in plays], dtype=np.int8).reshape(-1, 2),
        np.array([play.decision.chosen for play in plays], dtype=np.int64),
        np.array([matches[play.match] for play in plays], dtype=np.int64),
    )
    count = len(decisions.candidates)
    equities = np.full(count, np.nan, dtype=np.float32)
    for play, start in zip(plays, decisions.offsets.tolist(), strict=False):
        equities[[start + row for row in play.listed]] = list(play.listed.values())
    labels = Labels(
        best=np.array([next(iter(play.listed)) for play in plays], dtype=np.int64),
        equities=equities,
        plies=np.full(count, -1, dtype=np.int8),
        chances=np.full((count, 5), np.nan, dtype=np.float32),
        is_cubeful=np.ones(len(plays), dtype=np.bool_),
    )
    return DecisionSet(
        decisions, tuple(matches), [play.player for play in plays], np.zeros(len(plays), dtype=np.int8), labels
    )


def read_log_plays(paths: Iterable[str | Path]) -> PeopleReading:
    """The unforced plays of match logs.

    Raises:
        RecordError: a path that does not exist.
    """
    logs = read_logs(paths)
    numbers: dict[str, int] = {}
    parts: list[Decisions] = []
    players: list[str] = []
    for game in logs:
        is_open = ~game.plays.is_forced
        taken = game.plays.take(is_open)
        unit = np.full(len(taken), numbers.setdefault(game.unit, len(numbers)), dtype=np.int64)
        parts.append(Decisions(taken.boards, taken.dice, taken.candidates, taken.offsets, taken.chosen, unit))
        players += [game.players[seat] for seat in game.seats[is_open].tolist()]
    decisions = Decisions.join(parts)
    skipped = Counter(dance=logs.report.num_dances, lost=logs.report.num_lost_rolls, forced=logs.report.num_forced)
    points = np.zeros(len(decisions), dtype=np.int8)
    return PeopleReading(DecisionSet(decisions, tuple(numbers), players, points), skipped)


@dataclass(frozen=True)
class PeopleRow:
    """The figures of a group of unforced plays; those of the analysis are None without one.

    Attributes:
        name: of the group.
        decisions: plays.
        matches: they come from.
        people: share in which the model chooses the play.
        gnubg: share in which the best of the analysis is the play.
        both: share in which the model chooses the best of the analysis.
        loss: of the model's choice, where it is listed, in millipoints.
        unlisted: share in which it is not.
        people_loss: of the play, where it is listed, in millipoints.
        people_unlisted: share in which it is not.
    """

    name: str
    decisions: int
    matches: int
    people: Estimate
    gnubg: Estimate | None = None
    both: Estimate | None = None
    loss: Estimate | None = None
    unlisted: float | None = None
    people_loss: Estimate | None = None
    people_unlisted: float | None = None


def score_people(found: DecisionSet, rows: Int64s) -> list[PeopleRow]:
    """A row for all, for each phase, for each player with many plays and for the other players together.

    Args:
        found: N unforced plays.
        rows: int64[N], the model's choices.
    """
    phases = phase_codes(found.decisions.boards)
    counts = Counter(found.players)
    players = np.array([name if counts[name] >= FEWEST else OTHERS for name in found.players])
    names = [name for name, count in counts.most_common() if count >= FEWEST]
    groups: list[tuple[str, Bools]] = [("all", np.ones(len(found), dtype=np.bool_))]
    groups += [(name, phases == code) for code, name in enumerate(PHASES)]
    groups += [(name, players == name) for name in [*names, OTHERS]]
    return [_row(name, found, rows, np.flatnonzero(members)) for name, members in groups if members.any()]


def _row(name: str, found: DecisionSet, rows: Int64s, at: Int64s) -> PeopleRow:
    """The figures of the plays `at`."""
    units, played = found.decisions.unit, found.decisions.chosen_rows
    matches = len(np.unique(units[at]))
    people = _rate(rows == played, at, units)
    if found.labels is None:
        return PeopleRow(name, len(at), matches, people)
    best = found.labels.best
    own, peoples = choice_losses(found, rows), choice_losses(found, played)
    return PeopleRow(
        *(name, len(at), matches, people),
        gnubg=_rate(best == played, at, units),
        both=_rate(rows == best, at, units),
        loss=_mean_listed(own, at, units),
        unlisted=float(np.isnan(own[at]).mean()),
        people_loss=_mean_listed(peoples, at, units),
        people_unlisted=float(np.isnan(peoples[at]).mean()),
    )


def _rate(hits: Bools, at: Int64s, units: Int64s) -> Estimate:
    return estimate_rate(hits[at].astype(np.float64), units[at])


def _mean_listed(losses: Float64s, at: Int64s, units: Int64s) -> Estimate:
    kept = at[~np.isnan(losses[at])]
    return estimate_mean(losses[kept], units[kept])


def people_table(title: str, rows: list[PeopleRow]) -> str:
    """A compact table."""
    head = f"{'':19s}{'plays':>7s} {'matches':>7s}  {'model = people':14s}"
    if rows[0].gnubg is not None:
        head += f"  {'gnubg = people':14s}  {'model = gnubg':14s}"
        head += "".join(f"  {who + ' lose' + end:13s}{'unlisted':>8s}" for who, end in (("model", "s"), ("people", "")))
    lines = [title, head]
    for row in rows:
        line = f"{row.name:19s}{row.decisions:7,d} {row.matches:7,d}  {row.people.show(3):14s}"
        if row.gnubg and row.both and row.loss and row.people_loss:
            line += f"  {row.gnubg.show(3):14s}  {row.both.show(3):14s}  {row.loss.show(1):13s}{row.unlisted:8.3f}"
            line += f"  {row.people_loss.show(1):13s}{row.people_unlisted:8.3f}"
        lines.append(line)
    return "\n".join(line.rstrip() for line in lines)
