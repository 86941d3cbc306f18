"""Judge a model by labelled decisions: agreement with the best candidate and equity lost, by game phase.

    python -m scripts.score_labels LABELS... [--model FILE | --gnubg PLIES] [--json]

LABELS are files of `make_expert_logs --labels` (JSON lines, plain or .xz): every candidate with the equity of the
mover, the best first. A choice that was judged at 0-ply only, because it was too bad to be searched, costs the
difference between the best candidate's equity and that 0-ply equity. Losses are in millipoints for each unforced
decision; intervals are 95 %, clustered by game.
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

from backgammon.board import swap
from backgammon.intervals import Estimate, estimate_mean, estimate_rate
from backgammon.movegen import legal_candidates
from backgammon.notation import parse_position_ids, position_ids
from backgammon.phase import PHASES, phase_codes
from comparison_net.scorer import load_scorer
from scripts.make_expert_logs import Expert


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
    parser.add_argument("--gnubg", type=int, metavar="PLIES", help="judge GNU Backgammon at this ply (extra [peers])")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    decisions = list(read_labels(options.labels))
    boards = parse_position_ids([decision["id"] for decision in decisions])
    dice = np.array([decision["dice"] for decision in decisions], dtype=np.int8)
    candidates, offsets = legal_candidates(boards, dice)
    if options.gnubg is None:
        rows = load_scorer(options.model).choose(boards, dice)
    else:
        expert = Expert(options.gnubg)
        rows = np.array([expert.rank(candidates[a:b]).rows[0] for a, b in pairwise(offsets)])
    picks = position_ids(swap(candidates[offsets[:-1] + rows]))
    losses = np.empty(len(decisions))
    for i, (decision, pick) in enumerate(zip(decisions, picks, strict=True)):
        equities = {entry[0]: entry[1] for entry in decision["cands"]}
        # A candidate judged at 0-ply may look better than the best that was searched: that is no gain.
        losses[i] = 1000 * max(0.0, decision["cands"][0][1] - equities[pick])
    hits = np.array([float(d["cands"][0][0] == pick) for d, pick in zip(decisions, picks, strict=True)])
    games = {name: number for number, name in enumerate(dict.fromkeys(d["game"] for d in decisions))}
    units = np.array([games[decision["game"]] for decision in decisions])
    phases = phase_codes(boards)
    result: dict[str, tuple[int, Estimate, Estimate]] = {}
    for name, chosen in [*((n, phases == code) for code, n in enumerate(PHASES)), ("all", phases >= 0)]:
        if chosen.any():
            hit, lost = estimate_rate(hits[chosen], units[chosen]), estimate_mean(losses[chosen], units[chosen])
            result[name] = int(chosen.sum()), hit, lost
    if options.json:
        rows_out = {
            name: {"decisions": number, "agreement": asdict(hit), "loss": asdict(lost)}
            for name, (number, hit, lost) in result.items()
        }
        print(json.dumps(rows_out))
        return 0
    print(f"{len(decisions):,d} unforced decisions of {len(games)} games")
    for name, (number, hit, lost) in result.items():
        print(f"{name:18s}{number:7,d}  agreement {show(hit, 3)}  loss {show(lost, 2)} mpt")
    return 0


def show(estimate: Estimate, digits: int) -> str:
    """A figure with half the length of its interval."""
    half = estimate.half_width
    return f"{estimate.value:.{digits}f}" + ("" if half is None else f" +- {half:.{digits}f}")


if __name__ == "__main__":
    sys.exit(main())
