"""One step of the optimiser shared by several threads, with a result that does not depend on how many they are.

B decisions of a batch, N the most alternatives of one of them, M alternatives of all of them, R those whose outcome is
known.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from comparison_net.choices import ChoiceSets, OutcomeTargets
from comparison_net.comparator import Answers, CandidateNet, TrainingDraw
from comparison_net.config import CHOICE_LOSSES, TrainConfig
from comparison_net.encoders import Encoder
from comparison_net.losses import make_loss, outcome_loss
from comparison_net.moe.spread import Spread
from comparison_net.tools import Int64s, usable_processors
from comparison_net.training.choice_source import Source
from comparison_net.training.device import products
from comparison_net.training.ranks import Ranks
from comparison_net.training.run_state import make_net, make_optimizer
from comparison_net.training.verdict import Verdict

PART_ITEMS = 8192
"""Alternatives of a part, before any are sampled: enough to hide the interpreter and what each part costs whatever its
size, few enough for the caches. A batch of 1,024 decisions is two parts. It decides the order of sums."""

_PIPELINE_BATCHES = 8
_PIPELINE_SECONDS = 1.5


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


class Stepper:
    """A pool of workers that computes gradients and verdicts on a source; use it as a context manager.

    While it is open, torch runs single-threaded in this process: the workers are the parallelism.
    """

    def __init__(self, source: Source | None, config: TrainConfig, ranks: Ranks | None = None) -> None:
        """Workers start with the first work; without a source there is `train_on` alone.

        Args:
            source: what is learnt from.
            config: settings.
            ranks: this process among those that share each step of `train`; None for this one alone.
        """
        self._source = source
        self.ranks = ranks or Ranks()
        self.config = config
        self.num_workers = config.threads or usable_processors()
        self.spread: Spread | None = None
        """How a mixture's tokens were spread in the last step."""
        self._loss = make_loss(config)
        self.reference: CandidateNet | None = None
        """Whose scores are taken off, see `TrainConfig.reference`."""

    @property
    def source(self) -> Source:
        """What `train` and `judge` read."""
        assert self._source is not None, "made without a source"
        return self._source

    def __enter__(self) -> Stepper:
        self._saved = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        self._saved_filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        torch.set_num_threads(1)
        # A fifth of the time went into filling fresh memory with NaN; everything here writes before it reads.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        # Elsewhere some sums have no fixed order; there it is said once and not refused.
        torch.use_deterministic_algorithms(True, warn_only=self.config.device != "cpu")
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
        self, net: CandidateNet, optimizer: torch.optim.Optimizer, rows: Int64s, rate: float, step: int = 0,
        progress: float = 0.0,
    ) -> float:  # fmt: skip
        """One step on the decisions `rows`; gives their mean loss before it.

        Args:
            net: network whose parameters `optimizer` holds.
            optimizer: makes the step.
            rows: int64[B] of the source.
            rate: step size.
            step: its number; seeds what a mixture draws in training.
            progress: how much of the training is done, 0 to 1.

        Raises:
            DataError: what the source finds.
        """

        def work(number: int, part: Int64s) -> PartResult:
            return self._gradients(net, self.source.sets(part), (step, number), progress)

        parts = self.source.parts(rows, PART_ITEMS)
        mine = self.ranks.block(len(parts))
        results = self._pool.map(work, mine, parts[mine.start : mine.stop])
        return self._step(net, optimizer, results, rate, self.ranks)

    def train_on(
        self, net: CandidateNet, optimizer: torch.optim.Optimizer, parts: Iterable[ChoiceSets], rate: float
    ) -> float:
        """`train` on parts that are in memory already."""
        return self._step(net, optimizer, self._pool.map(lambda part: self._gradients(net, part, (0, 0)), parts), rate)

    def judge(self, net: CandidateNet, rows: Int64s) -> Verdict:
        """How well `net` does on the decisions `rows`, int64[B]."""
        parts = self.source.parts(rows, PART_ITEMS) if len(rows) else []
        nothing = Verdict.none(len(net.domain.strata[1]))
        return sum(self._pool.map(lambda part: self._judge(net, part), parts), nothing)

    def _step(
        self,
        net: CandidateNet,
        optimizer: torch.optim.Optimizer,
        results: Iterable[PartResult],
        rate: float,
        ranks: Ranks | None = None,
    ) -> float:
        """Add the parts' losses and gradients in their order, and move the weights."""
        total = _add_up(results) if ranks is None or ranks.count == 1 else _add_up_together(results, net, ranks)
        self.spread = total.spread
        for parameter, gradient in zip(net.parameters(), total.gradients, strict=True):
            parameter.grad = gradient.div_(total.decisions)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        optimizer.step()
        return total.loss / total.decisions

    def _tensor(self, array: npt.NDArray[Any]) -> Tensor:
        """An array where the net is."""
        return torch.from_numpy(array).to(self.config.device)

    def _gradients(
        self, net: CandidateNet, part: ChoiceSets, place: tuple[int, int], progress: float = 0.0
    ) -> PartResult:
        """What a part adds; `place` is the step's number and the part's in it."""
        config = self.config
        rng = np.random.default_rng([config.seed, *place])
        if config.sampled_candidates:
            part = part.sample(config.sampled_candidates, rng, net.encoder.keep)
        draw = TrainingDraw(rng, part.offsets, config.balance, config.tilt, progress)
        targets = part.outcome_targets() if net.config.outcomes else None
        with products(config):
            answers = net.answers(part, _rows_of(targets, part), draw, config.sparsity).in_float32()
        mask = self._tensor(part.mask())
        values = None
        if part.values is not None and config.loss not in CHOICE_LOSSES:
            known = self._tensor(part.values)
            values = torch.zeros(mask.shape, device=mask.device).masked_scatter(mask, known)
        scores = answers.padded(mask)
        if self.reference is not None:
            with torch.no_grad(), products(config):
                usual = self.reference.answers(part).in_float32().padded(mask)
            scores = config.reference_scale * (scores - usual)
        losses = self._loss(scores, mask, self._tensor(part.chosen), values)
        loss = losses.sum() if part.weights is None else (losses * self._tensor(part.weights)).sum()
        if targets is not None and config.outcome_weight > 0:
            weights = self._tensor(targets.weights)
            loss = loss + config.outcome_weight * (weights * _outcome_losses(answers, targets)).sum()
        if answers.balance is not None and config.balance_weight > 0:
            loss = loss + config.balance_weight * len(part) * answers.balance
        gradients = torch.autograd.grad(loss, list(net.parameters()), allow_unused=True, materialize_grads=True)
        return PartResult(len(part), float(loss.detach()), gradients, _spread(answers, part.num_items))

    def _judge(self, net: CandidateNet, rows: Int64s) -> Verdict:
        """The verdict on a part."""
        part = self.source.sets(rows)
        targets = part.outcome_targets() if net.config.outcomes else None
        mask = self._tensor(part.mask())
        with torch.no_grad():
            with products(self.config):
                answers = net.answers(part, _rows_of(targets, part)).in_float32()
            scores = answers.padded(mask).masked_fill(~mask, -torch.inf)
            best = scores.argmax(1).cpu().numpy()
            logs = torch.log_softmax(scores, 1).gather(1, self._tensor(part.chosen)[:, None])[:, 0].cpu()
        is_free = part.counts() > 1
        strata = np.zeros(len(part), dtype=np.int64) if part.strata is None else part.strata
        num_strata = len(net.domain.strata[1])
        verdict = Verdict.none(num_strata)
        verdict.agreed += np.bincount(strata[is_free & (best == part.chosen)], minlength=num_strata)
        verdict.decisions += np.bincount(strata[is_free], minlength=num_strata)
        verdict.choice_log_sum = float(logs.double().sum())
        if part.values is not None:
            verdict.add_losses(part.value_losses(best)[is_free], strata[is_free])
        if targets is not None:
            verdict.add_outcomes(answers.probabilities().cpu().numpy(), targets)
        return verdict


