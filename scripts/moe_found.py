"""Experts found by loss: hard EM over small residual experts beside a net that is trained already.

    python -m scripts.moe_experiment DIR --judge later --losses soft --seeds 1,2,3 --recipes "dense phase"
    python -m scripts.moe_found DIR [--shared phase] [--experts 1 --experts 16 --experts 64] [--seeds 1,2,3]

N decisions, M candidates, H units of the first layer, E experts, R units of each.

The score of a candidate is that of the shared net, which stays as it is, plus that of one expert of its decision, a net
of R rectified units on the shared first layer. In training the expert is found by the loss: each takes the decisions
that it explains best, by the loss under it and by how likely a gate on the position before the play holds it, spread
over the experts by Sinkhorn's plan (hard EM; Jordan and Jacobs 1994). The gate learns to foresee these assignments, and
alone says at play time who is asked. *One* expert is the control: as much training, nothing to route.

Judged on a set of `moe_sets.JUDGED`, against the shared net and against one expert; figures as in `moe_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor, nn

from backgammon.learner.data.comparisons import choice_sets
from backgammon.learner.measure.label_scores import choice_losses
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.records import DecisionSet, read_labels
from backgammon.rules import ragged
from backgammon.tools.arrays import Float64s
from backgammon.tools.errors import DataError
from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet
from comparison_net.losses import soft_loss
from comparison_net.moe.experts import StackedLinear
from comparison_net.moe.selection import ask
from comparison_net.moe.transport import sinkhorn_plans
from comparison_net.network import make_network
from scripts.moe_experiment import Cell, read_recipe
from scripts.moe_sets import JUDGED, Sets, TaughtDecisions, judged_set, make_sets
from scripts.moe_table import differences, estimate, pool_seeds
from scripts.program import note, program

UNITS = 4
"""R."""
DECISIONS = 40_000
"""Learnt from, in one pass."""
BATCH = 256
RATES = (0.002,)
TEMPERATURE = 0.03
"""Of the soft labels, as the cells had it."""


class FoundExperts(nn.Module):
    """Residual experts on the first layer of a shared net, and the gate of the decision."""

    def __init__(self, shared: CandidateNet, num_experts: int) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        width = shared.config.hidden[0]
        self.layer = StackedLinear(num_experts, width, UNITS)
        self.score = nn.Parameter(torch.randn(num_experts, UNITS) * 0.1)
        self.gate = nn.Linear(width, num_experts)

    def residuals(self, hidden: Tensor) -> Tensor:
        """What every expert adds to the score of candidates, float32[M, E], from first units float32[M, H]."""
        units = torch.relu(hidden @ self.layer.weight.flatten(0, 1).T + self.layer.bias.flatten())
        return (units.reshape(len(hidden), *self.score.shape) * self.score).sum(2)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the shared net gives for a batch.

    Attributes:
        hidden: float32[M, H], first units of the candidates.
        before: float32[N, H], those of the positions before the play.
        scores: float32[M].
    """

    hidden: Tensor
    before: Tensor
    scores: Tensor


def look(shared: CandidateNet, sets: ChoiceSets) -> Seen:
    """The shared net on a batch, without gradients."""
    with torch.no_grad():
        before = shared.first_units(shared.encoder.decisions(sets), 0.0)
        return Seen(shared.first_units(sets, 0.0), before, shared.answers(sets).scores)


def losses_by_expert(total: Tensor, sets: ChoiceSets) -> Tensor:
    """Loss of every decision under every expert, float32[N, E], of scores float32[M, E]."""
    mask = torch.from_numpy(sets.mask())
    assert sets.values is not None
    values = torch.zeros(mask.shape).masked_scatter(mask, torch.from_numpy(np.asarray(sets.values, np.float32)))
    chosen = torch.from_numpy(sets.chosen)
    columns = []
    for scores in total.T:
        padded = torch.zeros(mask.shape).masked_scatter(mask, scores)
        columns.append(soft_loss(padded, mask, chosen, values, TEMPERATURE))
    return torch.stack(columns, 1)


def train(shared: CandidateNet, source: TaughtDecisions, num_experts: int, rate: float, seed: int) -> FoundExperts:
    """Experts and gate after one pass of EM."""
    torch.manual_seed(seed)
    found = FoundExperts(shared, num_experts)
    optimizer = torch.optim.AdamW(found.parameters(), lr=rate)
    order = np.random.default_rng(seed).permutation(len(source))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(batches))
    for rows in batches:
        sets = source.sets(rows)
        seen = look(shared, sets)
        losses = losses_by_expert(seen.scores[:, None] + found.residuals(seen.hidden), sets)
        log_shares = torch.log_softmax(found.gate(seen.before), 1)
        with torch.no_grad():
            plan = sinkhorn_plans((log_shares - losses)[None].numpy())
        taken = torch.from_numpy(ask(plan[0], 1))
        loss = losses.gather(1, taken).mean() - log_shares.gather(1, taken).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return found


