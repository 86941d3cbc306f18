"""Everything that decides how a run goes on, saved so that the finished weights do not depend on interruptions.

A state holds weights, optimiser moments, averaged and best weights, the place in the data (epoch, batch), and the
course so far. No random state needs saving: the order of the decisions is a function of (seed, epoch).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from comparison_net.checkpoint import Tensors, check_weights, load_model, read_tensors, write_tensors
from comparison_net.comparator import CandidateNet
from comparison_net.config import TrainConfig
from comparison_net.encoders import Encoder
from comparison_net.moe.upcycle import upcycle, upcycle_moments
from comparison_net.network import make_network
from comparison_net.tools import ModelError
from comparison_net.training.run_folder import RunFolder

STATE_KIND = "pairgammon-run-state"
_PROGRESS_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("epoch", "batch", "step", "decisions", "best_epoch", "epochs_without_gain"), (int,)),
    **dict.fromkeys(("loss_sum", "train_seconds"), (float, int)),
    "best_figure": (float, int, type(None)),
    "history": (list,),
    "is_finished": (bool,),
}
"""What JSON makes of the fields of `Progress`."""
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps for every parameter."""


@dataclass
class Progress:
    """Where a run is and how it went; plain numbers, kept as JSON."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    """Finished steps of the optimiser, over all epochs."""
    loss_sum: float = 0.0
    """Sum over the decisions of this epoch so far."""
    decisions: int = 0
    """Decisions of this epoch so far."""
    best_figure: float | None = None
    """Held-out figure of the best epoch, the larger the better; None before there is one."""
    best_epoch: int = -1
    epochs_without_gain: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    """One entry for each finished epoch."""
    is_finished: bool = False
    train_seconds: float = 0.0
    """In steps of the optimiser; wall clock, so the only entry that differs between equal runs."""


class RunState:
    """The living objects of a run."""

    def __init__(self, config: TrainConfig, encoder: Encoder, net: CandidateNet | None = None) -> None:
        """Begin with `net`, or with fresh weights from the configured seed."""
        self.config = config
        self.net = make_net(config, encoder) if net is None else net.to(config.device)
        self.optimizer = make_optimizer(self.net, config)
        self.average = copy.deepcopy(self.net) if config.average_decay > 0 else self.net
        self.best: Tensors = {}
        self.progress = Progress()

    def result(self) -> CandidateNet:
        """The network that is judged and kept: the averaged one where averaging is on."""
        return self.average

    def take_best(self) -> None:
        """Give the result the best weights so far, if any epoch was judged."""
        if self.best:
            _load_weights(self.result(), self.best)

    def update_average(self) -> None:
        """Move the averaged weights towards the current ones; early steps count less, the start is noise."""
        if self.average is self.net:
            return
        step = self.progress.step
        decay = min(self.config.average_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, current in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(current, 1 - decay)

    def go_on_from(self, model: Path) -> None:
        """Start from the weights of a model of the same shape, with fresh moments.

        Raises:
            ModelError: it cannot be read, or has another shape.
        """
        try:
            _load_weights(self.net, dict(load_model(model, self.net.domain).weights))
        except RuntimeError as error:
            raise ModelError(f"{model}: has another shape than the run's network ({error})") from error
        if self.average is not self.net:
            self.average.load_state_dict(self.net.state_dict())

    def start_from(self, dense: Path, has_moments: bool) -> None:
        """Let every expert of a mixture start from a dense network, see `moe.upcycle`.

        Args:
            dense: a model file, or a run folder.
            has_moments: take the last weights of a run and the moments of its optimiser instead of its best weights.

        Raises:
            ModelError: it cannot be read, has other widths or heads, or moments are asked of a model file.
        """
        if not has_moments:
            upcycle(self.net, load_model(dense, self.net.domain).weights)
        else:
            if not dense.is_dir():
                raise ModelError(
                    f"{dense}: a model file holds no moments; give the run folder, or upcycle_moments=false"
                )
            tensors, _ = read_tensors(RunFolder(dense).state, STATE_KIND)
            upcycle(self.net, _with_prefix(tensors, "net."))
            moments = _with_prefix(tensors, "adam.")
            by_key = {
                key: {name.removesuffix(f".{key}"): moments[name] for name in moments if name.endswith(f".{key}")}
                for key in _MOMENTS
            }
            upcycle_moments(self.net, self.optimizer, by_key)
        if self.average is not self.net:
            self.average.load_state_dict(self.net.state_dict())

    def save(self, path: Path, data_fingerprint: str) -> None:
        """Write the whole state.

        Raises:
            ModelError: the file cannot be written.
        """
        tensors = _prefixed("net.", self.net.weights())
        tensors.update(_prefixed("best.", self.best))
        if self.average is not self.net:
            tensors.update(_prefixed("average.", self.average.weights()))
        for name, parameter in self.net.named_parameters():
            moments = self.optimizer.state.get(parameter, {})
            tensors.update({f"adam.{name}.{key}": moments[key].cpu().numpy() for key in _MOMENTS if key in moments})
        description = {"progress": vars(self.progress), "data_fingerprint": data_fingerprint}
        write_tensors(path, STATE_KIND, tensors, description)

    def load(self, path: Path, data_fingerprint: str) -> None:
        """Take over a saved state.

        Raises:
            ModelError: no state, damaged, of another network, or of other training data.
        """
        tensors, description = read_tensors(path, STATE_KIND)
        if description.get("data_fingerprint") != data_fingerprint:
            raise ModelError(f"{path}: belongs to other training data; resume with the data of that run")
        try:
            self.progress = _progress_of(description["progress"])
            check_weights(path, {name: tensor for name, tensor in tensors.items() if not name.startswith("adam.")})
            _load_weights(self.net, _with_prefix(tensors, "net."))
            if self.average is not self.net:
                _load_weights(self.average, _with_prefix(tensors, "average."))
            self.best = _with_prefix(tensors, "best.")
            self._check_best()
            self.optimizer.load_state_dict(self._optimizer_state(tensors))
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())  # torch's list of names takes lines
            raise ModelError(f"{path}: does not fit the run's configuration ({said}); start a new run") from error

    def _check_best(self) -> None:
        """Refuse best weights that a finished epoch would not have left.

        Raises:
            ValueError: there are none, or of other shapes than the network's.
        """
        shapes = {name: (weight.shape, weight.dtype) for name, weight in self.net.weights().items()}
        found = {name: (weight.shape, weight.dtype) for name, weight in self.best.items()}
        if found != (shapes if self.progress.history else {}):
            raise ValueError("its best weights are not those of such a network")

    def _optimizer_state(self, tensors: Tensors) -> dict[str, Any]:
        """A state dict of the optimiser: groups as configured, moments from the file.

        Raises:
            KeyError, ValueError: a moment is missing, of another shape, or can be none.
        """
        state = self.optimizer.state_dict()
        numbers = {parameter: name for name, parameter in self.net.named_parameters()}
        ordered = [numbers[parameter] for group in self.optimizer.param_groups for parameter in group["params"]]
        shapes = {name: tuple(parameter.shape) for name, parameter in self.net.named_parameters()}
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for number, name in enumerate(ordered if self.progress.step else ()):
            found = {key: np.array(tensors[f"adam.{name}.{key}"]) for key in _MOMENTS}
            for key, moment in found.items():
                least = -np.inf if key == "exp_avg" else 0.0
                is_sane = bool((np.isfinite(moment) & (moment >= least)).all())
                shape = (1,) if key == "step" else shapes[name]
                if not is_sane or moment.dtype != np.float32 or moment.shape != shape:
                    raise ValueError(f"{key} of {name} is none")
            moments[number] = {key: torch.from_numpy(moment) for key, moment in found.items()}
        return {"state": moments, "param_groups": state["param_groups"]}


def _progress_of(values: Any) -> Progress:
    """What a file says of the course of a run.

    Raises:
        TypeError, ValueError: values of other kinds, or such that no run has.
    """
    progress = Progress(**values)
    for name, kinds in _PROGRESS_KINDS.items():
        value = getattr(progress, name)
        if type(value) not in kinds or (isinstance(value, float) and not math.isfinite(value)):
            raise TypeError(f"{name} cannot be {value!r}"[:200])
    counts = (progress.epoch, progress.batch, progress.step, progress.decisions, progress.epochs_without_gain)
    is_whole = len(progress.history) == progress.epoch and all(type(entry) is dict for entry in progress.history)
    is_whole = is_whole and (progress.batch == 0) == (progress.decisions == 0)
    if min(counts) < 0 or not is_whole or not -1 <= progress.best_epoch < max(progress.epoch, 1):
        raise ValueError("its epochs do not fit together")
    return progress


def make_net(config: TrainConfig, encoder: Encoder) -> CandidateNet:
    """A network with the start weights that the seed gives; torch's own generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return make_network(config.network, encoder).to(config.device)


