"""Analysis of a log put to the candidates of its rolls, and the small tools below the importers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from backgammon.records import (
    GameRecord,
    Level,
    MatchRecord,
    Notes,
    PlayAnalysis,
    RollAction,
    Setup,
    labelled_decisions,
    replay_match,
)
from backgammon.records.formats.jsonl import read
from backgammon.records.record.annotation import cumulative_chances, exclusive_chances, make_play_analysis, valid_boards
from backgammon.records.replay.execution import find_rows
from backgammon.records.replay.hops import format_hops, make_hops, spells_dice, swap_list
from backgammon.records.replay.retrace import find_hops
from backgammon.rules.board import START, Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.movegen import legal_candidates
from tests.positions import nasty_decisions

DOCS = Path(__file__).resolve().parent.parent / "docs" / "formats.md"


def analysis_of(*afters: object) -> Notes:
    boards = np.array(afters, dtype=np.int8)
    count = len(boards)
    chances = np.full((count, 6), np.nan, dtype=np.float32)
    return Notes(PlayAnalysis(boards, np.arange(count, dtype=np.float32), chances, (Level(),) * count))


def match_of(*actions: RollAction, start: Setup | None = None) -> tuple[GameRecord, MatchRecord]:
    game = GameRecord(1, ("A", "B"), (0, 0), actions, start=start)
    return game, MatchRecord(0, (game,))


def test_labels_are_rows_of_the_candidates_and_what_is_not_legal_is_left_out() -> None:
    decision = Decision.make(Position(START), (3, 1))
    notes = analysis_of(decision.candidates[5], START, decision.candidates[2])
    game, match = match_of(RollAction(0, (3, 1), "8/5 6/5", notes=notes))
    (label,) = labelled_decisions(game, replay_match(match).games[0])
    assert label.rows.tolist() == [5, 2]
    assert label.analysis.equities.tolist() == [0, 2]
    assert label.equities[[5, 2]].tolist() == [0, 2]
    assert label.decision.chosen == replay_match(match).games[0].plays.chosen_rows[0]


def test_a_roll_that_was_never_played_is_labelled_where_its_position_is_known() -> None:
    after = Decision.make(Position(START), (3, 1))
    board = swap(after.candidates[after.row_of(_made())])
    reply = Decision.make(Position(board), (6, 6))
    unplayed = RollAction(1, (6, 6), "", notes=analysis_of(reply.candidates[0]))
    game, match = match_of(RollAction(0, (3, 1), "8/5 6/5"), unplayed)
    (label,) = labelled_decisions(game, replay_match(match).games[0])
    assert label.decision.position == reply.position
    assert label.decision.chosen is None
    lost = RollAction(0, (2, 1), "", notes=analysis_of(START))
    game, match = match_of(RollAction(0, (3, 1), "8/5 6/5"), RollAction(1, (6, 6), ""), lost)
    assert not list(labelled_decisions(game, replay_match(match).games[0]))


def test_a_set_up_position_is_turned_to_the_first_to_roll() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[[6, 20]] = 2, -2
    for seat in (0, 1):
        own = board if seat == 0 else swap(board)
        decision = Decision.make(Position(own), (2, 1))
        roll = RollAction(seat, (2, 1), "", notes=analysis_of(decision.candidates[0]))
        game, match = match_of(roll, start=Setup(Position(board), 0))
        (label,) = labelled_decisions(game, replay_match(match).games[0])
        assert label.decision.position.board.tolist() == own.tolist()


def _made() -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    made = START.copy()
    made[[8, 6, 5]] += np.array([-1, -1, 2], dtype=np.int8)
    return made


def test_moves_found_for_a_candidate_lead_to_it_one_die_each() -> None:
    boards, dice = nasty_decisions(400, seed=8)
    candidates, offsets = legal_candidates(boards, dice)
    owners = np.repeat(np.arange(len(boards)), np.diff(offsets))
    rows = np.arange(len(candidates)) - offsets[owners]
    for owner, row, hops in zip(owners, rows, find_hops(boards[owners], dice[owners], rows), strict=True):
        board = boards[owner].tolist()
        assert make_hops(board, hops) is not None
        assert board == candidates[offsets[owner] + row].tolist()
        assert spells_dice(hops, (int(dice[owner, 0]), int(dice[owner, 1])))


def test_texts_of_moves_are_found_again() -> None:
    boards, dice = nasty_decisions(150, seed=9)
    _candidates, offsets = legal_candidates(boards, dice)
    for index, board in enumerate(boards):
        count = int(offsets[index + 1] - offsets[index])
        roll = int(dice[index, 0]), int(dice[index, 1])
        owners = np.full(count, index)
        texts = []
        for hops in find_hops(boards[owners], dice[owners], np.arange(count)):
            hits = make_hops(board.tolist(), hops)
            assert hits is not None
            texts.append(format_hops(hops, hits))
        if texts != [""]:
            assert find_rows(board, roll, texts).tolist() == list(range(count))
    assert find_rows(START, (3, 1), ["hello", "", "8/3"]).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("hops", [[(26, 3)], [(0, 0)], [(5, 1)], [(24, 19)], [(6, -1)]])
def test_moves_that_cannot_be_made_are_refused(hops: list[tuple[int, int]]) -> None:
    assert make_hops(START.tolist(), hops) is None


def test_small_tools() -> None:
    assert swap_list(START.tolist()) == swap(START).tolist()
    assert not spells_dice([(13, 6)], (4, 3))
    assert spells_dice([(2, 0), (1, 0)], (6, 5))
    values = (0.6, 0.25, 0.05, 0.4, 0.2, 0.1)
    assert cumulative_chances(exclusive_chances(*values)) == pytest.approx(values)
    boards = np.stack([START, START, START, np.zeros(26, np.int8)])
    boards[1, 25], boards[2, 3] = -1, 3
    assert valid_boards(boards).tolist() == [True, False, False, False]
    nothing = make_play_analysis(boards[1:2], np.zeros(1, np.float32), np.zeros((1, 6), np.float32), [Level()])
    assert nothing is None
    assert str(Level("evaluation", 2)) == "2-ply"
    assert str(Level("rollout", None, 1296)) == "rollout of 1,296 games"
    assert str(Level("book", is_cubeful=False)) == "book cubeless"


def test_the_example_of_the_documentation_is_read() -> None:
    example = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[0]
    (match,) = read(example.encode())
    assert replay_match(match).games[0].ending == "drop"
