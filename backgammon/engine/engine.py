"""An engine: a net, tables and a pruner at the depth of a specification. Everything that answers a question asks it.

Axis legend: N decisions, M candidates of all of them, K positions after a play, 6 outcomes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.stakes_rollout import StakesRollout
from backgammon.evaluation.bearoff import Bearoff
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.exact import PROPOSED_WITHIN, ExactEvaluator
from backgammon.evaluation.outcome import Outcomes
from backgammon.evaluation.player import Noise, Player
from backgammon.search import Analysis, CubefulSearcher, Ranker, Searcher, SearchSettings, Workshop
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import ConfigError


class Engine:
    """Plays, ranks and judges by one specification; itself a `Player`.

    A net that only orders candidates plays at 0-ply and without the tables, whose numbers it has nothing to compare
    with; everything that needs chances raises ModelError.
    """

    def __init__(
        self,
        spec: EngineSpec,
        net: Evaluator,
        bearoff: Bearoff | None = None,
        pruner: Evaluator | None = None,
        rollout_folder: Path | None = None,
    ) -> None:
        """Put the parts together; `build_engine` finds them.

        Args:
            spec: depth, filter and what else is said in numbers.
            net: judges positions; must allow calls from several threads.
            bearoff: exact tables; None for the net alone.
            pruner: proposes the replies inside a search, beside tables; None for none.
            rollout_folder: keeps the work units of rollouts; None keeps nothing.

        Raises:
            ModelError: a look-ahead or a rollout by a net without outcomes.
        """
        if spec.is_deep:
            net.require_outcomes()
        self.spec = spec
        self._net, self._bearoff, self._pruner, self._folder = net, bearoff, pruner, rollout_folder
        self.evaluator: Evaluator = net
        if bearoff is not None and net.has_outcomes:
            within = PROPOSED_WITHIN if spec.within is None else spec.within
            # at 1 ply it pays to judge dances by their replies; deeper searches look through most of them anyway
            self.evaluator = ExactEvaluator(net, bearoff, pruner, spec.plies == 1, within)

    @property
    def name(self) -> str:
        """What reports and records call it: the net, its depth where it looks ahead, games where it rolls out."""
        return self.player.name

    @property
    def net_name(self) -> str:
        """The net's name alone, whatever the depth."""
        return self.evaluator.name

    @property
    def has_outcomes(self) -> bool:
        """False of a net that only orders candidates."""
        return self.evaluator.has_outcomes

    @property
    def bearoff(self) -> Bearoff | None:
        """The exact tables; None without them."""
        return self.evaluator.bearoff

    def at(self, **changes: Any) -> Engine:
        """An engine of the same parts with another depth: plies, filter_name, seconds and so on of the specification.

        Raises:
            ConfigError: another part, which only `build_engine` can fetch.
        """
        if parts := {"model", "pruner", "bearoff"} & changes.keys():
            raise ConfigError(f"{min(parts)} is a part of an engine: build another one")
        changed = replace(self.spec, **changes)
        return Engine(changed, self._net, self._bearoff, self._pruner, self._folder)

    @property
    def _settings(self) -> SearchSettings:
        spec = self.spec
        given = {"shallow": spec.shallow, "leaning": spec.leaning}
        mixing = {name: weight for name, weight in given.items() if weight is not None}
        return SearchSettings(spec.plies, spec.filter_name, spec.seconds, **mixing)

    @cached_property
    def searcher(self) -> Searcher:
        """The search, itself an evaluator.

        Raises:
            ModelError: the net has no outcomes.
        """
        return Searcher(self.evaluator, self._settings, self.spec.threads)

    @cached_property
    def ranker(self) -> Ranker:
        """Ranks candidates by the search, and by rollouts where the specification has some.

        Raises:
            ModelError: the net has no outcomes.
        """
        spec, workshop = self.spec, None
        if spec.rollout is not None:
            workshop = Workshop(self.evaluator, spec.rollout, threads=spec.threads, folder=self._folder)
        return Ranker(self.searcher, workshop)

    @property
    def player(self) -> Player:
        """Who makes the plays."""
        return self.ranker if self.spec.is_deep else self.evaluator

    @cached_property
    def plays(self) -> StakesEngine:
        """Plays at a score and cube, at the plies of the specification; it keeps no time limit and rolls nothing out.

        Raises:
            ModelError: the net has no outcomes.
        """
        self.evaluator.require_outcomes()
        settings = replace(self._settings, seconds=None)
        return StakesEngine(CubefulSearcher(self.evaluator, self.spec.threads), settings)

    @cached_property
    def cube(self) -> StakesEngine:
        """Cube decisions: at the plies of plays, at `cube_plies` at least.

        Raises:
            ModelError: the net has no outcomes.
        """
        plies = max(self.spec.plies, self.spec.cube_plies)
        if plies == self.spec.plies:
            return self.plays
        return self.at(plies=plies, seconds=None, rollout=None, shallow=None).plays

    @cached_property
    def rolled_plays(self) -> StakesRollout:
        """Rollouts with a live cube at a score and cube, of what the search picks; played at 0-ply.

        Raises:
            ConfigError: the specification has no rollout.
            ModelError: the net has no outcomes.
        """
        if self.spec.rollout is None:
            raise ConfigError("a specification without a rollout rolls nothing out")
        player = self.at(plies=0, cube_plies=0, seconds=None, rollout=None, shallow=None, leaning=None, threads=1).plays
        return StakesRollout(self.plays, player, self.spec.rollout, self.spec.threads, self._folder)

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:  # noqa: ARG002 - no chance
        """The plays.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6, in either order.
            noise: not used; see `Player.choose`.

        Returns:
            int64[N], rows within each decision's block of `legal_candidates`.

        Raises:
            PositionError, DiceError: see `legal_candidates`.
        """
        return (self.ranker if self.spec.is_deep else self.evaluator).choose(boards, dice)

    def analyse(self, boards: Boards, dice: Dice) -> Analysis:
        """Every candidate with its equity, outcomes and depth, as the search judges it; rollouts are `ranker.rank`'s.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6, in either order.

        Raises:
            ModelError: the net has no outcomes.
            PositionError, DiceError: see `legal_candidates`.
        """
        return self.searcher.analyse(boards, dice)

    def outcomes(self, boards: Boards) -> Outcomes:
        """What positions after a play come to, at the depth of the specification.

        Args:
            boards: int8[K, 26], seen by the player who has just moved; games that are over are among them.

        Returns:
            float32[K, 6] of that player, see `outcome.OUTCOMES`; rows sum to 1.

        Raises:
            ModelError: the net has no outcomes.
            PositionError: another shape or dtype, or impossible counts.
        """
        return self.searcher.outcomes(boards)