def load_net(path: Path, encoder: Encoder) -> CandidateNet:
    """The net of a model file or run folder, for scoring.

    Raises:
        ModelError: it cannot be read, or was made for other inputs.
    """
    model = load_model(path, encoder.domain)
    net = make_network(model.network, encoder)
    _load_weights(net, dict(model.weights))
    return net.requires_grad_(False)


def make_optimizer(net: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW that decays the weights and leaves the biases alone; `share` of a group is its part of the step size."""
    weights: list[nn.Parameter] = []
    patterns: list[nn.Parameter] = []
    biases: list[nn.Parameter] = []
    for name, parameter in net.named_parameters():
        is_bias = parameter.ndim <= 1 or name.endswith("bias")  # stacked experts have biases with two axes
        is_pattern = name.endswith("patterns")
        (biases if is_bias else patterns if is_pattern else weights).append(parameter)
    groups = [
        {"params": weights, "weight_decay": config.weight_decay, "share": 1.0},
        {"params": patterns, "weight_decay": config.weight_decay, "share": config.pattern_rate},
        {"params": biases, "weight_decay": 0.0, "share": 1.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate, fused=True)


def _prefixed(prefix: str, tensors: Mapping[str, Any]) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _with_prefix(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _load_weights(net: CandidateNet, weights: Tensors) -> None:
    net.load_state_dict({name: torch.from_numpy(np.array(tensor)) for name, tensor in weights.items()})
