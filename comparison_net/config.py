"""Settings of a training run: every name, default, range and explanation is written here or in `network_config`.

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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from comparison_net.addresses import is_address
from comparison_net.domain import Domain
from comparison_net.network_config import AUTO, SPLIT, NetworkConfig, offered, require, setting
from comparison_net.tools import ConfigError, read_bounded

INDIFFERENT: tuple[str, ...] = ("threads", "checkpoint_steps")
"""Settings that do not decide the finished weights: a run may be resumed with others."""
CHOICE_LOSSES: tuple[str, ...] = ("pairwise", "listwise", "margin")
"""By the chosen alternative alone, see `losses`."""
VALUE_LOSSES: tuple[str, ...] = ("soft", "ranking", "best-worst", "pairs")
"""By the values of all alternatives."""
LOSSES: tuple[str, ...] = (*CHOICE_LOSSES, *VALUE_LOSSES)
SMOOTHED: tuple[str, ...] = ("listwise", "soft")
"""Losses whose targets can be smoothed."""
BALANCES: tuple[str, ...] = ("none", "importance", "load", "importance-load", "gshard")
"""Auxiliary losses of learned routers, see `moe.balance`."""
SCHEDULES: tuple[str, ...] = ("cosine", "constant")
DEVICES: tuple[str, ...] = ("cpu", "cuda", "mps")
PRECISIONS: tuple[str, ...] = ("float32", "bf16")
TRACKERS: tuple[str, ...] = ("csv", "tensorboard")
"""What may keep the course of a run beside the terminal, see `training.trackers`."""
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

MAX_FILE = 1 << 20
"""Bytes of a file of settings."""
_BARE_WORD = re.compile("[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the finished weights, given the data, the processor and the libraries' versions."""

    network: NetworkConfig = field(default_factory=NetworkConfig, metadata={"help": "shape of the network"})
    loss: str = setting("listwise", f"what is minimised: {', '.join(LOSSES)}; or module:name for one of your own")
    soft_temperature: float = setting(
        0.03, "difference in value that makes an alternative e times likelier, for loss soft"
    )
    margin: float = setting(1.0, "lead in score that a chosen alternative must have, for loss margin")
    label_smoothing: float = setting(0.0, f"share of a target that all alternatives get alike ({', '.join(SMOOTHED)})")
    reference: str = setting(
        "", "model or run from which the scores' differences are counted (the form of DPO); none for plain scores"
    )
    reference_scale: float = setting(1.0, "how much a difference from the reference counts")
    outcome_weight: float = setting(1.0, "weight of the outcome loss beside the comparison; for network.outcomes")
    epochs: int = setting(20, "passes over the training decisions")
    batch_decisions: int = setting(512, "decisions in one step of the optimiser")
    sampled_candidates: int = setting(
        0, "learn from so many alternatives of a decision: the best and some of the others, drawn anew; 0 for all"
    )
    learning_rate: float = setting(0.002, "peak step size of AdamW")
    pattern_rate: float = setting(
        1.0, "step size of the rows of patterns, in parts of the others': a row that is seen rarely memorises at 1"
    )
    warmup_steps: int = setting(200, "steps over which the learning rate rises to its peak")
    schedule: str = setting("cosine", f"course of the learning rate after the warm-up: {', '.join(SCHEDULES)}")
    weight_decay: float = setting(1.0, "decay of the weights (not the biases) per unit of learning rate")
    sparsity: float = setting(
        0.0, "pulls the first layer's units to zero: weight of their sum in an alternative; what is zero costs no time"
    )
    average_decay: float = setting(0.0, "exponential averaging of the weights: 0 none, 0.999 about 1,000 steps")
    held_out: float = setting(0.1, "share of units (matches, persons) kept out of training to measure agreement")
    split_seed: int = setting(0, "which units are held out")
    balance: str = setting(
        "none", f"auxiliary loss that keeps the experts of a learned router busy: {', '.join(BALANCES)}"
    )
    balance_weight: float = setting(0.01, "weight of that loss")
    tilt: float = setting(
        0.0,
        "hard split: how much more an expert learns from decisions of its own part than from others; 0: only those",
    )
    start: str = setting("", "model or run of the same shape whose weights training goes on from; none for fresh ones")
    upcycle: str = setting("", "dense model or run that every expert starts from; none for fresh weights")
    upcycle_moments: bool = setting(False, "upcycle a run with the moments of its optimiser")
    select_by: str = setting(
        AUTO, "held-out figure of the best epoch; auto: the value lost if it is known, else agreement", "selectors"
    )
    patience: int = setting(4, "stop after so many epochs without a better held-out figure; 0 never")
    seed: int = setting(1, "start weights and order of the decisions")
    threads: int = setting(0, "workers that share each step; 0 for one per core. The weights do not depend on it")
    device: str = setting("cpu", f"where the net is: {', '.join(DEVICES)}; models do not remember it")
    precision: str = setting(
        "float32", "of products: float32, or bf16 (sums, losses, weights and the first layer on positions stay float32)"
    )
    checkpoint_steps: int = setting(200, "steps between two checkpoints to resume from")

    def __post_init__(self) -> None:
        """Refuse values out of range with a ConfigError."""
        is_loss = self.loss in LOSSES or is_address(self.loss)
        require(is_loss, "loss", self.loss, f"one of {', '.join(LOSSES)}, or module:name")
        can_smooth = self.label_smoothing == 0 or self.loss in SMOOTHED
        require(can_smooth, "label_smoothing", self.label_smoothing, f"0 for loss {self.loss!r}")
        require(0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "at least 0 and below 1")
        require(self.schedule in SCHEDULES, "schedule", self.schedule, f"one of {', '.join(SCHEDULES)}")
        require(self.device in DEVICES, "device", self.device, f"one of {', '.join(DEVICES)}")
        require(self.precision in PRECISIONS, "precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        require(self.balance in BALANCES, "balance", self.balance, f"one of {', '.join(BALANCES)}")
        can_pull = self.sparsity == 0 or bool(self.network.hidden)
        require(can_pull, "sparsity", self.sparsity, "0 for a linear network, which has no units to silence")
        can_start = not self.upcycle or self.network.is_mixture
        require(can_start, "upcycle", self.upcycle, "left out for a dense network; set network.head")
        require(not (self.start and self.upcycle), "start", self.start, "left out where upcycle is given")
        for name in ("epochs", "batch_decisions", "checkpoint_steps"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        can_sample = self.sampled_candidates == 0 or self.sampled_candidates >= 2
        require(can_sample, "sampled_candidates", self.sampled_candidates, "0, or at least 2")
        for name in _FROM_ZERO:
            require(getattr(self, name) >= 0, name, getattr(self, name), "at least 0")
        for name in ("seed", "split_seed"):
            require(0 <= getattr(self, name) < 2**63, name, getattr(self, name), "from 0 to 2^63 - 1")
        for name in ("learning_rate", "pattern_rate", "soft_temperature", "margin", "reference_scale"):
            require(getattr(self, name) > 0, name, getattr(self, name), "more than 0")
        require(0.0 <= self.average_decay < 1.0, "average_decay", self.average_decay, "at least 0 and below 1")
        require(0.0 <= self.held_out <= 0.9, "held_out", self.held_out, "from 0 to 0.9")

    def for_domain(self, domain: Domain) -> TrainConfig:
        """The settings with the domain's defaults in the place of "auto", see `NetworkConfig.for_domain`.

        Raises:
            ConfigError: the domain does not offer what a setting names, or not together with the others.
        """
        config = replace(self, network=self.network.for_domain(domain))
        selectors, head = offered(domain, "selectors"), config.network.head
        require(self.select_by in selectors, "select_by", self.select_by, f"one of {', '.join(selectors)}")
        has_patterns = self.pattern_rate == 1 or config.network.num_patterns(domain) > 0
        require(has_patterns, "pattern_rate", self.pattern_rate, "1 for network.inputs without patterns")
        is_open = self.tilt == 0 or config.network.kind(domain) == SPLIT
        rule = f'0 for network.head {head!r}; only "{domain.head_names.get(SPLIT, SPLIT)}" can be tilted'
        require(is_open, "tilt", self.tilt, rule)
        return config


def settings(config: TrainConfig | None = None, domain: Domain | None = None) -> Iterator[tuple[str, object, str]]:
    """(name, value, explanation) of every setting, nested ones as "network.hidden".

    Args:
        config: whose values; None for the defaults.
        domain: whose names are listed where a setting takes one of several; None for none.
    """
    yield from _walk(config or TrainConfig(), "", domain)


def _walk(config: NetworkConfig | TrainConfig, prefix: str, domain: Domain | None) -> Iterator[tuple[str, object, str]]:
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if isinstance(value, NetworkConfig):
            yield from _walk(value, f"{prefix}{item.name}.", domain)
        else:
            offers = item.metadata["offers"]
            names = f": {', '.join(offered(domain, offers))}" if domain is not None and offers else ""
            yield prefix + item.name, value, item.metadata["help"] + names


def load_config(path: Path | None = None, overrides: Iterable[str] = (), domain: Domain | None = None) -> TrainConfig:
    """Defaults, then the TOML file, then the overrides.

    Args:
        path: TOML file; None for the defaults alone.
        overrides: texts "name=value", the value as in TOML; a bare word counts as a string.
        domain: checked against, see `TrainConfig.for_domain`; None for what every domain has in common.

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
    return make_config(values, where, domain)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_bounded(path, MAX_FILE).decode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
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


def make_config(values: Mapping[str, object], where: str = "", domain: Domain | None = None) -> TrainConfig:
    """A checked configuration from flat names such as "network.hidden"; what is missing keeps its default.

    Args:
        values: settings by name.
        where: put before the message of an error, for instance "run.toml: ".
        domain: as for `load_config`.

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
        config = TrainConfig(network=NetworkConfig(**network), **training)
        return config if domain is None else config.for_domain(domain)
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
    return {name: value for name, value, _ in settings(config)}


def to_toml(config: TrainConfig, domain: Domain | None = None) -> str:
    """The configuration as a TOML file with every setting explained; with the names that a domain offers."""
    top: list[str] = []
    network = ["", "[network]"]
    for name, value, explanation in settings(config, domain):
        target = network if name.startswith("network.") else top
        target.append(f"{name.removeprefix('network.')} = {_toml_value(value)}  # {explanation}")
    return "\n".join([*top, *network]) + "\n"


def _toml_value(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)
