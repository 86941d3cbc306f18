"""One step of the optimiser shared by several threads, with a result that does not depend on how many they are.

B decisions of a batch, N the most candidates of one of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backgammon.phase import PHASES
from comparison_net.comparisons import Comparisons, make_comparisons, split_rows
from comparison_net.config import TrainConfig
from comparison_net.first_layer import candidate_scores
from comparison_net.losses import loss_named
from comparison_net.network import ComparisonNet
from comparison_net.processors import usable_processors
from comparison_net.run_state import make_net, make_optimizer
from comparison_net.shards import Shards

RowNumbers = npt.NDArray[np.int64]

PART_CANDIDATES = 2560
"""Candidates of a part: enough to hide the interpreter, few enough for the caches. It decides the order of sums."""

_PIPELINE_BATCHES = 8
_PIPELINE_SECONDS = 1.5


class Stepper:
    """A pool of workers that computes gradients and agreement on shards; use it as a context manager.

    While it is open, torch runs single-threaded in this process: the workers are the parallelism.
    """

    def __init__(self, shards: Shards, config: TrainConfig) -> None:
        """Workers start with the first work."""
        self.shards = shards
        self.config = config
        self.num_workers = config.threads or usable_processors()
        self._loss = loss_named(config.loss)

    def __enter__(self) -> Stepper:
        self._saved = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        self._pool = ThreadPoolExecutor(self.num_workers, thread_name_prefix="step")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._saved[0])
        torch.use_deterministic_algorithms(self._saved[1])

    def train(self, net: ComparisonNet, optimizer: torch.optim.Optimizer, rows: RowNumbers, rate: float) -> float:
        """One step on the decisions `rows`; gives their mean loss before it.

        Args:
            net: network whose parameters `optimizer` holds.
            optimizer: makes the step.
            rows: int64[B] of the shards.
            rate: step size.

        Raises:
            DataError: see `make_comparisons`.
        """
        parts = split_rows(self.shards, rows, PART_CANDIDATES)
        return self._step(
            net,
            optimizer,
            self._pool.map(lambda part: self._gradients(net, make_comparisons(self.shards, part)), parts),
            rate,
        )

    def train_on(
        self, net: ComparisonNet, optimizer: torch.optim.Optimizer, parts: Iterable[Comparisons], rate: float
    ) -> float:
        """`train` on parts that are in memory already."""
        return self._step(net, optimizer, self._pool.map(lambda part: self._gradients(net, part), parts), rate)

    def agreement(self, net: ComparisonNet, rows: RowNumbers) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(agreed, decisions) by phase, int64[6] each: how often the chosen candidate is the network's first."""
        total = np.bincount(self.shards.phase[rows], minlength=len(PHASES))
        if not len(rows):
            return np.zeros_like(total), total
        parts = split_rows(self.shards, rows, PART_CANDIDATES)
        return sum(self._pool.map(lambda part: self._agreed(net, part), parts), np.zeros_like(total)), total

    def _step(
        self,
        net: ComparisonNet,
        optimizer: torch.optim.Optimizer,
        results: Iterable[tuple[int, float, tuple[Tensor, ...]]],
        rate: float,
    ) -> float:
        """Add the parts' losses and gradients in their order, and move the weights."""
        totals = [torch.zeros_like(parameter) for parameter in net.parameters()]
        num_decisions, loss_sum = 0, 0.0
        for number, loss, gradients in results:
            for total, gradient in zip(totals, gradients, strict=True):
                total += gradient
            num_decisions += number
            loss_sum += loss
        for parameter, total in zip(net.parameters(), totals, strict=True):
            parameter.grad = total / num_decisions
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        return loss_sum / num_decisions

    def _gradients(self, net: ComparisonNet, part: Comparisons) -> tuple[int, float, tuple[Tensor, ...]]:
        """(decisions, sum of their losses, its gradient by parameter) of a part."""
        scores, mask = padded_scores(net, part)
        loss = self._loss(scores, mask, torch.from_numpy(part.chosen)).sum()
        return len(part), float(loss.detach()), torch.autograd.grad(loss, list(net.parameters()))

    def _agreed(self, net: ComparisonNet, rows: RowNumbers) -> npt.NDArray[np.int64]:
        """Agreed decisions of a part by phase, int64[6]."""
        part = make_comparisons(self.shards, rows)
        with torch.no_grad():
            scores, mask = padded_scores(net, part)
            best = scores.masked_fill(~mask, -torch.inf).argmax(1).numpy()
        return np.bincount(self.shards.phase[rows][best == part.chosen], minlength=len(PHASES))


def padded_scores(net: ComparisonNet, part: Comparisons) -> tuple[Tensor, Tensor]:
    """Scores float32[B, N], 0 on padding, and the mask bool[B, N] of real candidates."""
    mask = torch.from_numpy(part.mask())
    return torch.zeros(mask.shape).masked_scatter(mask, candidate_scores(net, part)), mask


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