def _add_up(results: Iterable[PartResult], before: PartResult | None = None) -> PartResult:
    """The sum of parts in their order, behind that of the parts before them; the gradients of the first are changed."""
    total = before
    for result in results:
        if total is None:
            # The fused optimiser reads memory in the order of the parameter, whatever a gradient's strides say.
            total = result._replace(gradients=tuple(gradient.contiguous() for gradient in result.gradients))
            continue
        for own, gradient in zip(total.gradients, result.gradients, strict=True):
            own += gradient
        spread = total.spread
        if result.spread is not None:
            spread = result.spread if spread is None else spread + result.spread
        total = PartResult(total.decisions + result.decisions, total.loss + result.loss, total.gradients, spread)
    assert total is not None, "a step has a part"
    return total


def _add_up_together(results: Iterable[PartResult], net: CandidateNet, ranks: Ranks) -> PartResult:
    """The sum of the parts of all processes in their order, whoever computed which; see `ranks`."""
    own, total = list(results), None  # computed while the others compute, added when their sum is here
    if not ranks.is_first:
        num_figures = 5 + (net.config.num_experts(net.domain) if net.config.is_mixture else 0)
        sizes = sum(parameter.numel() for parameter in net.parameters()), num_figures
        found = torch.empty(sizes[0], device=ranks.device), torch.empty(sizes[1], device=ranks.device).double()
        ranks.receive(found)
        total = _unpacked(found, net)
    packed = _packed(_add_up(own, total), ranks)
    ranks.hand_on(packed)
    ranks.tell_all(packed)
    return _unpacked(packed, net)


