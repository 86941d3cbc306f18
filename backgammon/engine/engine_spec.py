"""What an engine is made of, as plain values: equal specifications are the same engine, wherever it is built.

A specification can be hashed, printed, and sent to another process or machine. `build_engine` in the join makes an
`Engine` of it; nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from backgammon.evaluation.strengths import DEFAULT_FILTER, FILTER_NAMES, MAX_PLIES
from backgammon.tools.errors import ConfigError

if TYPE_CHECKING:
    from backgammon.search import RolloutSettings

PRUNER = "pruner"
"""The small net that ships for the replies inside a search."""


@dataclass(frozen=True)
class EngineSpec:
    """An engine before it is built.

    Attributes:
        model: path of a model file or a run folder; None for the model that ships.
        plies: depth of plays, 0 (the evaluator alone) to 3.
        filter_name: which candidates are looked at deeper, see `strengths.FILTER_NAMES`.
        pruner: the net that proposes the replies inside a search: PRUNER, or the path of a model; None for none.
        bearoff: join the exact tables of the bear-off. A pruner works beside them only.
        cube_plies: least depth of cube decisions; they are never looked at less deeply than plays.
        seconds: time limit of a play, depths up to `plies` are tried; None for no limit.
        rollout: roll out what the search has judged at its full depth; None for the search alone.
        threads: share the work between so many. Numbers do not depend on it.
        within: how far behind its best play the pruner may put one that the net sees; None for the engine's own.
        shallow: share of the evaluator's own value at 1 ply, see `SearchSettings`; None for the engine's own.
        leaning: what the evaluator's leaning counts at 1 ply and deeper, likewise.

    Raises:
        ConfigError: a setting out of range, or one that would have no effect.
    """

    model: str | None = None
    plies: int = 0
    filter_name: str = DEFAULT_FILTER
    pruner: str | None = PRUNER
    bearoff: bool = True
    cube_plies: int = 0
    seconds: float | None = None
    rollout: RolloutSettings | None = None
    threads: int = 1
    within: float | None = None
    shallow: float | None = None
    leaning: float | None = None

    def __post_init__(self) -> None:
        for name in ("plies", "cube_plies"):
            if not 0 <= getattr(self, name) <= MAX_PLIES:
                raise ConfigError(f"{name} = {getattr(self, name)}: choose from 0 (the model alone) to {MAX_PLIES}")
        if self.filter_name not in FILTER_NAMES:
            raise ConfigError(f"move filter {self.filter_name!r} does not exist: choose {', '.join(FILTER_NAMES)}")
        if self.threads < 1:
            raise ConfigError(f"threads = {self.threads}: at least 1")
        if self.pruner is not None and not self.bearoff:
            raise ConfigError("a pruner works beside the bear-off tables only: give pruner=None with bearoff=False")
        if self.within is not None and self.pruner is None:
            raise ConfigError("within says what a pruner proposes: give one, or leave it out")
        if self.shallow is not None and self.plies != 1:
            raise ConfigError("shallow is mixed in at 1 ply only: leave it out")
        if self.leaning is not None and self.plies == 0:
            raise ConfigError("leaning counts in a look-ahead only: give plies, or leave it out")

    @property
    def is_deep(self) -> bool:
        """True when more than the evaluator alone has a say in a play."""
        return self.plies > 0 or self.rollout is not None

    @property
    def name(self) -> str:
        """The settings that are not the default ones, as text: "plies=2 filter_name=large"."""
        parts = [
            f"{field.name}={getattr(self, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return " ".join(parts) or "the engine that ships"
