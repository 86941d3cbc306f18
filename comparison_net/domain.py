"""What the learner is told of the things it compares: names and sizes, handed down from above; no code and no data.

F features, P patterns, C outcome classes, E parts of a split, m tokens of an item.

The learner knows no trade of its own. Who uses it describes the items once, as a `Domain`; how items are turned into
numbers is the matter of an `Encoder` with that domain. `feature_domain` describes the plainest items, rows of F
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from comparison_net.tools import ConfigError

MAX_FEATURES = 1 << 20


@dataclass(frozen=True)
class OutcomeClasses:
    """How things may end for an item; classes exclude each other.

    Attributes:
        names: of the C classes.
        values: what each is worth; the expected value may be the score.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse values that do not belong to the names."""
        if len(self.names) != len(self.values) or len(self.names) < 2:
            raise ConfigError(f"{len(self.names)} outcome classes with {len(self.values)} values: give one for each")

    def __len__(self) -> int:
        """C."""
        return len(self.names)


@dataclass(frozen=True)
class Tokens:
    """Items made of parts that a router may send to different experts.

    Attributes:
        places: tokens of an item, m.
        kinds: what a token can be at its place; there is a row of numbers for each (place, kind).
    """

    places: int
    kinds: int


@dataclass(frozen=True)
class Domain:
    """A kind of items.

    Attributes:
        version: of the coding of the items; travels in every model and changes whenever an input changes its meaning.
        num_features: F, inputs of the first layer.
        inputs: names for `network.inputs`, the first is the default: number of sparse patterns, P, beside the
            features; an item shows some of them, and each adds a row to the first layer.
        outcomes: classes, None where there are none.
        splits: hard splits of the items by name: names of their parts.
        gate_features: names of what a learned gate on cheap numbers reads.
        gate_parts: by split, the part that each gate feature stands for, -1 for none; a gate may start from them.
        tokens: of an item; None for items without parts.
        head_names: other names of heads, where the trade has a word of its own: {kind: name}.
        pattern_heads: heads that patterns are played with, and for each the splits, () for any; None for all heads.
        strata: what reports tell apart, for instance ("phase", ("opening", "ending")): a name and those of the codes.
        has_context: the alternatives of a decision have something in common that can be read as an item.
        value: what the labels measure, in figures `<value>_loss`; with `score_from = <value>` it ranks.
        value_unit: unit of a reported loss, and how many of them are one unit of value.
    """

    version: str
    num_features: int
    inputs: Mapping[str, int] = field(default_factory=lambda: {"features": 0})
    outcomes: OutcomeClasses | None = None
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gate_features: tuple[str, ...] = ()
    gate_parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    tokens: Tokens | None = None
    head_names: Mapping[str, str] = field(default_factory=dict)
    pattern_heads: Mapping[str, tuple[str, ...]] | None = None
    strata: tuple[str, tuple[str, ...]] = ("stratum", ("all",))
    has_context: bool = False
    value: str = "value"
    value_unit: tuple[str, float] = ("", 1.0)

    @property
    def num_outcomes(self) -> int:
        """C; 0 without classes."""
        return 0 if self.outcomes is None else len(self.outcomes)

    @property
    def value_loss(self) -> str:
        """Name of the figure that says what choosing by the net loses."""
        return f"{self.value}_loss"

    @property
    def by_stratum(self) -> str:
        """Name of the figure that tells agreement by stratum."""
        return f"by_{self.strata[0]}"


def feature_domain(
    num_features: int,
    outcomes: OutcomeClasses | None = None,
    splits: Mapping[str, Sequence[str]] | None = None,
    gate_features: Sequence[str] = (),
    has_context: bool = False,
) -> Domain:
    """Items that are rows of F numbers, see `encoders.FeatureEncoder`.

    Args:
        num_features: F.
        outcomes: classes, if the choices come with what became of them.
        splits: hard splits by name: names of the parts.
        gate_features: names of the features that a learned gate reads.
        has_context: some of the features are those of the decision.

    Raises:
        ConfigError: a number out of range.
    """
    if not 1 <= num_features <= MAX_FEATURES:
        raise ConfigError(f"{num_features} features: give from 1 to {MAX_FEATURES:,}")
    return Domain(
        version=f"features-{num_features}",
        num_features=num_features,
        outcomes=outcomes,
        splits={name: tuple(parts) for name, parts in (splits or {}).items()},
        gate_features=tuple(gate_features),
        has_context=has_context,
    )
