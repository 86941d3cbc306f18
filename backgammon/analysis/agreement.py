"""Move agreement: how often the top candidate is the position that the log's player chose.

Axis legend: N decisions, M candidates of all N decisions together (rows offsets[i] to offsets[i + 1] are decision i).

Forced plays (one candidate) are counted and left out of every rate. Plays of one match share players, style and
stakes, so they are not independent: intervals treat the match (the "unit") as what was sampled (see `intervals`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from backgammon.evaluation.evaluator import Evaluator
from backgammon.records.replay.replay import ReplayedGame
from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.arrays import Int64s, Offsets
from backgammon.tools.intervals import Estimate, estimate_mean, estimate_rate


class TesauroRow(NamedTuple):
    """Share of test positions in which the net's first choice is the expert's."""

    relative_score: float
    """Net RSP 651-12-1, trained on scores that the expert gave to single plays."""
    comparison: float
    """Net CP 289-1, trained by comparison: linear, about 300 weights."""


TESAURO_TABLE_1: dict[str, TesauroRow] = {
    "bearoff": TesauroRow(0.82, 0.83),
    "bearin": TesauroRow(0.54, 0.60),
    "opponent bearoff": TesauroRow(0.56, 0.54),
    "opponent bearin": TesauroRow(0.60, 0.66),
    "other": TesauroRow(0.58, 0.65),
}
"""Table 1 of G. Tesauro, "Connectionist learning of expert preferences by comparison training", NIPS 1 (1988), 99-106.

200 held-out positions in each category, from 400 games that one expert played for both sides; races were not learnt.
"""


@dataclass(frozen=True)
class AgreementRow:
    """The figures of one group of unforced decisions.

    Attributes:
        name: the phase, the player, or "all".
        decisions: unforced decisions in the group.
        matches: matches that they come from.
        top1: share in which the first choice is the play of the log.
        top3: share in which the play of the log is among the first three.
        mean_rank: mean rank of the play of the log, 1 = first choice.
        chance: expected top1 of a blind choice, the mean of 1 / number of candidates.
    """

    name: str
    decisions: int
    matches: int
    top1: Estimate
    top3: Estimate
    mean_rank: Estimate
    chance: float


@dataclass(frozen=True)
class AgreementReport:
    """Agreement over all decisions and by group; groups without a decision are left out.

    Attributes:
        overall: every unforced decision.
        by_phase: in the order of PHASES.
        by_player: most decisions first.
        forced: forced plays that were left out.
    """

    overall: AgreementRow
    by_phase: tuple[AgreementRow, ...]
    by_player: tuple[AgreementRow, ...]
    forced: int

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and dictionaries for JSON, Tesauro's figures beside each phase that he measured."""
        report = asdict(self)
        for row in report["by_phase"]:
            published = TESAURO_TABLE_1.get(row["name"])
            row["tesauro_1988"] = published._asdict() if published else None
        return report


def chosen_ranks(scores: npt.NDArray[np.floating[Any]], offsets: Offsets, chosen: Int64s) -> Int64s:
    """Rank of the chosen candidate in each decision, 1 = best; equal scores rank in canonical order.

    Args:
        scores: float[M], comparable within one decision.
        offsets: int64[N + 1].
        chosen: int64[N], row within the decision.

    >>> chosen_ranks(np.array([0.1, 0.7, 0.7, 0.2, 0.9]), np.array([0, 3, 5]), np.array([2, 0])).tolist()
    [2, 2]
    """
    ranks: Int64s = ragged.ranks(scores, offsets)[offsets[:-1] + chosen] + 1
    return ranks


