"""Shape of a net: names, defaults and ranges of its settings, and which of them a domain has.

Settings by themselves are checked when they are made; whether the domain offers what they name, by `for_domain`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from comparison_net.addresses import is_address
from comparison_net.domain import Domain
from comparison_net.tools import ConfigError

LOG_LOSS = "log_loss"
"""Figure of the held-out choices: minus the mean logarithm of the chosen alternative's share."""
AUTO = "auto"
"""A setting that takes the first thing that the domain offers."""

SPLIT, GATE, SPLIT_GATE, MERGED = "split", "gate", "split-gate", "merged"
SPLIT_HEADS: tuple[str, ...] = (SPLIT, GATE, SPLIT_GATE, MERGED)
"""The expert of an item's part of a hard split; a learned gate on cheap numbers; the same, started from the split; that
again, with the experts' weights merged by the gate while training, and the best expert alone at play time."""
BY_ALTERNATIVE, BY_DECISION, BY_PAIR = "alternative", "decision", "pair"
ROUTES: tuple[str, ...] = (BY_ALTERNATIVE, BY_DECISION, BY_PAIR)
"""What a router looks at: each alternative by itself; what those of a decision have in common, so that all of them meet
the same experts; or, for a hard split, both."""
TOKEN_CHOICES: tuple[str, ...] = ("softmax-token", "sinkhorn-token")
GROUP_ROUTERS: tuple[str, ...] = ("softmax-expert", "sinkhorn-expert", "sparse-expert", "soft", "us", "us-free")
"""Routers whose choice depends on the whole group: the tokens must be those of one item."""
NOISY_ROUTERS: tuple[str, ...] = (*TOKEN_CHOICES, "softmax-expert", "sinkhorn-expert", "sparse-expert")
"""Routers that see noise on their logits while training, as in V-MoE."""
HEADS: tuple[str, ...] = ("dense", *SPLIT_HEADS, *TOKEN_CHOICES, *GROUP_ROUTERS)
TOKENS: tuple[str, ...] = ("positions", "locations")
"""What is routed: whole items, or the tokens at the places inside each item."""
MAX_EXPERTS = 64
MAX_SLOTS = 26
MAX_WIDTH = 8192
MAX_LAYERS = 8
MAX_TOKEN_LAYERS = 4


def setting(default: Any, explanation: str, offers: str = "") -> Any:
    """A dataclass field with its line of help; `offers` names what of a domain is listed behind it."""
    return field(default=default, metadata={"help": explanation, "offers": offers})


def require(condition: bool, name: str, value: object, rule: str) -> None:
    """Refuse a value with a ConfigError unless the condition holds."""
    if not condition:
        raise ConfigError(f"{name} = {value!r}: must be {rule}")


