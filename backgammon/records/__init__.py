"""Match records: logs of the .mat family in, checked decisions out, and back to text."""

from __future__ import annotations

from backgammon.records.mat import write_mat
from backgammon.records.reading import LogReading, read_logs
from backgammon.records.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.replay import LoggedDecision, ReplayedGame, ReplayedMatch, replay_match
from backgammon.records.report import Problem, ReadReport

__all__ = [
    "Action",
    "BeaverAction",
    "DoubleAction",
    "DropAction",
    "GameRecord",
    "LogReading",
    "LoggedDecision",
    "MatchRecord",
    "Problem",
    "ReadReport",
    "ReplayedGame",
    "ReplayedMatch",
    "ResignAction",
    "ResultAction",
    "RollAction",
    "TakeAction",
    "UnreadableAction",
    "read_logs",
    "replay_match",
    "write_mat",
]
