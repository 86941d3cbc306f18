"""Rounds of expert iteration: the engine's own look-ahead becomes the expert that the net learns from.

    python -m scripts.expert_iteration --start default --out rounds [--rounds 2] [--games 40000] [--also SHARDS ...]

Needs `pip install -e '.[peers]'`; about an hour and a half a round on two cores, and 3 GB. A round:

    rounds/1/own       games of the net against itself, a third of them with 5 % and a third with 20 % random plays
    rounds/1/wild      fewer games with 15, 30 and 50 % random plays: what the net meets nowhere else
    rounds/1/*-judged  every candidate with GNU Backgammon's 0-ply chances
    rounds/1/*-deep    the best candidates of a sample judged one ply deeper, by the net and those chances together
                       (`scripts.label_shards --deepen`, "joint")
    rounds/1/set       the deep sets of this round and of those before (--memory says how many), and what --also names
    rounds/1/run       `scripts/recipes/default.toml` on it, from the net of the round before

With --alone nobody else has a say and no other package is needed: the net's own chances stand in the place of GNU
Backgammon's, its own look-ahead judges deeper, and the small net that proposes the replies inside it, rounds/1/pruner,
learns from rounds/1/own-judged (the one that ships has learnt from other labels).

With --prefer POINTS the net is a student that its teacher's choices alone have taught, and its own look-ahead: the
games are GNU Backgammon's, rounds/1/expert, the labels the net's own as with --alone, and what GNU Backgammon chose
counts so many points more (`scripts.label_shards --prefer`; 0.02 to 0.03 for nets that lose 2.3 to 2.8 mpt at 1 ply).
The small net is --pruner's, or learns from the choices. --seed gives other games to a later command.

Every step is a folder that appears whole; what exists is left alone, so the same command goes on after an
interruption. rounds/K/run holds the net of round K; `scripts.ship_model` puts one into the package.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from backgammon.learner.data.decision_shards import join_shards
from backgammon.learner.data.shards import open_shards
from comparison_net.training.run_folder import RunFolder

RECIPES = Path(__file__).resolve().parent / "recipes"
RECIPE = "default.toml"
PRUNER = "pruner.toml"
NOISES: dict[str, tuple[float, ...]] = {"own": (0.0, 0.05, 0.2), "wild": (0.15, 0.3, 0.5)}
"""Shares of random plays, taken in turn, by the kind of games."""
WILD_SHARE = 0.3
"""Wild games for each of the others."""
STUDENT_NOISES = (0.0, 0.0, 0.2)
"""Shares of random plays in an expert's games."""


class Step(NamedTuple):
    """One command.

    Attributes:
        made: the folder that is there when it is done.
        command: arguments after the interpreter.
    """

    made: Path
    command: tuple[str, ...]


class Plan(NamedTuple):
    """What every round is like.

    Attributes:
        games: of the net against itself.
        sample: decisions that are judged deeper.
        workers: processes.
        is_alone: without GNU Backgammon.
        prefer: points more for its choices, in its own games; 0 for other games and labels.
        pruner: proposes the replies of a student that prefers such choices; empty for one that learns from them.
        seed: added to that of the games.
    """

    games: int
    sample: int
    workers: int
    is_alone: bool
    prefer: float = 0.0
    pruner: str = ""
    seed: int = 0


def plan_labels(folder: Path, number: int, model: str, plan: Plan) -> Iterator[Step]:
    """The steps that make the labels of a round, in order.

    Args:
        folder: of the round.
        number: of the round, from 1; it seeds the games.
        model: the net of the round before, as `--model` and `--teacher` take it.
        plan: of all rounds.
    """
    if plan.prefer:
        yield from _plan_student(folder, number, model, plan)
        return
    named = () if model == "default" else ("--model", model)
    small = folder / "pruner"
    for place, (kind, noises) in enumerate(NOISES.items()):
        share = 1.0 if kind == "own" else WILD_SHARE
        raw, judged, deep = folder / kind, folder / f"{kind}-judged", folder / f"{kind}-deep"
        play = (
            "scripts.self_play",
            "--games",
            str(round(plan.games * share)),
            "--seed",
            str(plan.seed + 100 * number + place),
        )
        yield Step(raw, ("-m", *play, "--noise", *map(str, noises), *named, "--out", str(raw)))
        label = ("-m", "scripts.label_shards", "--choose", "teacher", "--workers", str(plan.workers))
        yield Step(judged, (*label, str(raw), "--teacher", model if plan.is_alone else "gnubg:0", "--out", str(judged)))
        if plan.is_alone and kind == "own":
            yield plan_training(judged, small, PRUNER, [])
        teacher, pruner = (model, str(small)) if plan.is_alone else (f"joint:{model}", "default")
        deeper = ("--deepen", "--teacher", teacher, "--pruner", pruner, "--sample", str(round(plan.sample * share)))
        yield Step(deep, (*label, str(judged), *deeper, "--out", str(deep)))