class AgreementCounter:
    """Collects decisions batch by batch; `report` gives the figures so far."""

    def __init__(self) -> None:
        self.forced = 0
        self._ranks: list[Int64s] = []
        self._sizes: list[Int64s] = []
        self._phases: list[Int64s] = []
        self._players: list[Int64s] = []
        self._units: list[Int64s] = []
        self._player_codes: dict[str, int] = {}
        self._unit_codes: dict[str, int] = {}

    def add(
        self,
        ranks: Int64s,
        sizes: Int64s,
        phases: npt.NDArray[np.integer[Any]],
        players: Sequence[str],
        units: Sequence[str],
    ) -> None:
        """Count N decisions; those with one candidate only as forced.

        Args:
            ranks: int64[N], rank of the chosen candidate (`chosen_ranks`).
            sizes: int64[N], number of candidates.
            phases: int[N], codes of `phase.PHASES`.
            players: N names of the player on roll.
            units: N names of what was sampled, the match as a rule.
        """
        unforced = np.flatnonzero(np.asarray(sizes) > 1)
        kept = unforced.tolist()
        self.forced += len(sizes) - len(unforced)
        self._ranks.append(np.asarray(ranks, dtype=np.int64)[unforced])
        self._sizes.append(np.asarray(sizes, dtype=np.int64)[unforced])
        self._phases.append(np.asarray(phases, dtype=np.int64)[unforced])
        self._players.append(_encode([players[i] for i in kept], self._player_codes))
        self._units.append(_encode([units[i] for i in kept], self._unit_codes))

    @property
    def decisions(self) -> int:
        """Unforced decisions counted so far."""
        return sum(len(ranks) for ranks in self._ranks)

    def report(self) -> AgreementReport:
        """The figures of everything added so far."""
        empty = [np.zeros(0, dtype=np.int64)]
        ranks, sizes, phases, players, units = (
            np.concatenate(empty + part)
            for part in (self._ranks, self._sizes, self._phases, self._players, self._units)
        )

        def rows(names: Sequence[str], codes: Int64s) -> list[AgreementRow]:
            members = ((name, np.flatnonzero(codes == code)) for code, name in enumerate(names))
            return [_row(name, ranks[at], sizes[at], units[at]) for name, at in members if len(at)]

        by_player = sorted(rows(list(self._player_codes), players), key=lambda row: (-row.decisions, row.name))
        return AgreementReport(
            overall=_row("all", ranks, sizes, units),
            by_phase=tuple(rows(PHASES, phases)),
            by_player=tuple(by_player),
            forced=self.forced,
        )


def measure_agreement(games: Iterable[ReplayedGame], scorer: Evaluator, batch_size: int = 4096) -> AgreementReport:
    """Agreement of a scorer with the players of replayed games.

    Args:
        games: as a reading of logs gives them; consumed.
        scorer: orders the candidates.
        batch_size: decisions scored together; changes the speed and nothing else.
    """
    counter = AgreementCounter()
    batch: list[ReplayedGame] = []
    for game in games:
        batch.append(game)
        if sum(map(len, batch)) >= batch_size:
            _count_games(batch, scorer, counter)
            batch = []
    _count_games(batch, scorer, counter)
    return counter.report()


def _count_games(games: Sequence[ReplayedGame], scorer: Evaluator, counter: AgreementCounter) -> None:
    """Score every decision of some games and count it."""
    if not games:
        return
    plays = Decisions.join([game.plays for game in games])
    counter.add(
        ranks=chosen_ranks(scorer.preferences(plays), plays.offsets, plays.chosen_rows),
        sizes=plays.counts,
        phases=phase_codes(plays.boards),
        players=[game.players[seat] for game in games for seat in game.seats.tolist()],
        units=[game.unit for game in games for _ in range(len(game))],
    )


def _encode(names: Sequence[str], codes: dict[str, int]) -> Int64s:
    """Numbers for names; `codes` grows by the new ones."""
    return np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64)


def _row(name: str, ranks: Int64s, sizes: Int64s, units: Int64s) -> AgreementRow:
    return AgreementRow(
        name=name,
        decisions=len(ranks),
        matches=len(np.unique(units)),
        top1=estimate_rate((ranks == 1).astype(np.float64), units),
        top3=estimate_rate((ranks <= 3).astype(np.float64), units),
        mean_rank=estimate_mean(ranks.astype(np.float64), units),
        chance=float((1.0 / sizes).mean()) if len(sizes) else float("nan"),
    )
