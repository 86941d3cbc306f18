"""The training loop: plain torch, seeded, logged, and resumable to the byte.

Each step cuts its batch into parts of equal work; a pool of threads makes the alternatives, features, scores and
gradients of the parts (torch itself runs single-threaded inside each), and the gradients are added in the order of the
parts. So the finished weights are a function of data and configuration, not of the number of threads, and a run
killed at any moment and resumed gives the same bytes as an uninterrupted one (on one kind of processor, with the same
libraries). Several processes may share each step in the same way, see `ranks`. Threads of our own instead of torch's:
no core spins while it waits for another, which on a busy machine made torch's own two threads 2 to 10 times slower
than one, and generating and encoding need no queue.
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
import torch

from comparison_net.checkpoint import Model, load_model, save_model
from comparison_net.comparator import CandidateNet
from comparison_net.config import VALUE_LOSSES, TrainConfig
from comparison_net.encoders import Encoder
from comparison_net.network_config import AUTO, LOG_LOSS
from comparison_net.tools import ConfigError, DataError
from comparison_net.training.choice_source import Source
from comparison_net.training.device import check_device
from comparison_net.training.progress import EpochReport, Reporter, SilentReporter, StepReport
from comparison_net.training.ranks import ranks_here
from comparison_net.training.run_folder import RunFolder
from comparison_net.training.run_state import RunState, load_net
from comparison_net.training.step import Stepper, measure_pipeline
from comparison_net.training.verdict import Verdict

EARLY_CHECKPOINT = 10
"""Steps before the first checkpoint: a run that is killed early makes progress too."""
LOG_STEPS = 50
"""Steps between two progress events."""
MOST_SEEN = 5000
"""Decisions trained on that are judged beside those held out, for the log: the gap is what a net only remembers."""
_WARMUP_SHARE = 0.1


class Interrupted(Exception):
    """Ctrl-C arrived; the run is saved and can be resumed. No error: the user asked for it."""


def train(
    source: Source,
    encoder: Encoder,
    config: TrainConfig | None,
    run: Path,
    resume: bool = False,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Train until the configured end or an early stop; gives the summary that is also written to the run folder.

    Args:
        source: training data; it is split into units to train on and units held out.
        encoder: reads its alternatives.
        config: settings; None for the defaults, or with `resume` for those the run was started with.
        run: folder of the run, see `run_folder`.
        resume: go on where the run was interrupted; a run that has finished only gives its summary again.
        reporter: hears of progress; None for silence.

    Raises:
        ConfigError: `run` holds a run already (or none, with `resume`), a setting that the domain does not offer, or
            the loss ceased to be finite.
        DataError, ModelError: data or state that cannot be used.
        Interrupted: Ctrl-C; what was done is saved.
    """
    folder, domain = RunFolder(run), encoder.domain
    config = None if config is None else config.for_domain(domain)
    if resume:
        config = folder.stored_config(domain, config)
        check_device(config.device)
    else:
        config = config or TrainConfig().for_domain(domain)
        check_device(config.device)
    ranks = ranks_here(config.device)
    if ranks.is_first and not resume:
        folder.start(config, domain)
    with Stepper(source, config, ranks) as stepper, _interrupt_flag() as interrupted:
        written = folder if ranks.is_first else None
        heard = (reporter if ranks.is_first else None) or SilentReporter()
        training = _Training(encoder, config, written, stepper, heard, interrupted)
        if resume and folder.state.exists():
            training.state.load(folder.state, source.fingerprint)
        else:
            training.begin_from_models()
        if not ranks.is_first:
            training.run_epochs()
            ranks.wait()
            return folder.read_summary()
        folder.rewind_log(training.state.progress.step)
        summary = training.run()
        ranks.wait()
        return summary


def fit(
    source: Source,
    encoder: Encoder,
    config: TrainConfig,
    reporter: Reporter | None = None,
    net: CandidateNet | None = None,
) -> RunState:
    """Train in memory, without a folder and without a way to go on; the best weights are in the state.

    Args:
        source: training data.
        encoder: reads its alternatives.
        config: settings.
        reporter: hears of progress; None for silence.
        net: is trained as it stands, whatever its layers; None for a fresh one of `config.network`.

    Raises:
        ConfigError, DataError, Interrupted: as for `train`.
    """
    config = config.for_domain(encoder.domain)
    check_device(config.device)
    with Stepper(source, config) as stepper, _interrupt_flag() as interrupted:
        training = _Training(encoder, config, None, stepper, reporter or SilentReporter(), interrupted, net)
        training.begin_from_models()
        training.run_epochs()
        return training.state


