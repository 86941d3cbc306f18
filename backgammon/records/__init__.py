"""Match records: logs of every format in, checked decisions out, and back to text."""

from __future__ import annotations

from backgammon.records.decision_set import DecisionSet, Labels
from backgammon.records.formats.jsonl import write_jsonl
from backgammon.records.formats.mat import write_mat
from backgammon.records.formats.registry import FORMATS, Format, find_format, read_records, writable_format
from backgammon.records.formats.sgf_writer import write_sgf
from backgammon.records.labels import LabelReport, find_labels, is_labelled, read_labels
from backgammon.records.reading import LogReading, read_logs
from backgammon.records.record.account import Problem, ReadReport
from backgammon.records.record.annotation import CubeAnalysis, Level, Notes, PlayAnalysis
from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
    UnreadableAction,
    without_notes,
)
from backgammon.records.replay.logged_labels import LabelledDecision, labelled_decisions
from backgammon.records.replay.replay import LoggedDecision, ReplayedGame, ReplayedMatch, replay_match

__all__ = [
    "FORMATS",
    "Action",
    "BeaverAction",
    "CubeAnalysis",
    "DecisionSet",
    "DoubleAction",
    "DropAction",
    "Format",
    "GameRecord",
    "LabelReport",
    "LabelledDecision",
    "Labels",
    "Level",
    "LogReading",
    "LoggedDecision",
    "MatchRecord",
    "Notes",
    "PlayAnalysis",
    "Problem",
    "ReadReport",
    "ReplayedGame",
    "ReplayedMatch",
    "ResignAction",
    "ResultAction",
    "RollAction",
    "Setup",
    "TakeAction",
    "UnreadableAction",
    "find_format",
    "find_labels",
    "is_labelled",
    "labelled_decisions",
    "read_labels",
    "read_logs",
    "read_records",
    "replay_match",
    "without_notes",
    "writable_format",
    "write_jsonl",
    "write_mat",
    "write_sgf",
]
