"""Settings of a mixture of experts: names, defaults, ranges and which router goes with which tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from comparison_net.tools import ConfigError

PHASE_HEADS: tuple[str, ...] = ("phase", "phase-soft", "phase-learned")
TOKEN_CHOICES: tuple[str, ...] = ("softmax-token", "sinkhorn-token")
GROUP_ROUTERS: tuple[str, ...] = ("softmax-expert", "sinkhorn-expert", "sparse-expert", "soft", "us", "us-free")
"""Routers whose choice depends on the whole group: the tokens must be those of one board."""
HEADS: tuple[str, ...] = ("dense", *PHASE_HEADS, *TOKEN_CHOICES, *GROUP_ROUTERS)
TOKENS: tuple[str, ...] = ("positions", "locations")
BALANCES: tuple[str, ...] = ("none", "importance", "load", "importance-load", "gshard")
"""Auxiliary losses of learned routers, see `balance`."""
SPLIT_SIZES: dict[str, int] = {"phase": 6, "plan": 14}
"""Parts of each hard split; `codes.SPLITS` has their names. (Numbers here: settings are read without compiling.)"""
MAX_EXPERTS = 64


def _setting(default: Any, explanation: str) -> Any:
    """A dataclass field with its line of help."""
    return field(default=default, metadata={"help": explanation})


@dataclass(frozen=True, kw_only=True)
class MixtureConfig:
    """Shape and routing of the part of the net above the shared first layer."""

    head: str = _setting("dense", f"who computes a candidate: {', '.join(HEADS)}")
    tokens: str = _setting(
        "auto",
        "what is routed: positions, or the 26 locations of each board; auto: locations where the head needs them",
    )
    experts: int = _setting(6, "number of experts; phase and phase-learned have one for each part of the split instead")
    split: str = _setting("phase", f"parts of the hard phase router: {', '.join(SPLIT_SIZES)}")
    choices: int = _setting(1, "experts that a position or a token asks for (phase-soft, phase-learned, token choice)")
    capacity: float = _setting(
        1.05, "slots of an expert relative to an even spread; expert choice and us: experts of a token on average"
    )
    slots: int = _setting(7, "slots of each expert of the soft router")
    noise: float = _setting(1.0, "noise on the logits of softmax-token while training, times 1 / experts")
    renormalise: bool = _setting(False, "divide the combine weights of a token by their sum")
    batch_priority: bool = _setting(False, "softmax-token serves the surest tokens first instead of the first ones")
    alpha: float = _setting(0.5, "weight of the view over the experts in us; the rest is the view over the tokens")
    token_width: int = _setting(16, "numbers of a location token")
    token_hidden: int = _setting(16, "hidden units of an expert of location tokens")
    token_layers: int = _setting(1, "mixture layers of location tokens, 1 or 2")

    def __post_init__(self) -> None:
        """Refuse values out of range, and routers that do not go with the tokens, with a ConfigError."""
        if self.tokens == "auto":
            object.__setattr__(self, "tokens", "locations" if self.head in GROUP_ROUTERS else "positions")
        for name, values in (("head", HEADS), ("tokens", TOKENS), ("split", tuple(SPLIT_SIZES))):
            _require(getattr(self, name) in values, name, getattr(self, name), f"one of {', '.join(values)}")
        _require(1 <= self.experts <= MAX_EXPERTS, "experts", self.experts, f"from 1 to {MAX_EXPERTS}")
        _require(1 <= self.choices <= self.num_experts, "choices", self.choices, f"from 1 to {self.num_experts}")
        _require(0.1 <= self.capacity <= MAX_EXPERTS, "capacity", self.capacity, f"from 0.1 to {MAX_EXPERTS}")
        _require(1 <= self.slots <= 26, "slots", self.slots, "from 1 to 26")
        _require(0 <= self.noise <= 100, "noise", self.noise, "from 0 to 100")
        _require(0 <= self.alpha <= 1, "alpha", self.alpha, "from 0 to 1")
        for name in ("token_width", "token_hidden"):
            _require(1 <= getattr(self, name) <= 1024, name, getattr(self, name), "from 1 to 1024")
        _require(self.token_layers in (1, 2), "token_layers", self.token_layers, "1 or 2")
        if self.tokens == "positions" and self.head in GROUP_ROUTERS:
            raise ConfigError(
                f"network.head = {self.head!r} with tokens = 'positions': a candidate's score would depend on its "
                "rivals; set network.tokens = 'locations', or take a phase or token-choice head"
            )
        if self.tokens == "locations" and self.head in PHASE_HEADS:
            raise ConfigError(
                f"network.head = {self.head!r} with tokens = 'locations': a phase is a property of a position; set "
                "network.tokens = 'positions'"
            )

    @property
    def num_experts(self) -> int:
        """Experts that the net has."""
        if self.head in ("phase", "phase-learned"):
            return SPLIT_SIZES[self.split]
        return 1 if self.head == "dense" else self.experts

    @property
    def is_mixture(self) -> bool:
        """False for the plain dense net."""
        return self.head != "dense" or self.tokens == "locations"


def _require(condition: bool, name: str, value: object, rule: str) -> None:
    if not condition:
        raise ConfigError(f"network.{name} = {value!r}: must be {rule}")
