"""One step of the optimiser shared by several threads, with a result that does not depend on how many they are.

B decisions of a batch, N the most candidates of one of them, M candidates of all of them, R those whose outcome is
known.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backgammon.learner.data.comparisons import (
    Comparisons,
    OutcomeTargets,
    make_comparisons,
    outcome_targets,
    split_rows,
)
from backgammon.learner.data.shards import Shards
from backgammon.learner.net.outcome_mask import allowed_outcomes
from backgammon.learner.training.first_layer import candidate_outputs, mixture_outputs
from backgammon.rules.phase import PHASES
from comparison_net.config import TrainConfig
from comparison_net.losses import loss_named, outcome_loss
from comparison_net.moe.mixed import Mixed, MixtureNet, TrainingDraw
from comparison_net.moe.spread import Spread
from comparison_net.network import CandidateNet, masked_probabilities
from comparison_net.tools import usable_processors
from comparison_net.training.run_state import make_net, make_optimizer
from comparison_net.training.verdict import Verdict

RowNumbers = npt.NDArray[np.int64]

PART_CANDIDATES = 8192
"""Candidates of a part, before any are sampled: enough to hide the interpreter and what each part costs whatever its
size, few enough for the caches. A batch of 1,024 decisions is two parts. It decides the order of sums."""

_PIPELINE_BATCHES = 8
_PIPELINE_SECONDS = 1.5


class Answers(NamedTuple):
    """What a network says about a batch, and what it should have said about outcomes.

    Attributes:
        scores: float32[B, N], 0 on padding.
        mask: bool[B, N], True on real candidates.
        outcomes: of the candidates whose outcome is known; None without an outcome head.
        mixed: what a mixture says besides; None for a dense network.
    """

    scores: Tensor
    mask: Tensor
    outcomes: OutcomeAnswers | None
    mixed: Mixed | None


class PartResult(NamedTuple):
    """What a part adds to a step.

    Attributes:
        decisions: their number.
        loss: sum over the decisions.
        gradients: of the sum, by parameter.
        spread: of a mixture's tokens; None for a dense network.
    """

    decisions: int
    loss: float
    gradients: tuple[Tensor, ...]
    spread: Spread | None


class OutcomeAnswers(NamedTuple):
    """Outcomes of R candidates.

    Attributes:
        logits: float32[R, 6].
        possible: bool[R, 6].
        targets: what they should be.
    """

    logits: Tensor
    possible: Tensor
    targets: OutcomeTargets

    def losses(self) -> Tensor:
        """The outcome loss of each candidate, float32[R]."""
        return outcome_loss(self.logits, self.possible, torch.from_numpy(self.targets.probabilities))


class Stepper:
    """A pool of workers that computes gradients and verdicts on shards; use it as a context manager.

    While it is open, torch runs single-threaded in this process: the workers are the parallelism.
    """

    def __init__(self, shards: Shards | None, config: TrainConfig) -> None:
        """Workers start with the first work; without shards there is `train_on` alone."""
        self._shards = shards
        self.config = config
        self.num_workers = config.threads or usable_processors()
        self.spread: Spread | None = None
        """How a mixture's tokens were spread in the last step."""
        self._loss = loss_named(config.loss, config.soft_temperature)

    @property
    def shards(self) -> Shards:
        """What `train` and `judge` read."""
        assert self._shards is not None, "made without shards"
        return self._shards

    def __enter__(self) -> Stepper:
        self._saved = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        self._saved_filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        torch.set_num_threads(1)
        # A fifth of the time went into filling fresh memory with NaN; everything here writes before it reads.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(True)
        self._pool = ThreadPoolExecutor(self.num_workers, thread_name_prefix="step")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._saved[0])
        torch.use_deterministic_algorithms(self._saved[1])
        torch.utils.deterministic.fill_uninitialized_memory = self._saved_filling  # type: ignore[attr-defined]

    def train(
        self, net: CandidateNet, optimizer: torch.optim.Optimizer, rows: RowNumbers, rate: float, step: int = 0
    ) -> float:
        """One step on the decisions `rows`; gives their mean loss before it.

        Args:
            net: network whose parameters `optimizer` holds.
            optimizer: makes the step.
            rows: int64[B] of the shards.
            rate: step size.
            step: its number; seeds what a mixture draws in training.

        Raises:
            DataError: see `make_comparisons`.
        """

        def work(number: int, part: RowNumbers) -> PartResult:
            return self._gradients(net, make_comparisons(self.shards, part), (step, number))

        parts = split_rows(self.shards, rows, PART_CANDIDATES)
        return self._step(net, optimizer, self._pool.map(work, range(len(parts)), parts), rate)

    def train_on(
        self, net: CandidateNet, optimizer: torch.optim.Optimizer, parts: Iterable[Comparisons], rate: float
    ) -> float:
        """`train` on parts that are in memory already."""
        return self._step(net, optimizer, self._pool.map(lambda part: self._gradients(net, part, (0, 0)), parts), rate)

    def judge(self, net: CandidateNet, rows: RowNumbers) -> Verdict:
        """How well `net` does on the decisions `rows`, int64[B]."""
        parts = split_rows(self.shards, rows, PART_CANDIDATES) if len(rows) else []
        return sum(self._pool.map(lambda part: self._judge(net, part), parts), Verdict())

    def _step(
        self,
        net: CandidateNet,
        optimizer: torch.optim.Optimizer,
        results: Iterable[PartResult],
        rate: float,
    ) -> float:
        """Add the parts' losses and gradients in their order, and move the weights."""
        totals: tuple[Tensor, ...] = ()
        num_decisions, loss_sum = 0, 0.0
        spread: Spread | None = None
        for result in results:
            if not totals:
                # The fused optimiser reads memory in the order of the parameter, whatever a gradient's strides say.
                totals = tuple(gradient.contiguous() for gradient in result.gradients)
            else:
                for total, gradient in zip(totals, result.gradients, strict=True):
                    total += gradient
            num_decisions += result.decisions
            loss_sum += result.loss
            if result.spread is not None:
                spread = result.spread if spread is None else spread + result.spread
        self.spread = spread
        for parameter, total in zip(net.parameters(), totals, strict=True):
            parameter.grad = total.div_(num_decisions)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        return loss_sum / num_decisions

    def _gradients(self, net: CandidateNet, part: Comparisons, place: tuple[int, int]) -> PartResult:
        """What a part adds; `place` is the step's number and the part's in it."""
        config = self.config
        rng = np.random.default_rng([config.seed, *place])
        if config.sampled_candidates:
            part = part.sample(config.sampled_candidates, rng)
        draw = TrainingDraw(rng, part.offsets, config.balance, config.tilt)
        answers = answer(net, part, draw, config.sparsity)
        equities = None
        if part.equities is not None and self.config.loss == "soft":
            equities = torch.zeros(answers.mask.shape).masked_scatter(answers.mask, torch.from_numpy(part.equities))
        loss = self._loss(answers.scores, answers.mask, torch.from_numpy(part.chosen), equities).sum()
        if answers.outcomes is not None and self.config.outcome_weight > 0:
            weights = torch.from_numpy(answers.outcomes.targets.weights)
            loss = loss + self.config.outcome_weight * (weights * answers.outcomes.losses()).sum()
        if answers.mixed is not None and config.balance_weight > 0:
            loss = loss + config.balance_weight * len(part) * answers.mixed.balance
        gradients = torch.autograd.grad(loss, list(net.parameters()), allow_unused=True, materialize_grads=True)
        return PartResult(len(part), float(loss.detach()), gradients, _spread(answers.mixed, len(part.candidates)))

    def _judge(self, net: CandidateNet, rows: RowNumbers) -> Verdict:
        """The verdict on a part."""
        part = make_comparisons(self.shards, rows)
        phases = self.shards.phase[rows]
        with torch.no_grad():
            answers = answer(net, part)
            best = answers.scores.masked_fill(~answers.mask, -torch.inf).argmax(1).numpy()
        is_free = np.diff(part.offsets) > 1
        verdict = Verdict(
            agreed=np.bincount(phases[is_free & (best == part.chosen)], minlength=len(PHASES)),
            decisions=np.bincount(phases[is_free], minlength=len(PHASES)),
        )
        if part.equities is not None:
            verdict.add_losses(part.equity_losses(best)[is_free])
        if answers.outcomes is not None:
            probabilities = masked_probabilities(answers.outcomes.logits, answers.outcomes.possible)
            verdict.add_outcomes(probabilities.numpy(), answers.outcomes.targets)
        return verdict


