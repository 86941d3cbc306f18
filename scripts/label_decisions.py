"""Let GNU Backgammon judge decisions drawn from shards, as lines of labels that `scripts.score_labels` reads.

    python -m scripts.self_play --games 400 --noise 0 0.05 0.3 --seed 779 --out wide
    python -m scripts.label_decisions wide --sample 6000 --plies 2 --out wide-2ply.jsonl.xz [--seed 1] [--workers 2]

The form is that of `scripts.make_expert_logs --labels`, where the filter is described too; `played` is what the shards
call chosen, and forced plays are left out. Needs `pip install -e '.[peers]'`. The file appears whole or not at all, and
depends on the shards and the seed alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.engine.peers.gnubg_judge import GnubgJudge
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.notation import position_ids
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.dice import make_roll
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import ConfigError, PairgammonError
from scripts.make_expert_logs import label, store

_CHUNK = 50


def label_rows(path: Path, rows: list[int], plies: int) -> list[dict[str, Any]]:
    """The labels of some decisions of a shards folder, in order."""
    judge = GnubgJudge(plies)
    shards = open_shards(path, verify=False)
    lines = []
    for row in rows:
        decision = Decision.make(Position(np.array(shards.boards[row])), make_roll(*shards.dice[row].tolist()))
        ranked = judge.rank(decision.candidates)
        played = position_ids(swap(decision.candidates[shards.chosen[row]])[None])[0]
        lines.append({"game": int(shards.game[row]), **label(decision, ranked), "played": played})
    return lines


def draw_rows(shards: Shards, sample: int, seed: int) -> Int64s:
    """Unforced decisions int64[K], ascending, drawn without replacement; all of them if there are no more."""
    unforced = np.flatnonzero(np.array(shards.counts) > 1)
    return np.sort(np.random.default_rng(seed).permutation(unforced)[:sample])


def main() -> int:
    """Draw, judge over worker processes, and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--sample", type=int, default=6000)
    parser.add_argument("--plies", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1, help="of the drawing")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    try:
        if options.out.exists():
            raise ConfigError(f"{options.out}: exists already; give another file or remove it")
        rows = draw_rows(open_shards(options.shards), options.sample, options.seed).tolist()
        pieces = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
        started = time.monotonic()
        lines: list[dict[str, Any]] = []
        with ProcessPoolExecutor(options.workers) as pool:
            for piece in pool.map(label_rows, [options.shards] * len(pieces), pieces, [options.plies] * len(pieces)):
                lines += piece
                rate = len(lines) / (time.monotonic() - started)
                print(f"{len(lines):,} of {len(rows):,} decisions, {rate:,.0f} decisions/s", file=sys.stderr)
        store(options.out, "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    except PairgammonError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ImportError:
        print("error: GNU Backgammon's package is missing; install it: pip install -e '.[peers]'", file=sys.stderr)
        return 1
    print(f"{len(lines):,} decisions in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
