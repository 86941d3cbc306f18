"""Models against the first of them on fresh decisions: only where their choices differ is anybody asked to judge.

    python -m scripts.compare_models DIR default MODEL... --games 2000 --seed 1 [--player gnubg:0] [--random SHARE]
    python -m scripts.compare_models DIR default MODEL... --games 2000 --seed 1 --judge model --ply 2
    python -m scripts.compare_models DIR default MODEL... --games 2000 --seed 1 --judge sage:2

DIR/games holds games of the player against itself; every unforced decision counts. Where two models choose the same
play nothing tells them apart, whatever it is worth, so the judge, who takes a thousand times as long as they, sees the
others alone. The same command goes on where it stopped; other models reuse the games. Models choose at 0-ply with the
tables of the bear-off. Differences are millipoints for each unforced decision, the first model's loss taken off; below
zero is better than the first. Intervals are 95 %, clustered by game.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.data.decision_shards import take_decisions
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.net.packed_model import model_file
from backgammon.learner.net.scorer import DEFAULT_NAME
from backgammon.learner.teach.self_play import GamesPlan, play_into_shards
from backgammon.learner.teach.shard_labels import label_shards
from backgammon.learner.teach.teacher import PackedTeacher, TeacherSpec, pack_teacher
from backgammon.rules.phase import PHASES
from backgammon.tools.arrays import Bools, Float64s, Int64s
from backgammon.tools.intervals import estimate_mean
from backgammon.tools.jobs.content import digest_of
from backgammon.tools.jobs.delivery import is_finished
from backgammon.tools.jobs.work_unit import name_of
from backgammon.tools.jobs.workers import ProcessWorkers
from scripts.named_models import model_of
from scripts.program import note, program


def teacher_named(name: str, plies: int = 0) -> PackedTeacher:
    """Another program at the depth in its name, or the model that ships, which looks ahead so far."""
    return pack_teacher(TeacherSpec((name,), EngineSpec(plies=plies)))


def choices(model: str, shards: Shards, rows: Int64s) -> Int64s:
    """Rows int64[K] that a model chooses in the decisions `rows`, counted from the start of each."""
    engine = build_engine(EngineSpec(model_of(model)))
    return engine.choose(np.array(shards.boards[rows]), np.array(shards.dice[rows]))


def judged_differences(
    shards: Shards, rows: Int64s, picks: list[Int64s], judge: PackedTeacher, out: Path, workers: int
) -> list[Float64s]:
    """What each model but the first loses more than the first, float64[K] in points, by decision of `rows`.

    Args:
        shards: the games.
        rows: int64[K], unforced decisions.
        picks: choices of each model, int64[K].
        judge: is asked where they are not all the same.
        out: folder of the judged decisions; made, or found.
        workers: processes that judge.
    """
    at = np.flatnonzero(np.any([mine != picks[0] for mine in picks[1:]], axis=0))
    if not len(at):
        return [np.zeros(len(rows)) for _ in picks[1:]]
    if not is_finished(out):
        source = out.with_name(f"{out.name}-asked")
        taken = open_shards(source) if source.exists() else take_decisions(shards, rows[at], source)
        label_shards(taken, judge, out, workers=ProcessWorkers(workers), progress=_Count(len(at)))
    judged = open_shards(out)
    starts = judged.offsets[:-1]
    assert judged.equities is not None
    values = [judged.equities[starts + mine[at]].astype(np.float64) for mine in picks]
    found = []
    for mine in values[1:]:
        more = np.zeros(len(rows))
        more[at] = values[0] - mine
        found.append(more)
    return found


class _Count:
    """Says how far the judge is."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0

    def __call__(self, number: int) -> None:
        self._done += number
        note(f"judged {self._done:,} of {self._total:,}")


def show_difference(model: str, more: Float64s, differs: Bools, games: Int64s, phases: Int64s) -> None:
    """A line for all decisions, and one for each phase."""
    groups = [("all", np.ones(len(more), dtype=np.bool_))]
    groups += [(name, phases == code) for code, name in enumerate(PHASES)]
    click.echo(f"\n{model}: {differs.mean():.4f} of the choices differ")
    for name, members in groups:
        if members.any():
            found = estimate_mean(1000 * more[members], games[members])
            click.echo(f"{name:18s}{int(members.sum()):9,d}  {found.show(3)} mpt")


@program(__doc__)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("models", nargs=-1, required=True, metavar=f"{DEFAULT_NAME}|MODEL MODEL...")
@click.option("--player", default="gnubg:0", show_default=True, help="Who plays the games.")
@click.option("--judge", default="gnubg:2", show_default=True, help="Who judges: gnubg:N, sage:N or `model`.")
@click.option("--ply", "plies", type=click.IntRange(0, 3), default=0, show_default=True, help="Of the judge `model`.")
@click.option("--games", "num_games", type=int, default=2000, show_default=True)
@click.option("--random", "shares", type=float, multiple=True, default=(0.0,), help="See `pairgammon self-play`.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the games.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that judge.")
def main(
    folder: Path,
    models: tuple[str, ...],
    player: str,
    judge: str,
    plies: int,
    num_games: int,
    shares: tuple[float, ...],
    seed: int,
    workers: int,
) -> None:
    """Play, choose, judge, print."""
    if len(models) < 2:
        raise click.UsageError("name two models or more")
    plan = GamesPlan(num_games, shares, seed)
    play = folder / f"games-{name_of({'player': player, 'plan': [num_games, shares, seed]})[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    if not is_finished(play):
        play_into_shards(teacher_named(player), plan, play, ProcessWorkers(workers))
    shards = open_shards(play)
    rows = np.flatnonzero(shards.counts[:] > 1)
    picks = [choices(model, shards, rows) for model in models]
    contents = [digest_of(model_file(model_of(model)).read_bytes()) for model in models]
    asked = teacher_named(judge, plies)
    out = folder / f"judged-{name_of({'games': play.name, 'judge': asked.values, 'models': contents})[:12]}"
    differences = judged_differences(shards, rows, picks, asked, out, workers)
    games, phases = shards.game[rows].astype(np.int64), shards.phase[rows].astype(np.int64)
    click.echo(
        f"{len(rows):,} unforced decisions of {num_games:,} games of {player}, seed {seed}, random {list(shares)}; "
        f"judge {asked.name}; loss less that of {models[0]}"
    )
    for model, mine, more in zip(models[1:], picks[1:], differences, strict=True):
        show_difference(model, more, mine != picks[0], games, phases)


if __name__ == "__main__":
    main()
