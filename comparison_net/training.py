"""The training loop: plain torch, seeded, logged, and resumable to the byte.

B decisions of a batch, N the most candidates of one of them, M candidates of all of them.

The order of the decisions is a permutation drawn from (seed, epoch); batches are made one ahead by
`comparisons.prefetch`. On one machine, with one number of threads and the same libraries, the finished weights are a
function of shards and configuration alone: a run killed at any moment and resumed gives the same bytes as an
uninterrupted one.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backgammon.errors import ConfigError, DataError
from backgammon.phase import PHASES
from comparison_net.checkpoint import Model, load_model, save_model
from comparison_net.comparisons import Comparisons, make_comparisons, prefetch
from comparison_net.config import TrainConfig
from comparison_net.losses import loss_named
from comparison_net.network import ComparisonNet
from comparison_net.progress import EpochReport, Reporter, SilentReporter, StepReport
from comparison_net.run_folder import RunFolder
from comparison_net.run_state import RunState, make_optimizer
from comparison_net.shards import Shards

EARLY_CHECKPOINT = 10
"""Steps before the first checkpoint: a run that is killed early makes progress too."""
LOG_STEPS = 50
"""Steps between two progress events."""
_WARMUP_SHARE = 0.1
_PIPELINE_BATCHES = 8
_PIPELINE_SECONDS = 1.5


class Interrupted(Exception):
    """Ctrl-C arrived; the run is saved and can be resumed. No error: the user asked for it."""


def train(
    shards: Shards, config: TrainConfig | None, run: Path, resume: bool = False, reporter: Reporter | None = None
) -> dict[str, Any]:
    """Train until the configured end or an early stop; gives the summary that is also written to the run folder.

    Args:
        shards: training data; it is split into matches to train on and matches held out.
        config: settings; None with `resume` takes those the run was started with.
        run: folder of the run, see `run_folder`.
        resume: go on where the run was interrupted. A run that has finished is left as it is.
        reporter: hears of progress; None for silence.

    Raises:
        ConfigError: `run` holds a run already (or none, with `resume`), or the loss ceased to be finite.
        DataError, ModelError: shards or state that cannot be used.
        Interrupted: Ctrl-C; what was done is saved.
    """
    folder = RunFolder(run)
    resolved = folder.stored_config(config) if resume else folder.start(config or TrainConfig())
    with _torch_settings(resolved.threads), _interrupt_flag() as interrupted:
        training = _Training(shards, resolved, folder, reporter or SilentReporter(), interrupted)
        if resume and folder.state.exists():
            training.state.load(folder.state, shards.manifest.fingerprint)
        folder.rewind_log(training.state.progress.step)
        return training.run()


class _Training:
    """One call of `train`."""

    def __init__(
        self, shards: Shards, config: TrainConfig, folder: RunFolder, reporter: Reporter, interrupted: threading.Event
    ) -> None:
        self.shards = shards
        self.config = config
        self.folder = folder
        self.reporter = reporter
        self.interrupted = interrupted
        self.train_rows, self.held_out_rows = shards.split(config.held_out, config.split_seed)
        if not len(self.train_rows):
            raise DataError(f"{shards.path}: nothing is left to train on; lower held_out or add logs")
        self.num_batches = -(-len(self.train_rows) // config.batch_decisions)
        self.total_steps = self.num_batches * config.epochs
        self.state = RunState(config)

    def run(self) -> dict[str, Any]:
        """The remaining epochs, then the summary."""
        progress = self.state.progress
        self.folder.log_event(
            "start", progress.step, train=len(self.train_rows), held_out=len(self.held_out_rows), epoch=progress.epoch
        )
        self.reporter.start(self.total_steps, progress.step, len(self.train_rows), len(self.held_out_rows))
        try:
            while not progress.is_finished:
                self._train_epoch()
                self._finish_epoch()
            summary = self._summarise()
        finally:
            self.reporter.stop()
        self.reporter.end(summary)
        return summary

    def _train_epoch(self) -> None:
        """The rest of the current epoch."""
        progress, config = self.state.progress, self.config
        order = np.random.default_rng([config.seed, progress.epoch]).permutation(self.train_rows)
        rest = order[progress.batch * config.batch_decisions :]
        self.state.net.train()
        last = time.perf_counter()
        for batch in prefetch(self.shards, rest, config.batch_decisions):
            rate = learning_rate(config, progress.step, self.total_steps)
            loss = train_step(self.state.net, self.state.optimizer, batch, config.loss, rate)
            if not math.isfinite(loss):
                raise ConfigError(
                    f"the loss is {loss} at step {progress.step}; lower learning_rate ({config.learning_rate})"
                )
            progress.step += 1
            progress.batch += 1
            progress.decisions += len(batch.rows)
            progress.loss_sum += loss * len(batch.rows)
            self.state.update_average()
            now = time.perf_counter()
            progress.train_seconds += now - last
            self._after_step(len(batch.rows) / (now - last))
            last = time.perf_counter()

    def _after_step(self, decisions_per_second: float) -> None:
        """Reports and checkpoints that are due."""
        progress = self.state.progress
        report = StepReport(progress.epoch, progress.step, progress.loss_sum / progress.decisions, decisions_per_second)
        self.reporter.step(report)
        if progress.step % LOG_STEPS == 0:
            self.folder.log_event("progress", progress.step, epoch=progress.epoch, loss=report.loss)
        is_due = progress.step % self.config.checkpoint_steps == 0 or progress.step == EARLY_CHECKPOINT
        if is_due or self.interrupted.is_set():
            self._save_state()
        if self.interrupted.is_set():
            raise Interrupted(f"{self.folder.path}: stopped after step {progress.step}; --resume goes on from here")

    def _save_state(self) -> None:
        self.state.save(self.folder.state, self.shards.manifest.fingerprint)

    def _finish_epoch(self) -> None:
        """Judge, keep what is best, decide whether to go on, and save."""
        progress = self.state.progress
        result = self.state.result()
        correct, total = held_out_agreement(result, self.shards, self.held_out_rows, self.config.batch_decisions)
        agreement = correct.sum() / total.sum() if total.sum() else None
        is_best = agreement is None or agreement > progress.best_agreement
        entry: dict[str, Any] = {
            "epoch": progress.epoch,
            "loss": progress.loss_sum / progress.decisions,
            "agreement": agreement,
            "by_phase": {name: [int(c), int(t)] for name, c, t in zip(PHASES, correct, total, strict=True)},
        }
        progress.history.append(entry)
        if is_best:
            progress.best_agreement = -1.0 if agreement is None else float(agreement)
            progress.best_epoch = progress.epoch
            progress.epochs_without_gain = 0
            self.state.best = dict(result.weights())
        else:
            progress.epochs_without_gain += 1
        self.folder.log_event("epoch", progress.step, train_seconds=round(progress.train_seconds, 3), **entry)
        self.reporter.epoch(EpochReport(is_best=is_best, train_seconds=progress.train_seconds, **entry))
        progress.epoch += 1
        progress.batch = progress.decisions = 0
        progress.loss_sum = 0.0
        is_stale = 0 < self.config.patience <= progress.epochs_without_gain
        progress.is_finished = progress.epoch == self.config.epochs or is_stale
        self._save_models()
        self._save_state()

    def _save_models(self) -> None:
        """Best and last weights with their deterministic figures."""
        progress = self.state.progress
        fingerprint = self.shards.manifest.fingerprint
        for path, weights, epoch in (
            (self.folder.model, self.state.best, progress.best_epoch),
            (self.folder.last, self.state.result().weights(), progress.epoch - 1),
        ):
            summary = {
                **progress.history[epoch],
                "loss_name": self.config.loss,
                "train_decisions": len(self.train_rows),
                "held_out_decisions": len(self.held_out_rows),
            }
            save_model(path, Model(self.config.network, weights, fingerprint, summary))

    def _summarise(self) -> dict[str, Any]:
        """Figures of the finished run; the speed of the pipeline is measured the first time."""
        progress = self.state.progress
        done = sum(len(self.train_rows) for _ in progress.history)
        model = load_model(self.folder.model)
        summary = {
            "agreement": model.summary["agreement"],
            "by_phase": model.summary["by_phase"],
            "best_epoch": progress.best_epoch,
            "epochs": progress.epoch,
            "stopped_early": progress.epoch < self.config.epochs,
            "steps": progress.step,
            "train_decisions": len(self.train_rows),
            "held_out_decisions": len(self.held_out_rows),
            "train_seconds": round(progress.train_seconds, 3),
            "decisions_per_second": round(done / progress.train_seconds, 1),
            "pipeline": measure_pipeline(self.shards, self.config),
            "threads": self.config.threads,
            "torch": torch.__version__,
            "data_fingerprint": self.shards.manifest.fingerprint,
        }
        self.folder.log_event("end", progress.step, **summary)
        self.folder.write_summary(summary)
        return summary


def learning_rate(config: TrainConfig, step: int, total_steps: int) -> float:
    """Step size of `step` (0-based): the schedule, after a linear rise over the warm-up or a tenth of the run."""
    warmup = min(config.warmup_steps, int(total_steps * _WARMUP_SHARE))
    rise = min(1.0, (step + 1) / (warmup + 1))
    fall = 0.5 * (1 + math.cos(math.pi * step / total_steps)) if config.schedule == "cosine" else 1.0
    return config.learning_rate * rise * fall


def train_step(
    net: ComparisonNet, optimizer: torch.optim.Optimizer, batch: Comparisons, loss_name: str, rate: float
) -> float:
    """One step of the optimiser; gives the mean loss of the batch before it."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    scores, mask = padded_scores(net, batch)
    loss = loss_named(loss_name)(scores, mask, torch.from_numpy(batch.chosen)).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def padded_scores(net: ComparisonNet, batch: Comparisons) -> tuple[Tensor, Tensor]:
    """Scores float32[B, N], 0 on padding, and the mask bool[B, N] of real candidates."""
    mask = torch.from_numpy(batch.mask())
    scores: Tensor = net(torch.from_numpy(batch.features))
    return torch.zeros(mask.shape).masked_scatter(mask, scores), mask


