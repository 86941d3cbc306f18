"""Judge a model by labelled decisions: agreement with the best candidate and equity lost, by game phase.

    python -m scripts.score_labels LABELS... [--model FILE [--ply N] [--filter NAME] [--rollout GAMES [--horizon N]]]
    python -m scripts.score_labels LABELS... --ply 1 --no-prune --shallow 0.1
    python -m scripts.score_labels LABELS... --ply 2 --filter staged --against normal
    python -m scripts.score_labels LABELS... --ply 2 --leaning 0
    python -m scripts.score_labels LABELS... --peer gnubg:0
    python -m scripts.score_labels LABELS... --ply 2 --peer gnubg:2
    python -m scripts.score_labels LABELS... --ply 2 --beside before.safetensors

LABELS are files of `pairgammon label` (JSON lines, plain or .xz): every candidate with the equity of the
mover, the best first. A choice that was judged at 0-ply only, because it was too bad to be searched, costs the
difference between the best candidate's equity and that 0-ply equity. Losses are in millipoints for each unforced
decision; intervals are 95 %, clustered by game. With --rollout the mean standard error of the difference between the
best candidate and the next one is printed too. With --rejudge a program, best the one that made the labels, judges such
choices, and the best candidates beside them, at the depth of the best: what is left is what the two differ by in its
eyes. --peer alone scores that program; with --ply or --rollout it is compared with, over the same decisions: what we
lose more than it does; with --beside another model is, in the same way. Without any of them the net chooses by itself,
without the tables of the bear-off.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from backgammon.engine.engine_spec import PRUNER, EngineSpec
from backgammon.engine.peers.judge_loader import load_judge
from backgammon.engine.peers.peer_name import PEER_JUDGES, PROGRAMS, PeerName
from backgammon.evaluation.outcome import equities, from_cumulative
from backgammon.evaluation.strengths import DEFAULT_FILTER, FILTER_NAMES
from backgammon.learner.measure.label_scores import MILLIPOINTS, LabelScores, choice_losses, score_choices, unforced
from backgammon.learner.net.engine_builder import build_engine
from backgammon.records import read_labels
from backgammon.records.decision_set import DecisionSet
from backgammon.search import RolloutSettings
from backgammon.tools.arrays import Float64s, Int64s
from backgammon.tools.intervals import estimate_mean
from backgammon.tools.processors import usable_processors
from scripts.named_models import model_of
from scripts.program import program


@program(__doc__)
@click.argument("labels", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="A model file or run folder instead of the default model.")
@click.option("--ply", type=int, help="Look ahead so far; the model must have outcomes.")
@click.option("--filter", "keeps", type=click.Choice(FILTER_NAMES), default=DEFAULT_FILTER, help="Of the look-ahead.")
@click.option("--against", type=click.Choice(FILTER_NAMES), help="Print the paired difference to this filter too.")
@click.option("--rollout", type=int, metavar="GAMES", help="Roll out what the look-ahead keeps.")
@click.option("--error", type=float, help="Stop the rollouts at this standard error, see RolloutSettings.")
@click.option("--horizon", default=7, metavar="PLIES", help="Truncate rollouts there; 0: never.")
@click.option("--luck", type=int, metavar="TURNS", help="Subtract the luck of so many first rolls only.")
@click.option("--no-prune", is_flag=True, help="No small net inside the look-ahead.")
@click.option("--within", type=float, help="How far behind its best the small net proposes replies.")
@click.option("--shallow", type=float, help="Share of the evaluator's own value at 1 ply.")
@click.option("--leaning", type=float, help="Count leanings so in a look-ahead, and compare with the engine's own way.")
@click.option(
    "--rejudge", type=click.Choice(tuple(PROGRAMS)), help="Judges choices and best candidates at equal depth."
)
@click.option("--limit", type=int, help="Take so many decisions from the beginning.")
@click.option("--peer", type=click.Choice(tuple(PEER_JUDGES)), metavar="NAME", help="The choices of gnubg:N or sage:N.")
@click.option("--beside", metavar="MODEL", help="Print the paired difference to this model too.")
@click.option("--json", "as_json", is_flag=True)
def main(
    labels: tuple[Path, ...],
    model: str | None,
    ply: int | None,
    keeps: str,
    against: str | None,
    rollout: int | None,
    error: float | None,
    horizon: int,
    luck: int | None,
    no_prune: bool,
    within: float | None,
    shallow: float | None,
    leaning: float | None,
    rejudge: str | None,
    limit: int | None,
    peer: str | None,
    beside: str | None,
    as_json: bool,
) -> None:
    """Choose in every decision, look the choice up, print a line a phase."""
    looks_ahead = ply is not None or rollout is not None
    if against is not None and (ply is None or as_json):
        raise click.UsageError("--against compares filters of a look-ahead: give --ply, without --json")
    if leaning is not None and as_json:
        raise click.UsageError("--leaning prints a difference: leave out --json")
    if beside is not None and (not looks_ahead or as_json):
        raise click.UsageError("--beside compares engines: give --ply or --rollout, without --json")
    if peer is not None and looks_ahead and as_json:
        raise click.UsageError("--peer beside a look-ahead prints the difference to that program: leave out --json")
    if not looks_ahead and (no_prune or any(one is not None for one in (within, shallow, leaning))):
        raise click.UsageError("--no-prune, --within, --shallow and --leaning shape a look-ahead: give --ply too")
    found = unforced(read_labels(labels)[0])
    found = found.take(np.arange(len(found))[:limit])
    games = None
    if rollout is not None:
        games = RolloutSettings(games=rollout, horizon=horizon or None, luck_turns=luck, max_error=error)
    pruner, depth, threads = None if no_prune else PRUNER, 1 if ply is None else ply, usable_processors()
    spec = EngineSpec(model, depth, keeps, pruner, rollout=games, threads=threads)
    deep = replace(spec, within=within, shallow=shallow, leaning=leaning)
    if looks_ahead:
        rows = choose_by_engine(deep, found)
    elif peer is None:
        rows = choose_by_engine(EngineSpec(model, pruner=None, bearoff=False), found)
    else:
        rows = choose_by_peer(peer, found)
    losses = choice_losses(found, rows)
    num_rejudged = 0 if rejudge is None else judge_again(found, rows, losses, rejudge)
    for name, others in rivals(found, deep, against, peer if looks_ahead else None, beside):
        theirs = choice_losses(found, others)
        if rejudge is not None:
            judge_again(found, others, theirs, rejudge)
        more = estimate_mean(losses - theirs, found.decisions.unit)
        print(f"against {name}: {more.show(3)} mpt, {np.mean(rows != others):.4f} of the choices differ")
    scores = score_choices(found, rows, losses)
    if as_json:
        print(json.dumps({row.name: asdict(row) for row in (*scores.by_phase, scores.overall)}))
        return
    show(scores, f"{num_rejudged} choices judged again\n" if rejudge else "")


def rivals(
    found: DecisionSet, deep: EngineSpec, against: str | None, peer: str | None, beside: str | None
) -> Iterator[tuple[str, Int64s]]:
    """Names and choices int64[N] of those that a look-ahead is compared with."""
    if against is not None:
        yield against, choose_by_engine(replace(deep, filter_name=against), found)
    if peer is not None:
        yield peer, choose_by_peer(peer, found)
    if deep.leaning is not None:
        yield "the engine's own leaning", choose_by_engine(replace(deep, leaning=None), found)
    if beside is not None:
        yield beside, choose_by_engine(replace(deep, model=model_of(beside)), found)


def choose_by_engine(spec: EngineSpec, found: DecisionSet) -> Int64s:
    """Rows int64[N] that a model chooses at a depth, or by rollout."""
    engine = build_engine(spec)
    if spec.rollout is None:
        return engine.choose(found.decisions.boards, found.decisions.dice)
    ranked = engine.ranker.rank(found.decisions)
    errors = [two[1].joint_error for two in ranked if len(two) > 1 and two[1].joint_error is not None]
    print(f"mean joint error of the first two: {MILLIPOINTS * float(np.mean(errors)):.1f} mpt", file=sys.stderr)
    return np.array([one[0].row for one in ranked])


def choose_by_peer(name: str, found: DecisionSet) -> Int64s:
    """Rows int64[N] that another program chooses."""
    expert, candidates = load_judge(PEER_JUDGES[name]), found.decisions.candidates
    return np.array([expert.rank(candidates[a:b]).rows[0] for a, b in pairwise(found.decisions.offsets)])


def judge_again(found: DecisionSet, rows: Int64s, losses: Float64s, by: str) -> int:
    """Put into `losses` what choices lose that were judged less deeply than the best; gives how many there are."""
    assert found.labels is not None
    picks, bests = found.decisions.places(rows), found.decisions.places(found.labels.best)
    plies, candidates = found.labels.plies, found.decisions.candidates
    again = np.flatnonzero((losses > 0) & (plies[picks] < plies[bests]))
    load = cache(lambda depth: load_judge(PeerName(by, depth)))
    for i in again.tolist():
        depth = int(plies[bests[i]])
        best, pick = equities(from_cumulative(load(depth).chances(candidates[[bests[i], picks[i]]], depth)))
        losses[i] = MILLIPOINTS * max(0.0, float(best - pick))
    return len(again)


def show(scores: LabelScores, note: str) -> None:
    """A line for each phase."""
    overall = scores.overall
    print(f"{overall.decisions:,d} unforced decisions of {overall.games} games\n{note}", end="")
    for row in (*scores.by_phase, overall):
        loss = "not judged" if row.loss is None else f"{row.loss.show(2)} mpt"
        left = f"  not judged {row.not_judged:.3f}" if row.not_judged else ""
        print(f"{row.name:18s}{row.decisions:7,d}  agreement {row.agreement.show(3)}  loss {loss}{left}")


if __name__ == "__main__":
    main()