class _Training:
    """One call of `train` or `fit`."""

    def __init__(
        self,
        encoder: Encoder,
        config: TrainConfig,
        folder: RunFolder | None,
        stepper: Stepper,
        reporter: Reporter,
        interrupted: threading.Event,
        net: CandidateNet | None = None,
    ) -> None:
        self.source = stepper.source
        self.encoder = encoder
        self.domain = encoder.domain
        self.config = config
        self.folder = folder
        self.stepper = stepper
        self.reporter = reporter
        self.interrupted = interrupted
        self.train_rows, self.held_out_rows = self.source.split(config.held_out, config.split_seed)
        if not len(self.train_rows):
            raise DataError(f"{self.source.name}: nothing is left to train on; lower held_out or add data")
        self.total_steps = -(-len(self.train_rows) // config.batch_decisions) * config.epochs
        self.selector = self._find_selector()
        self.state = RunState(config, encoder, net)
        if config.loss in VALUE_LOSSES and not self.source.has_values:
            raise ConfigError(
                f"{self.source.name}: loss {config.loss!r} reads values, and no alternative has one; take listwise or "
                "pairwise, or train on labelled decisions"
            )
        if config.reference:
            stepper.reference = load_net(Path(config.reference), encoder).to(config.device)

    def _find_selector(self) -> str:
        """Which held-out figure decides what is best.

        Raises:
            ConfigError: the value lost is asked for where no held-out decision has values.
        """
        figure = self.domain.value_loss
        has_values = self.source.has_values and len(self.held_out_rows) > 0
        if self.config.select_by == figure and not has_values:
            raise ConfigError(
                f"{self.source.name}: no alternative of the held-out decisions has a value, so select_by cannot be "
                f"{figure!r}; set it to 'auto' or train on labelled decisions"
            )
        if self.config.select_by != AUTO:
            return self.config.select_by
        return figure if has_values else "agreement"

    def begin_from_models(self) -> None:
        """Take over the weights that the settings name, if any."""
        if self.config.start:
            self.state.go_on_from(Path(self.config.start))
        elif self.config.upcycle:
            self.state.start_from(Path(self.config.upcycle), self.config.upcycle_moments)

    def run(self) -> dict[str, Any]:
        """The remaining epochs, then the summary."""
        self.run_epochs()
        summary = self._summarise()
        self.reporter.end(summary)
        return summary

    def run_epochs(self) -> None:
        """The remaining epochs."""
        progress = self.state.progress
        sizes = {"train": len(self.train_rows), "held_out": len(self.held_out_rows)}
        self._log("start", epoch=progress.epoch, **sizes)
        self.reporter.start(self.total_steps, progress.step, **sizes)
        try:
            while not progress.is_finished:
                self._train_epoch()
                self._finish_epoch()
        finally:
            self.reporter.stop()

    def _log(self, event: str, **values: Any) -> None:
        if self.folder is not None:
            self.folder.log_event(event, self.state.progress.step, **values)

    def _train_epoch(self) -> None:
        """The rest of the current epoch."""
        progress, config = self.state.progress, self.config
        order = np.random.default_rng([config.seed, progress.epoch]).permutation(self.train_rows)
        for start in range(progress.batch * config.batch_decisions, len(order), config.batch_decisions):
            began = time.perf_counter()
            rows = order[start : start + config.batch_decisions]
            rate = learning_rate(config, progress.step, self.total_steps)
            done = progress.step / self.total_steps
            loss = self.stepper.train(self.state.net, self.state.optimizer, rows, rate, progress.step, done)
            if not math.isfinite(loss):
                raise ConfigError(
                    f"the loss is {loss} at step {progress.step}; lower learning_rate ({config.learning_rate})"
                )
            progress.step += 1
            progress.batch += 1
            progress.decisions += len(rows)
            progress.loss_sum += loss * len(rows)
            self.state.update_average()
            seconds = time.perf_counter() - began
            progress.train_seconds += seconds
            self._after_step(len(rows) / seconds)

    def _after_step(self, decisions_per_second: float) -> None:
        """Reports and checkpoints that are due."""
        progress = self.state.progress
        spread = self.stepper.spread
        loss = progress.loss_sum / progress.decisions
        report = StepReport(progress.epoch, progress.step, loss, decisions_per_second, spread)
        self.reporter.step(report)
        if progress.step % LOG_STEPS == 0:
            self._log("progress", epoch=progress.epoch, loss=loss, **(spread.as_dict() if spread else {}))
        is_due = progress.step % self.config.checkpoint_steps == 0 or progress.step == EARLY_CHECKPOINT
        is_interrupted = self.stepper.ranks.any(self.interrupted.is_set())
        if is_due or is_interrupted:
            self._save_state()
        if is_interrupted:
            place = "training" if self.folder is None else self.folder.path
            raise Interrupted(f"{place}: stopped after step {progress.step}; --resume goes on from here")

    def _save_state(self) -> None:
        if self.folder is not None:
            self.state.save(self.folder.state, self.source.fingerprint)

    def _finish_epoch(self) -> None:
        """Judge, keep what is best, decide whether to go on, and save."""
        progress = self.state.progress
        result = self.state.result()
        verdict = self.stepper.judge(result, self.held_out_rows)
        entry: dict[str, Any] = {
            "epoch": progress.epoch,
            "loss": progress.loss_sum / progress.decisions,
            **verdict.figures(self.domain, self.selector == LOG_LOSS),
        }
        figure = entry[self.selector]
        if self.selector != "agreement" and figure is not None:
            figure = -figure
        is_best = figure is None or progress.best_figure is None or figure > progress.best_figure
        progress.history.append(entry)
        if is_best:
            progress.best_figure = figure
            progress.best_epoch = progress.epoch
            progress.epochs_without_gain = 0
            self.state.best = dict(result.weights())
        else:
            progress.epochs_without_gain += 1
        self._log("epoch", train_seconds=round(progress.train_seconds, 3), **entry, **self._gap(verdict))
        figures = {name: value for name, value in entry.items() if name not in ("epoch", "loss")}
        self.reporter.epoch(EpochReport(progress.epoch, entry["loss"], figures, is_best, progress.train_seconds))
        progress.epoch += 1
        progress.batch = progress.decisions = 0
        progress.loss_sum = 0.0
        is_stale = 0 < self.config.patience <= progress.epochs_without_gain
        progress.is_finished = progress.epoch == self.config.epochs or is_stale
        self._save_models()
        self._save_state()

    def _gap(self, held_out: Verdict) -> dict[str, Any]:
        """What the log says beside the held-out figures: losses by stratum, there and on decisions trained on."""
        if self.folder is None:
            return {}
        number = min(MOST_SEEN, len(self.held_out_rows), len(self.train_rows))
        seen = np.sort(np.random.default_rng(self.config.split_seed).permutation(self.train_rows)[:number])
        verdict = self.stepper.judge(self.state.result(), seen)
        figures = {"agreement": verdict.agreement, "losses": verdict.losses(self.domain)}
        return {"losses": held_out.losses(self.domain), "trained_on": figures}

    def _save_models(self) -> None:
        """Best and last weights with their deterministic figures."""
        if self.folder is None:
            return
        progress = self.state.progress
        fingerprint = self.source.fingerprint
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
            save_model(path, Model(self.config.network, weights, fingerprint, summary, self.domain.version))

    def _summarise(self) -> dict[str, Any]:
        """Figures of the finished run, the speed of the pipeline measured anew."""
        assert self.folder is not None
        progress = self.state.progress
        model = load_model(self.folder.model, self.domain)
        verdict = Verdict.none(len(self.domain.strata[1])).figures(self.domain, self.selector == LOG_LOSS)
        summary = {
            **{name: model.summary[name] for name in verdict},
            "selected_by": self.selector,
            "best_epoch": progress.best_epoch,
            "epochs": progress.epoch,
            "stopped_early": progress.epoch < self.config.epochs,
            "steps": progress.step,
            "train_decisions": len(self.train_rows),
            "held_out_decisions": len(self.held_out_rows),
            "train_seconds": round(progress.train_seconds, 3),
            "decisions_per_second": round(len(self.train_rows) * progress.epoch / progress.train_seconds, 1),
            "pipeline": measure_pipeline(self.source, self.encoder, self.config),
            "threads": self.stepper.num_workers,
            "torch": torch.__version__,
            "data_fingerprint": self.source.fingerprint,
        }
        self._log("end", **summary)
        self.folder.write_summary(summary)
        return summary


def learning_rate(config: TrainConfig, step: int, total_steps: int) -> float:
    """Step size of `step` (0-based): the schedule, after a linear rise over the warm-up or a tenth of the run."""
    warmup = min(config.warmup_steps, int(total_steps * _WARMUP_SHARE))
    rise = min(1.0, (step + 1) / (warmup + 1))
    fall = 0.5 * (1 + math.cos(math.pi * step / total_steps)) if config.schedule == "cosine" else 1.0
    return config.learning_rate * rise * fall


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