def scores(shared: CandidateNet, found: FoundExperts | None, sets: ChoiceSets) -> Tensor:
    """Scores float32[M] at play time: the gate says whose residual is added; None for the shared net alone."""
    seen = look(shared, sets)
    if found is None:
        return seen.scores
    with torch.no_grad():
        taken = found.gate(seen.before).argmax(1)[torch.from_numpy(sets.owners())]
        return seen.scores + found.residuals(seen.hidden).gather(1, taken[:, None])[:, 0]


def tuning_loss(shared: CandidateNet, found: FoundExperts, sets: Sets) -> float:
    """Millipoints lost on a tenth of the tuning set by its labels."""
    source = TaughtDecisions(sets.shards, sets.tuning[::10], True)
    lost = []
    for rows in source.parts(np.arange(len(source)), 20_000):
        part = source.sets(rows)
        lost.append(part.value_losses(ragged.best(scores(shared, found, part).numpy(), part.offsets)))
    return 1000 * float(np.concatenate(lost).mean(dtype=np.float64))


def judge(shared: CandidateNet, found: FoundExperts | None, labelled: DecisionSet) -> tuple[Float64s, Float64s]:
    """Millipoints lost and agreement, float64[N] each, on a judged set."""
    assert labelled.labels is not None
    picks = np.empty(len(labelled), dtype=np.int64)
    for start in range(0, len(labelled), 500):
        part = labelled.take(np.arange(start, min(start + 500, len(labelled))))
        assert part.labels is not None
        batch = choice_sets(part.decisions, part.labels.best)
        picks[start : start + len(part)] = ragged.best(scores(shared, found, batch).numpy(), batch.offsets)
    hits = (picks == labelled.labels.best).astype(np.float64)
    return choice_losses(labelled, picks).astype(np.float64), hits


def load_shared(folder: Path, recipe: str, seed: int) -> CandidateNet:
    """The net of a cell.

    Raises:
        DataError: it is not trained yet.
    """
    path = folder / "cells" / f"{Cell(recipe, 'soft', seed).name}.npz"
    if not path.exists():
        raise DataError(f"{path}: is not trained yet; run scripts.moe_experiment with {recipe}")
    net = make_network(read_recipe(recipe).network, BoardEncoder())
    weights = np.load(path)
    net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights})
    return net


@program(__doc__)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--shared", "recipe", default="phase", show_default=True, help="The recipe of the shared net.")
@click.option("--experts", "sizes", multiple=True, type=click.IntRange(1, 64), default=(1, 16, 64), show_default=True)
@click.option("--seeds", default="1,2,3", show_default=True)
@click.option("--judge", "judged", type=click.Choice(list(JUDGED)), default="later", show_default=True)
def main(folder: Path, recipe: str, sizes: tuple[int, ...], seeds: str, judged: str) -> None:
    """Train, judge, print the table."""
    torch.set_num_threads(1)
    sets = make_sets(folder / "sets")
    source = TaughtDecisions(sets.shards, sets.train[:: len(sets.train) // DECISIONS], True)
    labelled, _ = read_labels([judged_set(folder / "sets", judged)])
    names = ["shared", *map(str, sizes)]
    losses: dict[str, dict[int, Float64s]] = {name: {} for name in names}
    hits: dict[str, dict[int, Float64s]] = {name: {} for name in names}
    rates: dict[int, float] = {}
    for seed in map(int, seeds.split(",")):
        shared = load_shared(folder, recipe, seed)
        losses["shared"][seed], hits["shared"][seed] = judge(shared, None, labelled)
        for size in sizes:
            tried = [rates[size]] if size in rates else RATES
            nets = {rate: train(shared, source, size, rate, seed) for rate in tried}
            lost = {rate: tuning_loss(shared, net, sets) for rate, net in nets.items()}
            rates[size] = min(lost, key=lost.__getitem__)
            note(
                f"seed {seed}, {size} experts: " + ", ".join(f"{rate}: {value:.3f} mpt" for rate, value in lost.items())
            )
            losses[str(size)][seed], hits[str(size)][seed] = judge(shared, nets[rates[size]], labelled)
    click.echo("\n".join(table(losses, hits, labelled)))


def table(
    losses: dict[str, dict[int, Float64s]], hits: dict[str, dict[int, Float64s]], labelled: DecisionSet
) -> list[str]:
    """A row for each number of experts: what is lost, and differences to the shared net and to the first number."""
    games = labelled.decisions.unit
    control = list(losses)[1]
    lines = [
        f"| experts | loss, mpt | against shared | against {control} | could have seen | agreement against shared |"
    ]
    lines.append("|---" * 6 + "|")
    for name, found in losses.items():
        figures = [f"{np.mean([row.mean() for row in found.values()]):.2f}"]
        for other in ("shared", control):
            apart = differences(found, losses[other])
            gap = estimate(apart, games, pool_seeds([apart]))
            figures.append("" if name in ("shared", other) else gap.show(2, "+"))
        figures.append("" if name in ("shared", control) else f"{gap.visible:.2f}")
        apart = differences(hits[name], hits["shared"])
        agreed = estimate(apart, games, pool_seeds([apart]))
        figures.append("" if name == "shared" else agreed.show(4, "+"))
        lines.append(f"| {name} | " + " | ".join(figures) + " |")
    return lines


if __name__ == "__main__":
    main()