def _spread(mixed: Mixed | None, num_candidates: int) -> Spread | None:
    """The metrics of a mixture as numbers."""
    if mixed is None:
        return None
    metrics = mixed.metrics
    return Spread(metrics.load.double().numpy(), float(metrics.dropped), float(metrics.entropy), num_candidates)


def answer(net: CandidateNet, part: Comparisons, draw: TrainingDraw | None = None, pull: float = 0.0) -> Answers:
    """What `net` says about a batch; outcomes are asked for only where something is known about them.

    Args:
        net: the network.
        part: the batch.
        draw: in training, for a mixture.
        pull: in training, see `first_layer.candidate_outputs`.
    """
    mask = torch.from_numpy(part.mask())
    targets = outcome_targets(part) if net.has_outcomes else None
    is_known_of_all = targets is not None and len(targets.rows) == len(part.candidates)
    rows = None if targets is None or is_known_of_all else torch.from_numpy(targets.rows)
    # A score with an equity in it needs the outcomes of every candidate.
    mixed: Mixed | None = None
    if isinstance(net, MixtureNet):
        mixed = mixture_outputs(net, part, draw, pull)
        scores, logits = mixed.scores, mixed.outcomes
        if not net.ranks_by_equity and logits is not None and rows is not None:
            logits = logits[rows]
    else:
        scores, logits = candidate_outputs(net, part, None if net.ranks_by_equity else rows, pull)
    possible = None
    if net.ranks_by_equity:
        possible = torch.from_numpy(allowed_outcomes(part.candidates))
    scores = net.head.final_scores(scores, logits, possible)
    if possible is not None and logits is not None and rows is not None:
        logits, possible = logits[rows], possible[rows]
    padded = torch.zeros(mask.shape).masked_scatter(mask, scores)
    if targets is None or logits is None:
        return Answers(padded, mask, None, mixed)
    if possible is None:
        possible = torch.from_numpy(allowed_outcomes(part.candidates[targets.rows]))
    return Answers(padded, mask, OutcomeAnswers(logits, possible, targets), mixed)


