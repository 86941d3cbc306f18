"""Judge a model by labelled decisions: agreement with the best candidate and equity lost, by game phase.

    python -m scripts.score_labels LABELS... [--model FILE [--ply N] [--filter NAME] [--rollout GAMES [--horizon N]]]
    python -m scripts.score_labels LABELS... --ply 1 --no-prune --shallow 0.1
    python -m scripts.score_labels LABELS... --ply 2 --filter staged --against normal
    python -m scripts.score_labels LABELS... --gnubg PLIES

LABELS are files of `pairgammon label` (JSON lines, plain or .xz): every candidate with the equity of the
mover, the best first. A choice that was judged at 0-ply only, because it was too bad to be searched, costs the
difference between the best candidate's equity and that 0-ply equity. Losses are in millipoints for each unforced
decision; intervals are 95 %, clustered by game. With --rollout the mean standard error of the difference between the
best candidate and the next one is printed too. With --rejudge GNU
Backgammon judges such choices, and the best candidates beside them, at the depth of the best (extra [peers]): what is
left is what the two differ by in its eyes.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.engine.engine_spec import PRUNER, EngineSpec
from backgammon.engine.peers.gnubg_judge import GnubgJudge
from backgammon.evaluation.outcome import equities, from_cumulative
from backgammon.evaluation.strengths import DEFAULT_FILTER, FILTER_NAMES
from backgammon.learner.net.engine_builder import build_engine
from backgammon.notation import parse_position_ids, position_ids
from backgammon.rules.board import swap
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.search import RolloutSettings
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.intervals import Estimate, estimate_mean, estimate_rate
from backgammon.tools.processors import usable_processors


def read_labels(paths: list[Path]) -> Iterator[dict[str, Any]]:
    """Every labelled decision of the files."""
    for path in paths:
        data = path.read_bytes()
        text = (lzma.decompress(data) if path.suffix == ".xz" else data).decode("utf-8")
        yield from map(json.loads, text.splitlines())


def main() -> int:
    """Choose in every decision, look the choice up, print a line a phase."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--model", help="a model file or run folder instead of the default model")
    parser.add_argument("--ply", type=int, help="look ahead so far; the model must have outcomes")
    parser.add_argument("--filter", choices=FILTER_NAMES, default=DEFAULT_FILTER, help="of the look-ahead")
    parser.add_argument("--against", choices=FILTER_NAMES, help="print the paired difference to this filter too")
    parser.add_argument("--rollout", type=int, metavar="GAMES", help="roll out what the look-ahead keeps")
    parser.add_argument("--error", type=float, help="stop the rollouts at this standard error, see RolloutSettings")
    parser.add_argument("--horizon", type=int, default=11, metavar="PLIES", help="truncate rollouts there; 0: never")
    parser.add_argument("--luck", type=int, metavar="TURNS", help="subtract the luck of so many first rolls only")
    parser.add_argument("--no-prune", action="store_true", help="no small net inside the look-ahead")
    parser.add_argument("--within", type=float, help="how far behind its best the small net proposes replies")
    parser.add_argument("--shallow", type=float, help="share of the evaluator's own value at 1 ply")
    parser.add_argument("--rejudge", action="store_true", help="judge choices and best candidates at equal depth")
    parser.add_argument("--limit", type=int, help="take so many decisions from the beginning")
    parser.add_argument("--gnubg", type=int, metavar="PLIES", help="judge GNU Backgammon at this ply (extra [peers])")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.against is not None and (options.ply is None or options.rejudge or options.json):
        parser.error("--against compares filters of a look-ahead: give --ply, without --rejudge and --json")
    decisions = [decision for decision in read_labels(options.labels) if len(decision["cands"]) > 1][: options.limit]
    boards = parse_position_ids([decision["id"] for decision in decisions])
    dice = np.array([decision["dice"] for decision in decisions], dtype=np.int8)
    candidates, offsets = legal_candidates(boards, dice)
    if options.ply is not None or options.rollout is not None:
        rows = look_ahead(options, boards, dice)
    elif options.gnubg is None:
        rows = build_engine(EngineSpec(options.model, pruner=None, bearoff=False)).choose(boards, dice)
    else:
        expert = GnubgJudge(options.gnubg)
        rows = np.array([expert.rank(candidates[a:b]).rows[0] for a, b in pairwise(offsets)])
    judges: dict[int, GnubgJudge] = {}
    picks = position_ids(swap(candidates[offsets[:-1] + rows]))
    losses = np.array([labelled_loss(decision, pick) for decision, pick in zip(decisions, picks, strict=True)])
    num_rejudged = 0
    for i, (decision, pick) in enumerate(zip(decisions, picks, strict=True)):
        if options.rejudge and losses[i] > 0 and (again := equal_depth_loss(decision, pick, judges)) is not None:
            losses[i] = again
            num_rejudged += 1
    hits = np.array([float(d["cands"][0][0] == pick) for d, pick in zip(decisions, picks, strict=True)])
    names = [decision.get("game", place) for place, decision in enumerate(decisions)]
    games = {name: number for number, name in enumerate(dict.fromkeys(names))}
    units = np.array([games[name] for name in names])
    phases = phase_codes(boards)
    result: dict[str, tuple[int, Estimate, Estimate]] = {}
    for name, chosen in [*((n, phases == code) for code, n in enumerate(PHASES)), ("all", phases >= 0)]:
        if chosen.any():
            hit, lost = estimate_rate(hits[chosen], units[chosen]), estimate_mean(losses[chosen], units[chosen])
            result[name] = int(chosen.sum()), hit, lost
    if options.against is not None:
        options.filter = options.against
        others = position_ids(swap(candidates[offsets[:-1] + look_ahead(options, boards, dice)]))
        more = losses - [labelled_loss(decision, pick) for decision, pick in zip(decisions, others, strict=True)]
        changed = np.mean([one != other for one, other in zip(picks, others, strict=True)])
        print(
            f"against {options.against}: {show(estimate_mean(more, units), 3)} mpt, {changed:.4f} of the choices differ"
        )
    if options.json:
        rows_out = {
            name: {"decisions": number, "agreement": asdict(hit), "loss": asdict(lost)}
            for name, (number, hit, lost) in result.items()
        }
        print(json.dumps(rows_out))
        return 0
    print(f"{len(decisions):,d} unforced decisions of {len(games)} games")
    if options.rejudge:
        print(f"{num_rejudged} choices judged again")
    for name, (number, hit, lost) in result.items():
        print(f"{name:18s}{number:7,d}  agreement {show(hit, 3)}  loss {show(lost, 2)} mpt")
    return 0