def held_out_agreement(
    net: ComparisonNet, shards: Shards, rows: npt.NDArray[np.int64], batch_decisions: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(agreed, decisions) by phase, int64[6] each: how often the chosen candidate is the network's first."""
    correct = np.zeros(len(PHASES), dtype=np.int64)
    total = np.zeros(len(PHASES), dtype=np.int64)
    net.eval()
    with torch.no_grad():
        for batch in prefetch(shards, rows, batch_decisions):
            scores, mask = padded_scores(net, batch)
            best = scores.masked_fill(~mask, -torch.inf).argmax(1).numpy()
            phases = shards.phase[batch.rows]
            correct += np.bincount(phases[best == batch.chosen], minlength=len(PHASES))
            total += np.bincount(phases, minlength=len(PHASES))
    return correct, total


def measure_pipeline(shards: Shards, config: TrainConfig, seconds: float = _PIPELINE_SECONDS) -> dict[str, float]:
    """Decisions per second of the same loop on the same batches, streamed from the shards and held in memory.

    The ratio tells how much of the time the optimiser waits for its data. A network of its own is trained for it.
    """
    with _torch_settings(config.threads):
        generator_state = torch.get_rng_state()
        net = ComparisonNet(config.network)
        torch.set_rng_state(generator_state)
        optimizer = make_optimizer(net, config)
        num_rows = min(len(shards), config.batch_decisions * _PIPELINE_BATCHES)
        rows = np.random.default_rng(config.seed).permutation(len(shards))[:num_rows]
        preloaded = [
            make_comparisons(shards, rows[start : start + config.batch_decisions])
            for start in range(0, num_rows, config.batch_decisions)
        ]

        def run(is_streamed: bool) -> float:
            done, start = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - start) < seconds or not done:
                for batch in prefetch(shards, rows, config.batch_decisions) if is_streamed else preloaded:
                    train_step(net, optimizer, batch, config.loss, config.learning_rate)
                    done += len(batch.rows)
            return done / elapsed

        run(False)  # allocators and threads warm up
        return {"streamed": round(run(True), 1), "preloaded": round(run(False), 1)}


@contextmanager
def _torch_settings(threads: int) -> Iterator[None]:
    """Fixed number of threads and deterministic algorithms, put back afterwards."""
    saved = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(saved[0])
        torch.use_deterministic_algorithms(saved[1])


@contextmanager
def _interrupt_flag() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, so that a step is never cut in two; a second Ctrl-C stops at once."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def handle(*_: Any) -> None:
        if flag.is_set():
            raise KeyboardInterrupt
        flag.set()

    saved = signal.signal(signal.SIGINT, handle)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, saved)
