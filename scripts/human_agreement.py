"""How often a model plays what people played, by game phase and player, and what its choices lose by GNU Backgammon.

    python -m scripts.human_agreement [LABELLED...] [--logs PATHS...] [--model FILE] [--ply N] [--json]

LABELLED are files of analysed plays (JSON lines, plain, .gz or .xz), one object a play: "game" (MATCH, or MATCH_NNN for
its later games), "kind" ("move"; others are skipped), "pid" (Position ID, the player on roll), "dice", "player",
"played" and "c", the listed candidates, best first, each with "m" (the play) and "e" (its equity for the mover).
--logs are files and folders of match logs without analysis, read as `pairgammon evaluate` does.

Unforced plays only, compared as positions. Losses are in millipoints, over the decisions in which the choice is listed;
choices that are not listed are worse as a rule, so their share stands beside. Intervals are 95 %, clustered by match.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.learner.net.scorer import load_scorer
from backgammon.notation import parse_play, parse_position_id
from backgammon.records import read_logs
from backgammon.rules.decision import Decision
from backgammon.rules.dice import make_roll
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.search import Searcher, SearchSettings
from backgammon.tools.arrays import Bools, Float64s, Int64s
from backgammon.tools.errors import DataError, NotationError, PairgammonError
from backgammon.tools.intervals import Estimate, estimate_mean, estimate_rate
from backgammon.tools.processors import usable_processors
from scripts.score_labels import show

FEWEST = 300
"""Unforced plays from which a player has a line of its own."""
OTHERS = "other players"
CAVEAT = (
    "The labels are GNU Backgammon's cubeful equities at the score of the match; the model plays cubeless money games, "
    "so at some scores it is right to differ."
)


@dataclass(frozen=True, eq=False)
class HumanPlay:
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
class Reading:
    """Plays, forced ones included, and how many entries were left out and why."""

    plays: list[HumanPlay] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def read_plays(paths: list[Path]) -> Reading:
    """The plays of analysed files.

    Raises:
        DataError: not such a file.
        OSError: no file.
    """
    reading = Reading()
    for path in paths:
        for number, line in enumerate(_read_text(path).splitlines(), start=1):
            try:
                entry = json.loads(line)
                play = _read_play(entry, reading.skipped)
            except NotationError:
                reading.skipped["illegal"] += 1
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DataError(f"{path}:{number}: no analysed play: {type(error).__name__} {error}") from None
            else:
                if play is not None:
                    reading.plays.append(play)
    return reading


def _read_text(path: Path) -> str:
    data = path.read_bytes()
    try:
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        elif path.suffix == ".xz":
            data = lzma.decompress(data)
        return data.decode("utf-8")
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be unpacked: {error}") from None


def _read_play(entry: dict[str, Any], skipped: Counter[str]) -> HumanPlay | None:
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
    return HumanPlay(decision, entry["player"], re.sub(r"_\d{3}$", "", entry["game"]), listed)


def read_log_plays(paths: list[Path]) -> Reading:
    """The plays of match logs."""
    logs = read_logs(paths)
    plays = [HumanPlay(one.decision, one.player, one.unit, {}) for one in logs.decisions()]
    return Reading(plays, Counter(dance=logs.report.num_dances, lost=logs.report.num_lost_rolls))


@dataclass(frozen=True)
class Row:
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


def score_plays(plays: list[HumanPlay], rows: Int64s) -> list[Row]:
    """A row for all, for each phase, for each player with many plays and for the other players together.

    Args:
        plays: N unforced plays, with an analysis or all without.
        rows: int64[N], the model's choice.
    """
    matches = {name: number for number, name in enumerate(dict.fromkeys(play.match for play in plays))}
    units = np.array([matches[play.match] for play in plays])
    played = np.array([play.decision.chosen for play in plays])
    phases = phase_codes(np.array([play.decision.position.board for play in plays]))
    counts = Counter(play.player for play in plays)
    players = np.array([play.player if counts[play.player] >= FEWEST else OTHERS for play in plays])
    names = [name for name, count in counts.most_common() if count >= FEWEST]
    groups = [("all", np.ones(len(plays), dtype=np.bool_))]
    groups += [(name, phases == code) for code, name in enumerate(PHASES)]
    groups += [(name, players == name) for name in [*names, OTHERS]]
    is_labelled = all(play.listed for play in plays)
    best = np.array([next(iter(play.listed)) for play in plays]) if is_labelled else played
    own, peoples = (
        np.array([_loss(play, int(row)) for play, row in zip(plays, choice, strict=True)]) for choice in (rows, played)
    )
    result = []
    for name, members in groups:
        at = np.flatnonzero(members)
        if not len(at):
            continue
        row = Row(name, len(at), len(np.unique(units[at])), _rate(rows == played, at, units))
        if is_labelled:
            row = Row(
                *(row.name, row.decisions, row.matches, row.people),
                gnubg=_rate(best == played, at, units),
                both=_rate(rows == best, at, units),
                loss=_mean_listed(own, at, units),
                unlisted=float(np.isnan(own[at]).mean()),
                people_loss=_mean_listed(peoples, at, units),
                people_unlisted=float(np.isnan(peoples[at]).mean()),
            )
        result.append(row)
    return result


def _loss(play: HumanPlay, row: int) -> float:
    """Millipoints below the best listed candidate, NaN when the row is not listed."""
    if row not in play.listed:
        return float("nan")
    # A candidate that was not searched so deep may look better than the best: that is no gain.
    return 1000 * max(0.0, next(iter(play.listed.values())) - play.listed[row])


def _rate(hits: Bools, at: Int64s, units: Int64s) -> Estimate:
    return estimate_rate(hits[at].astype(np.float64), units[at])


def _mean_listed(losses: Float64s, at: Int64s, units: Int64s) -> Estimate:
    kept = at[~np.isnan(losses[at])]
    return estimate_mean(losses[kept], units[kept])


def choose_rows(plays: list[HumanPlay], model: str | None, plies: int) -> Int64s:
    """Rows int64[N] that a model chooses in the plays' decisions.

    Raises:
        ModelError: no such model, or one without outcomes that is to look ahead.
    """
    boards = np.array([play.decision.position.board for play in plays], dtype=np.int8)
    dice = np.array([play.decision.roll for play in plays], dtype=np.int8)
    scorer = load_scorer(model, 1 if plies else usable_processors())
    if not plies and not scorer.has_outcomes:
        return scorer.choose(boards, dice)
    engine = ExactEvaluator(scorer, find_or_build(), expands_dances=plies == 1)
    return (
        Searcher(engine, SearchSettings(plies), usable_processors()).choose(boards, dice)
        if plies
        else engine.choose(boards, dice)
    )


def print_rows(title: str, rows: list[Row]) -> None:
    """A compact table."""
    print(f"\n{title}")
    head = f"{'':19s}{'plays':>7s} {'matches':>7s}  {'model = people':14s}"
    if rows[0].gnubg is not None:
        head += f"  {'gnubg = people':14s}  {'model = gnubg':14s}"
        head += "".join(f"  {who + ' lose' + end:13s}{'unlisted':>8s}" for who, end in (("model", "s"), ("people", "")))
    print(head.rstrip())
    for row in rows:
        line = f"{row.name:19s}{row.decisions:7,d} {row.matches:7,d}  {show(row.people, 3):14s}"
        if row.gnubg and row.both and row.loss and row.people_loss:
            line += f"  {show(row.gnubg, 3):14s}  {show(row.both, 3):14s}  {show(row.loss, 1):13s}{row.unlisted:8.3f}"
            line += f"  {show(row.people_loss, 1):13s}{row.people_unlisted:8.3f}"
        print(line.rstrip())


def readings(options: argparse.Namespace) -> Iterator[tuple[str, Reading]]:
    """What was asked for, with titles."""
    if options.labelled:
        yield "analysed plays", read_plays(options.labelled)
    if options.logs:
        yield "match logs", read_log_plays(options.logs)


def main() -> int:
    """Command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labelled", nargs="*", type=Path, help="files of analysed plays")
    parser.add_argument("--logs", nargs="+", type=Path, default=[], help="files and folders of match logs")
    parser.add_argument("--model", help="a model file or run folder instead of the default model")
    parser.add_argument("--ply", type=int, choices=range(4), default=0, help="look ahead so far")
    parser.add_argument("--limit", type=int, help="take so many unforced plays from the beginning of each kind")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.labelled and not options.logs:
        parser.error("give files of analysed plays, or --logs with match logs")
    report: dict[str, Any] = {"model": options.model or "default", "ply": options.ply, "caveat": CAVEAT}
    try:
        for title, reading in readings(options):
            unforced = [play for play in reading.plays if len(play.decision.candidates) > 1][: options.limit]
            if not unforced:
                raise DataError(f"{title}: no unforced play in what was given")
            rows = score_plays(unforced, choose_rows(unforced, options.model, options.ply))
            skipped = {"forced": sum(play.decision.is_forced for play in reading.plays), **reading.skipped}
            report[title] = {"left out": skipped, "rows": [asdict(row) for row in rows]}
            if not options.json:
                left_out = ", ".join(f"{count:,} {reason}" for reason, count in skipped.items() if count)
                print_rows(f"{title}, the model at {options.ply}-ply; left out: {left_out or 'nothing'}", rows)
    except (PairgammonError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(report))
    elif options.labelled:
        print(f"\nLosses in millipoints a play. {CAVEAT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