def labelled_loss(decision: dict[str, Any], pick: str) -> float:
    """Millipoints lost by a pick, by the labels of its decision."""
    # An entry is [ID, equity, ply], or with the play and the chances [ID, play, equity, ply, chances].
    values = {entry[0]: entry[2] if isinstance(entry[1], str) else entry[1] for entry in decision["cands"]}
    # A candidate judged at 0-ply may look better than the best that was searched: that is no gain.
    return float(1000 * max(0.0, values[decision["cands"][0][0]] - values[pick]))


def look_ahead(options: argparse.Namespace, boards: Boards, dice: Dice) -> Int64s:
    """Rows int64[N] that a model chooses at a depth, or by rollout."""
    rollout = None
    if options.rollout is not None:
        rollout = RolloutSettings(
            games=options.rollout, horizon=options.horizon or None, luck_turns=options.luck, max_error=options.error
        )
    engine = build_engine(
        EngineSpec(
            options.model,
            1 if options.ply is None else options.ply,
            options.filter,
            None if options.no_prune else PRUNER,
            rollout=rollout,
            threads=usable_processors(),
            within=options.within,
            shallow=options.shallow,
        )
    )
    if rollout is None:
        return engine.choose(boards, dice)
    ranked = engine.ranker.rank(Decisions.make(boards, dice))
    errors = [found[1].joint_error for found in ranked if len(found) > 1 and found[1].joint_error is not None]
    print(f"mean joint error of the first two: {1000 * float(np.mean(errors)):.1f} mpt", file=sys.stderr)
    return np.array([found[0].row for found in ranked])


def equal_depth_loss(decision: dict[str, Any], pick: str, judges: dict[int, GnubgJudge]) -> float | None:
    """Millipoints lost by a pick, judged like the best candidate; None where it was already.

    Args:
        decision: a line of labels.
        pick: ID after the play.
        judges: by depth; what is missing is added.
    """
    depths = {entry[0]: entry[3] if isinstance(entry[1], str) else entry[2] for entry in decision["cands"]}
    best = decision["cands"][0][0]
    depth = depths[best]
    if depths[pick] >= depth:
        return None
    judge = judges.setdefault(depth, GnubgJudge(depth))
    values = equities(from_cumulative(judge.chances(swap(parse_position_ids([best, pick])), depth)))
    return 1000 * max(0.0, float(values[0] - values[1]))


def show(estimate: Estimate, digits: int) -> str:
    """A figure with half the length of its interval."""
    half = estimate.half_width
    return f"{estimate.value:.{digits}f}" + ("" if half is None else f" +- {half:.{digits}f}")


if __name__ == "__main__":
    sys.exit(main())
