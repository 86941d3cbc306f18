"""Settings of a training run: every name, default, range and explanation is written here and nowhere else.

A run is configured by a TOML file plus overrides (`--set network.hidden=[128]`), checked as a whole, and echoed into
the run folder by `to_toml`; the echo read back gives an equal `TrainConfig`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comparison_net.moe.settings import BALANCES, MixtureConfig
from comparison_net.tools import ConfigError

INDIFFERENT: tuple[str, ...] = ("threads", "checkpoint_steps")
"""Settings that do not decide the finished weights: a run may be resumed with others."""
LOSSES: tuple[str, ...] = ("pairwise", "listwise", "soft")
"""By the chosen candidate alone, against each rejected one or against all at once; or by the equities of all."""
SCORES: tuple[str, ...] = ("head", "equity", "sum")
"""The score is an output of its own, the equity of the outcome head in units of a learned temperature, or their sum."""
SELECTORS: tuple[str, ...] = ("auto", "agreement", "equity_loss")
"""What the best epoch is best in, on the held-out decisions."""
INPUTS: tuple[str, ...] = ("counts", "patterns")
"""What the first layer sees: the counts by location (`features`), or the patterns (`patterns`) as well."""
SCHEDULES: tuple[str, ...] = ("cosine", "constant")
_FROM_ZERO = (
    "warmup_steps",
    "patience",
    "threads",
    "weight_decay",
    "sparsity",
    "outcome_weight",
    "balance_weight",
    "tilt",
)
MAX_WIDTH = 8192
MAX_LAYERS = 8

_BARE_WORD = re.compile("[A-Za-z_-]+")


def _setting(default: Any, explanation: str) -> Any:
    """A dataclass field with its line of help."""
    return field(default=default, metadata={"help": explanation})


def _require(condition: bool, name: str, value: object, rule: str) -> None:
    if not condition:
        raise ConfigError(f"{name} = {value!r}: must be {rule}")


@dataclass(frozen=True)
class NetworkConfig(MixtureConfig):
    """Shape of the comparison network; travels in every checkpoint."""

    hidden: tuple[int, ...] = _setting((256, 32), "widths of the hidden layers; [] for a linear network")
    inputs: str = _setting("counts", f"what the first layer sees: {', '.join(INPUTS)} (with the counts)")
    outcomes: bool = _setting(False, "also give the probabilities of the six outcomes, learnt from labels or results")
    score_from: str = _setting(
        "head", f"what ranks the candidates: {', '.join(SCORES)}; equity is that of the outcomes"
    )

    def __post_init__(self) -> None:
        """Refuse values out of range with a ConfigError."""
        super().__post_init__()
        fits = len(self.hidden) <= MAX_LAYERS and all(1 <= width <= MAX_WIDTH for width in self.hidden)
        _require(fits, "network.hidden", list(self.hidden), f"at most {MAX_LAYERS} widths from 1 to {MAX_WIDTH}")
        _require(self.score_from in SCORES, "network.score_from", self.score_from, f"one of {', '.join(SCORES)}")
        can_score = self.outcomes or self.score_from == "head"
        _require(can_score, "network.score_from", self.score_from, '"head" as long as network.outcomes is false')
        _require(self.inputs in INPUTS, "network.inputs", self.inputs, f"one of {', '.join(INPUTS)}")
        can_see = self.inputs == "counts" or (bool(self.hidden) and self.head in ("dense", "phase"))
        can_see = can_see and (self.inputs == "counts" or (self.tokens != "locations" and self.split == "phase"))
        _require(
            can_see, "network.inputs", self.inputs, '"counts" but for dense nets with a hidden layer and head "phase"'
        )
        can_mix = self.hidden or not self.is_mixture
        _require(bool(can_mix), "network.hidden", [], f"at least one width for network.head {self.head!r}")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the finished weights, given the shards, the processor and the libraries' versions."""

    network: NetworkConfig = field(default_factory=NetworkConfig, metadata={"help": "shape of the network"})
    loss: str = _setting("listwise", f"what is minimised: {', '.join(LOSSES)}")
    soft_temperature: float = _setting(0.03, "points of equity that make a candidate e times likelier, for loss soft")
    outcome_weight: float = _setting(1.0, "weight of the outcome loss beside the comparison; for network.outcomes")
    epochs: int = _setting(20, "passes over the training decisions")
    batch_decisions: int = _setting(512, "decisions in one step of the optimiser")
    sampled_candidates: int = _setting(
        0, "learn from so many candidates of a decision: the best and some of the others, drawn anew; 0 for all"
    )
    learning_rate: float = _setting(0.002, "peak step size of AdamW")
    warmup_steps: int = _setting(200, "steps over which the learning rate rises to its peak")
    schedule: str = _setting("cosine", f"course of the learning rate after the warm-up: {', '.join(SCHEDULES)}")
    weight_decay: float = _setting(1.0, "decay of the weights (not the biases) per unit of learning rate")
    sparsity: float = _setting(
        0.0, "pulls the first layer's units to zero: weight of their sum in a candidate; what is zero costs no time"
    )
    average_decay: float = _setting(0.0, "exponential averaging of the weights: 0 none, 0.999 about 1,000 steps")
    held_out: float = _setting(0.1, "share of matches kept out of training to measure agreement")
    split_seed: int = _setting(0, "which matches are held out")
    balance: str = _setting(
        "none", f"auxiliary loss that keeps the experts of a learned router busy: {', '.join(BALANCES)}"
    )
    balance_weight: float = _setting(0.01, "weight of that loss")
    tilt: float = _setting(
        0.0,
        "head phase: how much more an expert learns from decisions of its own phase than from others; 0: only those",
    )
    start: str = _setting("", "model or run of the same shape whose weights training goes on from; none for fresh ones")
    upcycle: str = _setting("", "dense model or run that every expert starts from; none for fresh weights")
    upcycle_moments: bool = _setting(False, "upcycle a run with the moments of its optimiser")
    select_by: str = _setting(
        "auto", f"held-out figure of the best epoch: {', '.join(SELECTORS)}; auto: the last if any"
    )
    patience: int = _setting(4, "stop after so many epochs without a better held-out figure; 0 never")
    seed: int = _setting(1, "start weights and order of the decisions")
    threads: int = _setting(0, "workers that share each step; 0 for one per core. The weights do not depend on it")
    checkpoint_steps: int = _setting(200, "steps between two checkpoints to resume from")

    def __post_init__(self) -> None:
        """Refuse values out of range with a ConfigError."""
        _require(self.loss in LOSSES, "loss", self.loss, f"one of {', '.join(LOSSES)}")
        _require(self.schedule in SCHEDULES, "schedule", self.schedule, f"one of {', '.join(SCHEDULES)}")
        _require(self.select_by in SELECTORS, "select_by", self.select_by, f"one of {', '.join(SELECTORS)}")
        _require(self.balance in BALANCES, "balance", self.balance, f"one of {', '.join(BALANCES)}")
        is_open = self.tilt == 0 or self.network.head == "phase"
        _require(is_open, "tilt", self.tilt, f'0 for network.head {self.network.head!r}; only "phase" can be tilted')
        can_pull = self.sparsity == 0 or bool(self.network.hidden)
        _require(can_pull, "sparsity", self.sparsity, "0 for a linear network, which has no units to silence")
        can_start = not self.upcycle or self.network.is_mixture
        _require(can_start, "upcycle", self.upcycle, "left out for a dense network; set network.head")
        _require(not (self.start and self.upcycle), "start", self.start, "left out where upcycle is given")
        for name in ("epochs", "batch_decisions", "checkpoint_steps"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        can_sample = self.sampled_candidates == 0 or self.sampled_candidates >= 2
        _require(can_sample, "sampled_candidates", self.sampled_candidates, "0, or at least 2")
        for name in _FROM_ZERO:
            _require(getattr(self, name) >= 0, name, getattr(self, name), "at least 0")
        for name in ("seed", "split_seed"):
            _require(0 <= getattr(self, name) < 2**63, name, getattr(self, name), "from 0 to 2^63 - 1")
        for name in ("learning_rate", "soft_temperature"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "more than 0")
        _require(0.0 <= self.average_decay < 1.0, "average_decay", self.average_decay, "at least 0 and below 1")
        _require(0.0 <= self.held_out <= 0.9, "held_out", self.held_out, "from 0 to 0.9")


def settings() -> Iterator[tuple[str, object, str]]:
    """(name, default, explanation) of every setting, nested ones as "network.hidden"."""
    yield from _walk(TrainConfig(), "")


def _walk(config: NetworkConfig | TrainConfig, prefix: str) -> Iterator[tuple[str, object, str]]:
    own = type(config).__annotations__
    for item in sorted(dataclasses.fields(config), key=lambda item: item.name not in own):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            assert isinstance(value, NetworkConfig)
            yield from _walk(value, f"{prefix}{item.name}.")
        else:
            yield prefix + item.name, value, item.metadata["help"]


def load_config(path: Path | None = None, overrides: Iterable[str] = ()) -> TrainConfig:
    """Defaults, then the TOML file, then the overrides.

    Args:
        path: TOML file; None for the defaults alone.
        overrides: texts "name=value", the value as in TOML; a bare word counts as a string.

    Raises:
        ConfigError: an unreadable file, an unknown name (the nearest one is suggested), a wrong type or range.

    >>> load_config(overrides=["network.hidden=[64]", "loss=pairwise"]).network.hidden
    (64,)
    """
    values: dict[str, object] = {}
    if path is not None:
        values.update(_flatten(_read_toml(path), ""))
        where = f"{path}: "
    else:
        where = ""
    for text in overrides:
        name, value = parse_override(text)
        values[name] = value
    return make_config(values, where)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML ({error})") from error


def parse_override(text: str) -> tuple[str, object]:
    """(name, value) of "name=value".

    Raises:
        ConfigError: no "=", or a value that is neither TOML nor a bare word.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"{text!r}: write name=value, for instance epochs=5")
    bare = value.strip()
    if _BARE_WORD.fullmatch(bare) and bare not in ("true", "false", "inf", "nan"):
        return name.strip(), bare
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{text!r}: {value!r} is not a TOML value ({error})") from error


def _flatten(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def make_config(values: Mapping[str, object], where: str = "") -> TrainConfig:
    """A checked configuration from flat names such as "network.hidden"; what is missing keeps its default.

    Args:
        values: settings by name.
        where: put before the message of an error, for instance "run.toml: ".

    Raises:
        ConfigError: an unknown name, a wrong type or a value out of range.
    """
    defaults = {name: default for name, default, _ in settings()}
    network: dict[str, Any] = {}
    training: dict[str, Any] = {}
    for name, value in values.items():
        if name not in defaults:
            raise ConfigError(f"{where}unknown setting {name!r}{_suggestion(name, list(defaults))}")
        converted = _convert(f"{where}{name}", value, defaults[name])
        if name.startswith("network."):
            network[name.removeprefix("network.")] = converted
        else:
            training[name] = converted
    try:
        return TrainConfig(network=NetworkConfig(**network), **training)
    except ConfigError as error:
        raise ConfigError(f"{where}{error}") from None


def _suggestion(name: str, valid: list[str]) -> str:
    """The mend: the nearest valid name, also when only the table was forgotten."""
    same_leaf = [other for other in valid if other.rpartition(".")[2] == name.rpartition(".")[2]]
    nearest = same_leaf or difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    return f": did you mean {nearest[0]!r}?" if nearest else f"; valid ones are {', '.join(valid)}"


def _convert(name: str, value: object, default: object) -> object:
    """`value` as the type of `default`."""
    if isinstance(default, tuple):
        if isinstance(value, (list, tuple)) and all(
            isinstance(item, int) and not isinstance(item, bool) for item in value
        ):
            return tuple(value)
        raise ConfigError(f"{name} = {value!r}: must be a list of whole numbers, for instance [256, 32]")
    if isinstance(default, str):
        if isinstance(value, str):
            return value
        raise ConfigError(f"{name} = {value!r}: must be text")
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise ConfigError(f"{name} = {value!r}: must be true or false")
    if isinstance(default, int):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise ConfigError(f"{name} = {value!r}: must be a whole number")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ConfigError(f"{name} = {value!r}: must be a number")


def to_values(config: TrainConfig) -> dict[str, object]:
    """Every setting by its flat name; `make_config` is the inverse."""
    return {name: value for name, value, _ in _walk(config, "")}


def to_toml(config: TrainConfig) -> str:
    """The configuration as a TOML file with every setting explained."""
    top: list[str] = []
    network = ["", "[network]"]
    for name, value, explanation in _walk(config, ""):
        target = network if name.startswith("network.") else top
        target.append(f"{name.removeprefix('network.')} = {_toml_value(value)}  # {explanation}")
    return "\n".join([*top, *network]) + "\n"


def _toml_value(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)
