"""Make the set that the shipped model learns from: games of GNU Backgammon and of the engine, all candidates judged.

    python -m scripts.teaching_set --out sets [--games 16000] [--own-games 24000] [--workers 2]
    pairgammon train sets/all --out runs/default --config scripts/recipes/default.toml

Needs `pip install -e '.[peers]'`. Half an hour on two cores, and 2 GB. Every step is a folder that appears whole; what
exists is left alone, so the same command goes on after an interruption:

    sets/logs                 games of GNU Backgammon 0-ply against itself (`scripts.make_expert_logs`)
    sets/expert, sets/own     their unforced decisions as shards; all decisions of the engine's own games, of which a
                              third have 5 % and a third 30 % random plays (`scripts.self_play`)
    sets/expert-judged, sets/own-judged
                              the same with GNU Backgammon's 0-ply chances of every candidate (`scripts.label_shards`)
    sets/all                  both together
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from backgammon.learner.data.decision_shards import join_shards
from backgammon.learner.data.shards import build_shards, open_shards
from backgammon.records import read_logs

EXPERT_SEED = 5_000_001
OWN_SEED = 21


def run_script(name: str, *arguments: object) -> None:
    """Run another script to its end; its progress is ours."""
    subprocess.run([sys.executable, "-m", f"scripts.{name}", *map(str, arguments)], check=True)


def main() -> int:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--games", type=int, default=16_000, help="of GNU Backgammon")
    parser.add_argument("--own-games", type=int, default=24_000, help="of the engine")
    parser.add_argument("--model", default=None, help="the engine's model; the default is the one that ships")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if min(options.games, options.own_games, options.workers) < 1:
        parser.error("--games, --own-games and --workers must be at least 1")
    out: Path = options.out
    workers = ("--workers", options.workers)
    run_script(
        "make_expert_logs",
        "--plies",
        0,
        "--games",
        options.games,
        "--seed",
        EXPERT_SEED,
        "--out",
        out / "logs",
        *workers,
    )
    if not (out / "expert").exists():
        build_shards(read_logs([out / "logs"]), out / "expert")
    if not (out / "own").exists():
        model = () if options.model is None else ("--model", options.model)
        run_script("self_play", "--games", options.own_games, "--seed", OWN_SEED, "--out", out / "own", *model)
    for name, chooser in (("expert", "keep"), ("own", "teacher")):
        if not (out / f"{name}-judged").exists():
            judged = ("--choose", chooser, "--out", out / f"{name}-judged")
            run_script("label_shards", out / name, "--teacher", "gnubg:0", *judged, *workers)
    if not (out / "all").exists():
        join_shards([open_shards(out / "expert-judged"), open_shards(out / "own-judged")], out / "all")
    print(f"{len(open_shards(out / 'all', verify=False)):,d} decisions in {out / 'all'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
