"""The engine as a teacher: every candidate of any decisions judged by search or rollout, as labelled JSON lines.

Axis legend: N decisions, M candidates of all of them.

    {"id": ..., "dice": ..., "plies": 2, "n": 16, "cands": [[ID after, play, equity, ply, [five chances]], ...]}

Candidates come best first: those judged at the full depth (or rolled out), then the others at 0-ply. Equities are of
the mover, cubeless points; the five chances are GNU Backgammon's cumulative ones. Other keys of a decision are handed
on. Rollouts add "rollout": {"games": [...], "errors": [...]}, games and standard errors of the first candidates.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from backgammon.evaluation.outcome import cumulative
from backgammon.notation.gnu_id import position_ids
from backgammon.notation.play_text import format_play
from backgammon.records.formats.decision_line import DecisionLine
from backgammon.rules.board import swap
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.search import RankedCandidate, Ranker
from backgammon.tools.arrays import Boards

_OWN_KEYS = ("best", "candidates", "plies", "n", "cands", "rollout")
"""Keys of a decision that a label replaces."""


def label_decisions(ranker: Ranker, decisions: Sequence[DecisionLine], boards: Boards) -> list[bytes]:
    """One labelled line, with line feed, for each of N decisions with boards int8[N, 26]."""
    if not decisions:
        return []
    choices = Decisions.make(boards, np.array([line.roll for line in decisions], dtype=np.int8))
    ranked = ranker.rank(choices)
    ids = position_ids(swap(choices.candidates))
    lines = []
    for index, line in enumerate(decisions):
        start, stop = choices.offsets[index : index + 2].tolist()
        decision = choices.one(index)
        record = {key: value for key, value in line.record.items() if key not in _OWN_KEYS}
        record["id"], record["dice"] = line.position_id, list(line.roll)
        lines.append(_label_text({**record, **_label(decision, ranked[index], ids[start:stop])}))
    return lines


def _label(decision: Decision, ranked: list[RankedCandidate], ids: Sequence[str]) -> dict[str, object]:
    """What a label adds to a decision."""
    label: dict[str, object] = {"plies": max(one.ply for one in ranked), "n": len(ranked)}
    rolled = [one for one in ranked if one.games]
    if rolled:
        errors = [round(float(one.standard_error or 0.0), 6) for one in rolled]
        label["rollout"] = {"games": [one.games for one in rolled], "errors": errors}
    chances = cumulative(np.stack([one.outcomes for one in ranked])).tolist()
    label["cands"] = [
        [
            ids[one.row],
            format_play(decision.plays[one.row]),
            round(one.equity, 6),
            one.ply,
            [round(chance, 6) for chance in five],
        ]
        for one, five in zip(ranked, chances, strict=True)
    ]
    return label


def _label_text(record: dict[str, object]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"
