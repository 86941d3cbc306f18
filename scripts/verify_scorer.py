"""Compare the play-time scorer (fixed-point first layer, no torch) with torch on the same weights.

    python -m scripts.verify_scorer [--model FILE] [--decisions 10000] [--seed 1]

Half of the decisions come from games of the model, half from random play. Prints the share of equal choices, the
largest difference of a score, and how close the two candidates are where the choices differ. Exit code 1 below 99.9 %.
"""

from __future__ import annotations

import click
import numpy as np
import torch

from backgammon.learner.net.scorer import load_scorer
from backgammon.learner.training.board_encoder import BoardEncoder
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Dice, Float32s
from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet
from comparison_net.network import make_network
from scripts.program import program
from scripts.verify_movegen import engine_decisions
from tests.positions import random_play_decisions

REQUIRED = 0.999
_PART = 500
"""Decisions that torch scores at a time."""


def torch_scores(net: CandidateNet, boards: Boards, dice: Dice) -> Float32s:
    """Scores float32[M] of all candidates of decisions int8[N, 26] and int8[N, 2], as training computes them."""
    parts = []
    for start in range(0, len(boards), _PART):
        part = slice(start, start + _PART)
        candidates, offsets = legal_candidates(boards[part], dice[part])
        chosen = np.zeros(len(offsets) - 1, dtype=np.int64)
        with torch.no_grad():
            answers = net.answers(ChoiceSets(candidates, offsets, chosen, boards[part]))
        parts.append(answers.scores.numpy())
    return np.concatenate(parts)


@program(__doc__)
@click.option("--model", help="A model file or run folder instead of the default model.")
@click.option("--decisions", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.pass_context
def main(ctx: click.Context, model: str | None, decisions: int, seed: int) -> None:
    """Score everything twice and compare."""
    scorer = load_scorer(model)
    half = decisions
    parts = [engine_decisions(half, seed, 0.0), random_play_decisions(half, seed)]
    boards = np.concatenate([part[0] for part in parts])
    dice = np.concatenate([part[1] for part in parts])
    has_choice = np.flatnonzero(np.diff(legal_candidates(boards, dice)[1]) > 1)
    picked = np.random.default_rng(seed).permutation(has_choice)[:decisions]
    boards, dice = boards[picked], dice[picked]
    candidates, offsets = legal_candidates(boards, dice)
    net = make_network(scorer.model.network, BoardEncoder())
    net.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in scorer.model.weights.items()})
    expected = torch_scores(net, boards, dice)
    found = scorer.scores(candidates)
    chosen = scorer.choose(boards, dice)
    is_over = (candidates <= 0).all(axis=1)
    expected_choice = np.where(is_over, np.inf, expected)  # a play that wins is never passed over
    gaps = []
    for i in range(len(boards)):
        block = expected_choice[offsets[i] : offsets[i + 1]]
        best = int(np.argmax(block))
        if best != chosen[i]:
            gaps.append(float(block[best] - block[chosen[i]]))
    share = 1 - len(gaps) / len(boards)
    print(f"{len(boards):,d} decisions, {len(candidates):,d} candidates, net {scorer.model.network}")
    print(f"equal choices {share:.4%}; largest difference of a score {np.abs(found - expected).max():.2e}")
    if gaps:
        print(f"where they differ torch's two scores are at most {max(gaps):.2e} apart")
    ctx.exit(0 if share >= REQUIRED else 1)


if __name__ == "__main__":
    main()
