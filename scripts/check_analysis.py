"""Compare our analysis of a match with GNU Backgammon's own report of it.

    python -m scripts.check_analysis [--ply 2] [--filter normal] [--model RUN_OR_FILE]

Judges tests/vectors/logs/gnubg-match5.mat and prints, beside the figures of tests/vectors/gnubg_match5_report.json:
counted decisions, equity lost, and how many of the five worst plays are the same. GNU Backgammon judged with the cube
and at the match score, we judge cubeless money, so the sums cannot agree exactly. Exit code 1 when the counts differ,
the equity lost by both players together differs by more than 15 %, or fewer than four of the five worst plays agree.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from backgammon.analysis.judging import JudgedMatch, judge_match
from backgammon.analysis.ranking import PlayJudge
from backgammon.analysis.report import Report, make_report
from backgammon.engine.engine_spec import EngineSpec
from backgammon.evaluation.strengths import FILTER_NAMES
from backgammon.learner.net.engine_builder import build_engine
from backgammon.records import read_logs
from backgammon.tools.errors import PairgammonError

VECTORS = Path(__file__).parent.parent / "tests" / "vectors"
TOLERANCE = 0.15
NUM_WORST, NUM_COMMON = 5, 4


def judge(options: argparse.Namespace) -> JudgedMatch:
    """Our analysis."""
    engine = build_engine(EngineSpec(options.model, options.ply, options.filter))
    ((record, replayed),) = read_logs([VECTORS / "logs" / "gnubg-match5.mat"]).matches()
    return judge_match(record, replayed, PlayJudge(engine.ranker))


def compare(report: Report, theirs: dict[str, Any]) -> bool:
    """Print both; True when they agree as the module's text says."""
    is_same = True
    print(f"judged by {report.match.engine}")
    for player in report.players:
        expected = theirs["unforced"][player.name], theirs["moves"][player.name]
        is_same &= (player.counted, player.rolls) == expected
        counts = f"counted {player.counted} of {player.rolls} rolls (GNU Backgammon {expected[0]} of {expected[1]})"
        losses = f"equity lost {player.total_loss:.3f} ({theirs['error_total'][player.name]:.3f})"
        print(f"{player.name}: {counts}, {losses}")
    own, other = sum(player.total_loss for player in report.players), sum(theirs["error_total"].values())
    print(f"both: equity lost {own:.3f} ({other:.3f}), {100 * (own / other - 1):+.1f} %")
    ours = {(roll.game, roll.roll + 1) for roll in report.worst}
    ranked = sorted(theirs["losses"], key=lambda one: -one["loss"])
    common = ours & {(one["game"], one["roll"]) for one in ranked[:NUM_WORST]}
    print(f"worst {NUM_WORST} plays in common: {len(common)}")
    return is_same and abs(own / other - 1) <= TOLERANCE and len(common) >= NUM_COMMON


def main() -> int:
    """Command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ply", type=int, default=2)
    parser.add_argument("--filter", choices=FILTER_NAMES, default="normal")
    parser.add_argument("--model", help="a run folder or checkpoint; without it the shipped model")
    options = parser.parse_args()
    theirs = json.loads((VECTORS / "gnubg_match5_report.json").read_text())
    try:
        report = make_report(judge(options), NUM_WORST)
    except PairgammonError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if compare(report, theirs) else 1


if __name__ == "__main__":
    sys.exit(main())