def measure_pipeline(shards: Shards, config: TrainConfig, seconds: float = _PIPELINE_SECONDS) -> dict[str, float]:
    """Decisions per second of the same steps on the same batches, made from the shards and held in memory.

    The ratio tells what share of the time goes into data. A network of its own is trained for it.
    """
    net = make_net(config)
    optimizer = make_optimizer(net, config)
    num_rows = min(len(shards), config.batch_decisions * _PIPELINE_BATCHES)
    rows = np.random.default_rng(config.seed).permutation(len(shards))[:num_rows]
    batches = [rows[start : start + config.batch_decisions] for start in range(0, num_rows, config.batch_decisions)]
    in_memory = [
        [make_comparisons(shards, part) for part in split_rows(shards, batch, PART_CANDIDATES)] for batch in batches
    ]
    with Stepper(shards, config) as stepper:

        def measure(is_streamed: bool) -> float:
            done, start = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - start) < seconds or not done:
                for batch, parts in zip(batches, in_memory, strict=True):
                    if is_streamed:
                        stepper.train(net, optimizer, batch, config.learning_rate)
                    else:
                        stepper.train_on(net, optimizer, parts, config.learning_rate)
                done += num_rows
            return round(done / elapsed, 1)

        measure(False)  # allocators and threads warm up
        return {"streamed": measure(True), "preloaded": measure(False)}