def _plan_student(folder: Path, number: int, model: str, plan: Plan) -> Iterator[Step]:
    """`plan_labels` with the expert's games and choices."""
    raw, judged, deep = folder / "expert", folder / "expert-judged", folder / "expert-deep"
    play = ("-m", "scripts.self_play", "--model", "gnubg:0", "--games", str(plan.games))
    noises = ("--noise", *map(str, STUDENT_NOISES))
    yield Step(raw, (*play, *noises, "--seed", str(plan.seed + 100 * number), "--out", str(raw)))
    small = plan.pruner or str(folder / "pruner")
    if not plan.pruner:
        yield plan_training(raw, Path(small), PRUNER, ["loss=listwise"])
    label = ("-m", "scripts.label_shards", "--teacher", model, "--pruner", small, "--workers", str(plan.workers))
    yield Step(judged, (*label, str(raw), "--out", str(judged)))
    deeper = ("--deepen", "--values", "--prefer", str(plan.prefer), "--sample", str(plan.sample))
    yield Step(deep, (*label, str(judged), *deeper, "--out", str(deep)))


def plan_training(shards: Path, run: Path, recipe: str, settings: list[str]) -> Step:
    """The step that trains a run by a recipe of `RECIPES`, with other settings where some are given."""
    texts = [text for setting in settings for text in ("--set", setting)]
    command = ("-m", "scripts.expert_iteration", "--train", str(shards), str(run), recipe, *texts)
    return Step(run / "summary.json", command)


def train(shards: str, run: Path, recipe: str, settings: list[str]) -> int:
    """`pairgammon train` with a recipe, resumed if it was interrupted."""
    from backgammon.cli import main as command_line

    texts = [text for setting in settings for text in ("--set", setting)]
    resume = ("--resume",) if RunFolder(run).is_started else ()
    sys.argv = ["pairgammon", "train", shards, "--out", str(run), "--config", str(RECIPES / recipe), *texts, *resume]
    command_line()
    return 0


def do(step: Step) -> None:
    """Run a step that has not been done; its progress is ours."""
    if not step.made.exists():
        subprocess.run([sys.executable, *step.command], check=True)


def main() -> int:
    """All rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--start", default="default", help="the net of round 0: a model file, a run, or the default")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--games", type=int, default=40_000)
    parser.add_argument("--sample", type=int, default=1_200_000, help="decisions of a round that are judged deeper")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="further labelled shards to learn from")
    parser.add_argument("--alone", action="store_true", help="without GNU Backgammon")
    parser.add_argument(
        "--prefer", type=float, default=0.0, metavar="POINTS", help="learn from GNU Backgammon's choices"
    )
    parser.add_argument("--pruner", default="", help="with --prefer, a small model for the replies")
    parser.add_argument("--seed", type=int, default=0, help="other games")
    parser.add_argument("--memory", type=int, default=0, help="learn from the deep sets of so many rounds; 0 for all")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--set", dest="settings", action="append", default=[], help="a setting of the training")
    parser.add_argument("--train", nargs=3, metavar=("SHARDS", "RUN", "RECIPE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        shards, run, recipe = options.train
        return train(shards, Path(run), recipe, options.settings)
    numbers = (options.rounds, options.games, options.sample, options.workers)
    if options.out is None or min(numbers) < 1 or options.memory < 0:
        parser.error("--out is needed, --rounds, --games, --sample and --workers at least 1, --memory at least 0")
    if options.prefer < 0 or (options.prefer and (options.alone or options.start == "default")):
        parser.error("--prefer takes points above 0 and a --start that has learnt from choices, and no --alone")
    if options.pruner and not options.prefer:
        parser.error("--pruner goes with --prefer")
    plan = Plan(
        games=options.games,
        sample=options.sample,
        workers=options.workers,
        is_alone=options.alone,
        prefer=options.prefer,
        pruner=options.pruner,
        seed=options.seed,
    )
    kinds = ("expert",) if options.prefer else tuple(NOISES)
    model: str = options.start
    deep: list[Path] = []
    for number in range(1, options.rounds + 1):
        folder: Path = options.out / str(number)
        for step in plan_labels(folder, number, model, plan):
            do(step)
        deep = [*deep, *(folder / f"{kind}-deep" for kind in kinds)][-options.memory * len(kinds) :]
        if not (folder / "set").exists():
            join_shards([open_shards(path) for path in (*deep, *options.also)], folder / "set")
        if model == "default":
            package = Path(__file__).resolve().parent.parent / "backgammon"
            model = str(package / "learner" / "net" / "models" / "default.safetensors")
        do(plan_training(folder / "set", folder / "run", RECIPE, [f'start="{model}"', *options.settings]))
        model = str(folder / "run")
        print(f"round {number}: {model}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