def _packed(total: PartResult, ranks: Ranks) -> tuple[Tensor, Tensor]:
    """Gradients float32[P], one behind the other, and figures float64, where processes exchange them."""
    flat = torch.cat([gradient.reshape(-1) for gradient in total.gradients]).to(ranks.device)
    spread = total.spread
    shares = [] if spread is None else [spread.dropped, spread.entropy, spread.candidates, *spread.load.tolist()]
    figures = [total.decisions, total.loss, *(shares or [0, 0, 0])]
    return flat, torch.tensor(figures, dtype=torch.float64, device=ranks.device)


def _unpacked(packed: tuple[Tensor, Tensor], net: CandidateNet) -> PartResult:
    """The sum that was packed, where the net is."""
    parameters = list(net.parameters())
    parts = torch.split(packed[0].to(net.device), [parameter.numel() for parameter in parameters])
    gradients = tuple(part.reshape(parameter.shape) for part, parameter in zip(parts, parameters, strict=True))
    decisions, loss, dropped, entropy, candidates, *load = packed[1].tolist()
    spread = Spread(np.array(load), dropped, entropy, int(candidates)) if load else None
    return PartResult(int(decisions), loss, gradients, spread)


def _rows_of(targets: OutcomeTargets | None, part: ChoiceSets) -> Tensor | None:
    """The alternatives whose outcomes are asked for: those of which something is known; None for all."""
    if targets is None or len(targets.rows) == part.num_items:
        return None
    return torch.from_numpy(targets.rows)


def _outcome_losses(answers: Answers, targets: OutcomeTargets) -> Tensor:
    """The outcome loss of each alternative that has a target, float32[R]."""
    assert answers.logits is not None
    assert answers.possible is not None
    wanted = torch.from_numpy(targets.probabilities).to(answers.logits.device)
    return outcome_loss(answers.logits, answers.possible, wanted)


def _spread(answers: Answers, num_items: int) -> Spread | None:
    """The metrics of a mixture as numbers."""
    metrics = answers.metrics
    if metrics is None:
        return None
    return Spread(metrics.load.cpu().double().numpy(), float(metrics.dropped), float(metrics.entropy), num_items)


def measure_pipeline(
    source: Source, encoder: Encoder, config: TrainConfig, seconds: float = _PIPELINE_SECONDS
) -> dict[str, float]:
    """Decisions per second of the same steps on the same batches, made by the source and held in memory.

    The ratio tells what share of the time goes into data. A network of its own is trained for it.
    """
    net = make_net(config, encoder)
    optimizer = make_optimizer(net, config)
    num_rows = min(len(source), config.batch_decisions * _PIPELINE_BATCHES)
    rows = np.random.default_rng(config.seed).permutation(len(source))[:num_rows]
    batches = [rows[start : start + config.batch_decisions] for start in range(0, num_rows, config.batch_decisions)]
    in_memory = [[source.sets(part) for part in source.parts(batch, PART_ITEMS)] for batch in batches]
    with Stepper(source, config) as stepper:

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
