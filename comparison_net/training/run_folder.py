"""The folder of a training run: which file is what, the echoed configuration, and the log of events.

What lies in it:

    config.toml          every setting of the run; `--resume` reads it from here
    shards/              the training data, where the run was given a copy
    state.safetensors    everything needed to go on after an interruption
    log.jsonl            one line per event: start, progress, epoch, end
    model.safetensors    the best weights so far by the held-out figure; what players load
    last.safetensors     the weights after the last finished epoch
    summary.json         figures of the finished run, timings included
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comparison_net.checkpoint import MODEL_FILE
from comparison_net.config import INDIFFERENT, TrainConfig, load_config, to_toml, to_values
from comparison_net.domain import Domain
from comparison_net.tools import ConfigError, DataError, read_bounded, replace_file

MAX_LOG = 1 << 28
"""Bytes of the log of a run."""


class RunFolder:
    """Paths and small files of one run."""

    def __init__(self, path: Path) -> None:
        """Nothing is created yet."""
        self.path = path
        self.config = path / "config.toml"
        self.shards = path / "shards"
        self.state = path / "state.safetensors"
        self.log = path / "log.jsonl"
        self.model = path / MODEL_FILE
        self.last = path / "last.safetensors"
        self.summary = path / "summary.json"

    @property
    def is_started(self) -> bool:
        """True when a run has been configured here."""
        return self.config.exists()

    def start(self, config: TrainConfig, domain: Domain) -> None:
        """Echo the configuration of a new run, with the names that the domain offers.

        Raises:
            ConfigError: another run lives here, or the folder cannot be written.
        """
        self._sweep()
        if self.is_started:
            raise ConfigError(f"{self.path}: holds a run already; continue it with --resume or give another folder")
        try:
            replace_file(self.config, to_toml(config, domain).encode())
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written ({error.strerror or error})") from error

    def stored_config(self, domain: Domain, expected: TrainConfig | None = None) -> TrainConfig:
        """The configuration the run was started with.

        Args:
            domain: of the run.
            expected: what the user asks for now; None if nothing. Of `config.INDIFFERENT` its settings are taken.

        Raises:
            ConfigError: no run here, or `expected` differs from it in what decides the weights.
        """
        if not self.is_started:
            raise ConfigError(f"{self.path}: holds no run to resume; start one without --resume")
        self._sweep()
        stored = load_config(self.config, domain=domain)
        if expected is None:
            return stored
        wanted = to_values(expected)
        for name, value in to_values(stored).items():
            if name not in INDIFFERENT and wanted[name] != value:
                raise ConfigError(
                    f"{self.path}: was started with {name} = {value!r}, not {wanted[name]!r}; "
                    "resume with the same settings or start a new run"
                )
        return expected

    def _sweep(self) -> None:
        """Remove the files that a killed process was writing; a run belongs to one process at a time."""
        for partial in self.path.glob(".*.partial-*"):
            if partial.is_file():
                partial.unlink(missing_ok=True)

    def write_summary(self, values: Mapping[str, Any]) -> None:
        """Write summary.json whole."""
        replace_file(self.summary, (json.dumps(values, indent=1) + "\n").encode())

    def read_summary(self) -> dict[str, Any]:
        """What `write_summary` has written."""
        return dict(json.loads(self.summary.read_text(encoding="utf-8")))

    def log_event(self, event: str, step: int, **values: Any) -> None:
        """Append one line to the log; `step` counts finished steps of the optimiser."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "step": step, **values}) + "\n")

    def rewind_log(self, step: int) -> None:
        """Drop the events after `step`: they will happen again. A half-written last line goes too."""
        if not self.log.exists():
            return
        kept = []
        try:
            lines = read_bounded(self.log, MAX_LOG).splitlines()
        except OSError as error:
            raise DataError(f"{self.log}: cannot be read ({error.strerror or error}); remove it to go on") from error
        for line in lines:
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + b"\n")
            except (ValueError, KeyError, TypeError, RecursionError):
                break
        try:
            replace_file(self.log, b"".join(kept))
        except OSError as error:
            raise DataError(f"{self.log}: cannot be written ({error.strerror or error})") from error