def offered(domain: Domain, what: str) -> tuple[str, ...]:
    """The names that a setting may have in a domain: `heads`, `inputs`, `splits`, `scores` or `selectors`."""
    if what == "heads":
        has = {SPLIT: bool(domain.splits), GATE: bool(domain.gate_features), SPLIT_GATE: bool(domain.gate_parts)}
        has[MERGED] = bool(domain.gate_parts) and domain.has_context
        has |= dict.fromkeys(GROUP_ROUTERS, domain.tokens is not None)
        return tuple(domain.head_names.get(kind, kind) for kind in HEADS if has.get(kind, True))
    if what == "scores":
        return ("head", domain.value, "sum") if domain.outcomes else ("head",)
    if what == "selectors":
        return (AUTO, "agreement", LOG_LOSS, domain.value_loss)
    names: Iterable[str] = domain.inputs if what == "inputs" else domain.splits
    return tuple(names)


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the net; travels in every checkpoint."""

    hidden: tuple[int, ...] = setting((256, 32), "widths of the hidden layers; [] for a linear network")
    inputs: str = setting(AUTO, "what the first layer sees", "inputs")
    outcomes: bool = setting(False, "also give the probabilities of the outcome classes, learnt from labels or results")
    score_from: str = setting(
        "head", "what ranks the alternatives: an output, the expected value of the outcomes, or the sum", "scores"
    )
    head: str = setting("dense", "who computes an alternative", "heads")
    tokens: str = setting(
        AUTO, f"what is routed, whole items or the tokens inside each: {', '.join(TOKENS)}; auto: as the head needs it"
    )
    experts: int = setting(6, "number of experts; heads that follow a split have one for each of its parts instead")
    split: str = setting(AUTO, "parts of the hard split", "splits")
    route_by: str = setting(
        AUTO,
        f"what a router looks at: {', '.join(ROUTES)} of both; auto: decision for merged experts, else alternative",
    )
    context: bool = setting(
        False, "the second layer of the score also sees what the alternatives of a decision have in common"
    )
    choices: int = setting(1, "experts that an item or a token asks for (learned gates, token choice)")
    capacity: float = setting(
        1.05, "slots of an expert relative to an even spread; expert choice and us: experts of a token on average"
    )
    slots: int = setting(7, "slots of each expert of the soft router")
    noise: float = setting(1.0, "noise on a router's logits while training, times 1 / experts (not soft, us, us-free)")
    renormalise: bool = setting(False, "divide the combine weights of a token by their sum")
    batch_priority: bool = setting(False, "softmax-token serves the surest tokens first instead of the first ones")
    alpha: float = setting(0.5, "weight of the view over the experts in us; the rest is the view over the tokens")
    token_width: int = setting(16, "numbers of a token")
    token_hidden: int = setting(16, "hidden units of an expert of tokens")
    token_layers: int = setting(1, f"layers of tokens, at most {MAX_TOKEN_LAYERS}")
    expert_layers: int = setting(0, "layers of tokens, the last ones, that have experts; 0 for all of them")
    attention: int = setting(
        0, "heads by which the tokens of an item attend to each other before each layer: a transformer; 0 for none"
    )

    def __post_init__(self) -> None:
        """Refuse values out of range, and routers that do not go with the tokens, with a ConfigError."""
        if self.tokens == AUTO:
            object.__setattr__(self, "tokens", "locations" if self.head in GROUP_ROUTERS else "positions")
        require(self.tokens in TOKENS, "network.tokens", self.tokens, f"one of {', '.join(TOKENS)}")
        fits = len(self.hidden) <= MAX_LAYERS and all(1 <= width <= MAX_WIDTH for width in self.hidden)
        require(fits, "network.hidden", list(self.hidden), f"at most {MAX_LAYERS} widths from 1 to {MAX_WIDTH}")
        can_mix = bool(self.hidden) or not self.is_mixture
        require(can_mix, "network.hidden", [], f"at least one width for network.head {self.head!r}")
        can_score = self.outcomes or self.score_from == "head"
        require(can_score, "network.score_from", self.score_from, '"head" as long as network.outcomes is false')
        self._check_ranges()
        require(self.route_by in (AUTO, *ROUTES), "network.route_by", self.route_by, f"one of {', '.join(ROUTES)}")
        if self.tokens == "positions" and self.head in GROUP_ROUTERS:
            raise ConfigError(
                f"network.head = {self.head!r} with tokens = 'positions': an alternative's score would depend on its "
                "rivals; set network.tokens = 'locations', or take a head that routes whole items"
            )

    def _check_ranges(self) -> None:
        for name, least, most in (
            ("experts", 1, MAX_EXPERTS),
            ("choices", 1, MAX_EXPERTS),
            ("capacity", 0.1, MAX_EXPERTS),
            ("slots", 1, MAX_SLOTS),
            ("noise", 0, 100),
            ("alpha", 0, 1),
            ("token_width", 1, 1024),
            ("token_hidden", 1, 1024),
            ("token_layers", 1, MAX_TOKEN_LAYERS),
            ("expert_layers", 0, self.token_layers),
            ("attention", 0, self.token_width),
        ):
            value = getattr(self, name)
            require(least <= value <= most, f"network.{name}", value, f"from {least} to {most}")
        is_whole = self.attention == 0 or self.token_width % self.attention == 0
        require(is_whole, "network.attention", self.attention, f"a divisor of the token_width {self.token_width}")
        has_tokens = self.tokens == "locations" or not (self.attention or self.expert_layers)
        name = "attention" if self.attention else "expert_layers"
        require(has_tokens, f"network.{name}", getattr(self, name), '0 without network.tokens = "locations"')
        has_experts = self.head != "dense" or not self.expert_layers
        require(has_experts, "network.expert_layers", self.expert_layers, '0 for network.head "dense"')

    @property
    def is_mixture(self) -> bool:
        """False for the plain dense net."""
        return self.head != "dense" or self.tokens == "locations"

    @property
    def routes_learned(self) -> bool:
        """True where a gate on the first layer asks for experts, by a router of the package or by one from outside."""
        return self.head in TOKEN_CHOICES or is_address(self.head)

    @property
    def asks_decision(self) -> bool:
        """True where an alternative's score needs what the alternatives of its decision have in common."""
        return self.context or self.route_by in (BY_DECISION, BY_PAIR)

    @property
    def has_score(self) -> bool:
        """False where the score is the expected value of the outcomes alone."""
        return self.score_from in ("head", "sum")

    @property
    def ranks_by_value(self) -> bool:
        """True where the expected value of the outcomes is the score or a part of it."""
        return self.score_from != "head"

    def kind(self, domain: Domain) -> str:
        """Which of HEADS the head is, whatever the domain calls it."""
        kinds = {name: kind for kind, name in domain.head_names.items()}
        return kinds.get(self.head, self.head)

    def num_experts(self, domain: Domain) -> int:
        """Experts that the net has."""
        if self.kind(domain) in (SPLIT, SPLIT_GATE, MERGED):
            return len(domain.splits[self.split]) ** (2 if self.route_by == BY_PAIR else 1)
        return 1 if self.head == "dense" else self.experts

    def routed_layers(self) -> list[bool]:
        """Which layers of tokens have a router and experts; the others have one expert for every token."""
        routed = 0 if self.head == "dense" else self.expert_layers or self.token_layers
        return [False] * (self.token_layers - routed) + [True] * routed

    def num_patterns(self, domain: Domain) -> int:
        """P, patterns that the first layer sees; 0 without them."""
        return 0 if is_address(self.inputs) else domain.inputs[self.inputs]

    def for_domain(self, domain: Domain) -> NetworkConfig:
        """The settings with the domain's defaults in the place of "auto".

        Raises:
            ConfigError: the domain does not offer what a setting names, or not together with the others.
        """
        inputs = next(iter(domain.inputs)) if self.inputs == AUTO else self.inputs
        split = next(iter(domain.splits), AUTO) if self.split == AUTO else self.split
        route_by = self.route_by
        if route_by == AUTO:
            route_by = BY_DECISION if self.kind(domain) == MERGED else BY_ALTERNATIVE
        config = replace(self, inputs=inputs, split=split, route_by=route_by)
        for name, what in (("inputs", "inputs"), ("head", "heads"), ("score_from", "scores")):
            names, value = offered(domain, what), getattr(config, name)
            is_own = name in ("head", "inputs") and is_address(value)
            require(is_own or value in names, f"network.{name}", value, f"one of {', '.join(names)}")
        require(split == AUTO or split in domain.splits, "network.split", split, f"one of {', '.join(domain.splits)}")
        require(not config.outcomes or domain.num_outcomes > 0, "network.outcomes", True, "false: there are no classes")
        config._check_together(domain)
        return config

    def _check_together(self, domain: Domain) -> None:
        """Refuse settings of which each is valid, but not all at once."""
        kind, most = self.kind(domain), self.num_experts(domain)
        require(self.choices <= most, "network.choices", self.choices, f"from 1 to {most}")
        if self.tokens == "locations" and kind in SPLIT_HEADS:
            raise ConfigError(
                f"network.head = {self.head!r} with tokens = 'locations': it follows a property of whole items; set "
                "network.tokens = 'positions'"
            )
        self._check_decision(kind, domain)
        can_route = self.tokens == "positions" or domain.tokens is not None
        require(can_route, "network.tokens", self.tokens, "positions: these items have no tokens")
        if self.num_patterns(domain):
            self._check_patterns(domain)

    def _check_decision(self, kind: str, domain: Domain) -> None:
        """Refuse what looks at the decision where there is nothing to see, or nobody who would see it."""
        most = self.num_experts(domain)
        require(most <= MAX_EXPERTS, "network.split", self.split, f"one whose pairs are at most {MAX_EXPERTS} experts")
        if not self.asks_decision:
            rule = f'"{BY_DECISION}" for network.head {self.head!r}'
            require(kind != MERGED, "network.route_by", self.route_by, rule)
            return
        name, value = ("network.context", True) if self.context else ("network.route_by", self.route_by)
        require(domain.has_context, name, value, "left out: these decisions have no context")
        is_routed = self.route_by != BY_ALTERNATIVE
        can_route = not is_routed or (kind != "dense" and self.tokens == "positions")
        rule = f'"{BY_ALTERNATIVE}" without a router of whole items'
        require(can_route, "network.route_by", self.route_by, rule)
        can_pair = self.route_by != BY_PAIR or kind == SPLIT
        rule = f'"{BY_ALTERNATIVE}" or "{BY_DECISION}" for network.head {self.head!r}'
        require(can_pair, "network.route_by", self.route_by, rule)
        rule = f'"{BY_ALTERNATIVE}" with network.outcomes: chances are those of the alternative alone'
        require(not (is_routed and self.outcomes), "network.route_by", self.route_by, rule)
        if self.context:
            heads = ", ".join(domain.head_names.get(head, head) for head in ("dense", SPLIT, MERGED))
            can_see = kind in ("dense", SPLIT, MERGED) and self.tokens == "positions" and len(self.hidden) == 2
            require(can_see, name, value, f"false but for two hidden layers and the heads {heads}")
            require(self.has_score, name, value, f'false with network.score_from "{self.score_from}"')

    def _check_patterns(self, domain: Domain) -> None:
        plain = next(iter(domain.inputs))
        rule = f'"{plain}" for a linear net and for tokens inside the items'
        require(bool(self.hidden) and self.tokens != "locations", "network.inputs", self.inputs, rule)
        heads = domain.pattern_heads
        if heads is not None:
            can_see = self.head in heads and (not heads[self.head] or self.split in heads[self.head])
            known = ", ".join(f"{head} ({', '.join(splits)})" if splits else head for head, splits in heads.items())
            require(can_see, "network.inputs", self.inputs, f'"{plain}" but for the heads {known}')
