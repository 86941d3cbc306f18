from __future__ import annotations

import numpy as np

from backgammon.rules.board import Position
from backgammon.rules.decision import Decision, apply_move
from backgammon.table.move_graph import MoveNode, build_move_graph
from tests.conftest import Arrays
from tests.naive.movegen import single_moves

Graph = tuple[MoveNode, ...]


def walk_everywhere(decision: Decision, graph: Graph) -> set[int]:
    """Follow every step of every node by the slow rules; gives the rows where the graph ends."""
    boards = {0: decision.position.board}
    rows = set()
    for index, node in enumerate(graph):  # a node stands behind those that lead to it
        board = boards[index]
        if node.row is not None:
            assert np.array_equal(decision.candidates[node.row], board)
            rows.add(node.row)
        for step in node.steps:
            after = apply_move(board, step.move)
            assert tuple(after.tolist()) in set(single_moves(tuple(board.tolist()), step.die))
            assert np.array_equal(boards.setdefault(step.target, after), after)
    return rows


def test_every_way_through_the_graph_is_legal_and_ends_in_a_candidate(random_play: Arrays, nasty: Arrays) -> None:
    for boards, dice in (random_play, nasty):
        for board, roll in zip(boards[:150], dice[:150].tolist(), strict=True):
            decision = Decision.make(Position(board), (roll[0], roll[1]))
            graph = build_move_graph(decision)
            assert walk_everywhere(decision, graph) == set(range(len(decision.candidates)))


def test_a_dance_is_a_single_node_with_its_row() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[[25, 1]] = 1, 1
    board[19:25] = -2
    graph = build_move_graph(Decision.make(Position(board), (6, 5)))
    assert graph == (MoveNode(0, ()),)


def test_every_play_of_a_decision_is_a_way_through_the_graph(random_play: Arrays) -> None:
    boards, dice = random_play
    for board, roll in zip(boards[150:250], dice[150:250].tolist(), strict=True):
        decision = Decision.make(Position(board), (roll[0], roll[1]))
        graph = build_move_graph(decision)
        for row, play in enumerate(decision.plays):
            node = graph[0]
            for move in play:
                node = graph[next(step.target for step in node.steps if step.move == move)]
            assert node.row == row
