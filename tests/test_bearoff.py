"""Exact endings: the tables against hand counts and slow twins; their files against damage."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner

from backgammon.cli.bearoff import command as bearoff_command
from backgammon.evaluation import bearoff as bearoff_package
from backgammon.evaluation.bearoff import (
    ONE_SIDED,
    TWO_SIDED,
    UNCOVERED,
    Bearoff,
    BearoffSize,
    builder,
    find_or_build,
    store,
)
from backgammon.evaluation.bearoff.database import OUTCOME_POINTS
from backgammon.evaluation.bearoff.index import num_positions, opponent_index, own_index
from backgammon.evaluation.bearoff.successors import NUM_ROLLS, ROLL_WEIGHTS, fill_boards, list_successors
from backgammon.evaluation.bearoff.table_file import TableFile, table_files
from backgammon.rules.board import START, Board, points_won, swap
from backgammon.tools import folders
from backgammon.tools.arrays import Float32s, Int64s
from backgammon.tools.errors import ConfigError, DataError, PairgammonWarning, PositionError
from backgammon.tools.tensor_file import write_tensors
from tests.naive import bearoff as naive

SMALL = BearoffSize(points=2, exact_points=2, exact_checkers=2)
"""136 and 6 positions: files for tests of files."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bearoff")


@pytest.fixture(scope="module")
def tables(folder: Path) -> Bearoff:
    return find_or_build(directory=folder)


def make_board(own: dict[int, int], opponent: dict[int, int]) -> Board:
    """Checkers by point, each from its owner's side."""
    board = np.zeros(26, dtype=np.int8)
    for point, count in own.items():
        board[point] += count
    for point, count in opponent.items():
        board[25 - point] -= count
    return board


def random_boards(num_boards: int, points: int, checkers: int, seed: int) -> Board:
    rng = np.random.default_rng(seed)
    sides = np.zeros((num_positions(points, checkers), 26), dtype=np.int8)
    fill_boards(0, points, checkers, sides)
    pick = rng.integers(1, len(sides), size=(2, num_boards))
    return np.asarray(sides[pick[0]] + swap(sides[pick[1]]), dtype=np.int8)


# Index


def test_every_position_has_its_own_index_in_the_order_of_the_twin() -> None:
    sides = naive.all_sides(4, 5)
    boards = np.zeros((num_positions(4, 5), 26), dtype=np.int8)
    fill_boards(0, 4, 5, boards)
    assert [tuple(board[1:5]) for board in boards.tolist()] == sides
    assert [own_index(board, 4) for board in boards] == list(range(len(sides)))
    assert [opponent_index(board, 4) for board in swap(boards)] == list(range(len(sides)))


def test_index_and_placing_are_inverse_for_all_54264_positions() -> None:
    boards = np.zeros((num_positions(6, 15), 26), dtype=np.int8)
    fill_boards(0, 6, 15, boards)
    assert [own_index(board, 6) for board in boards] == list(range(54264))
    assert not boards[:, [0, *range(7, 26)]].any()


def test_an_index_does_not_depend_on_the_checkers_a_table_allows() -> None:
    few, many = np.zeros((2, num_positions(6, 6), 26), dtype=np.int8)
    fill_boards(0, 6, 6, few)
    fill_boards(0, 6, 15, many)
    assert (few == many).all()


def test_every_play_leads_to_a_smaller_index() -> None:
    offsets, targets = list_successors(1, num_positions(6, 6), 6, 6)
    origins = np.repeat(np.arange(1, num_positions(6, 6)), np.diff(offsets[::NUM_ROLLS]))
    assert (targets < origins).all()


def test_positions_beyond_the_tables_are_not_covered(tables: Bearoff) -> None:
    boards = np.stack(
        [
            START,
            make_board({7: 1}, {1: 1}),
            make_board({1: 1}, {7: 1}),
            make_board({25: 1}, {1: 1}),
            make_board({1: 1}, {25: 1}),
            make_board({6: 7}, {6: 1}),
            make_board({6: 6}, {6: 6}),
            make_board({}, {6: 15}),
        ]
    )
    expected = [UNCOVERED] * 5 + [ONE_SIDED, TWO_SIDED, ONE_SIDED]
    assert tables.coverage(boards).tolist() == expected
    with pytest.raises(PositionError, match=r"board 1.*both sides need every checker on the last 6 points"):
        tables.outcomes(boards[[6, 0]])
    with pytest.raises(PositionError, match=r"board 0.*at most 6 checkers"):
        tables.cube_equities(boards[[5]])
    with pytest.raises(PositionError, match="no checker"):
        tables.outcomes(np.zeros((1, 26), dtype=np.int8))
    with pytest.raises(PositionError, match="int8"):
        tables.outcomes(np.zeros((1, 26), dtype=np.int64))


# One-sided entries


@pytest.mark.parametrize(
    ("own", "ways"),
    [
        ({1: 1}, 36),
        ({3: 1}, 36),
        ({4: 1}, 34),  # all but 2-1
        ({5: 1}, 31),
        ({6: 1}, 27),
        ({1: 2}, 36),
        ({2: 2}, 26),
        ({1: 1, 2: 1}, 36),
        ({1: 1, 6: 1}, 15),
        ({2: 1, 5: 1}, 19),
        ({3: 1, 4: 1}, 17),
        ({6: 2}, 4),
        ({1: 4}, 6),
        ({1: 5}, 0),
    ],
)
def test_ways_to_bear_off_in_one_roll_are_those_counted_by_hand(
    tables: Bearoff, own: dict[int, int], ways: int
) -> None:
    assert tables.roll_counts(make_board(own, {1: 1}))[1] == pytest.approx(ways / 36, abs=1e-7)


def test_a_stack_of_fifteen_on_the_ace_point_needs_eight_rolls_less_one_for_each_double(tables: Bearoff) -> None:
    # 15 checkers: k doubles in n rolls take 2n + 2k, so 8 rolls without a double, 7 with at least one, ...
    expected, p = np.zeros(32), 1 / 6
    reach = np.zeros((9, 16))  # reach[n, c]: chance that c checkers are off after n rolls, game not over
    reach[0, 0] = 1.0
    for n in range(8):
        for off in range(15):
            for taken, chance in ((2, 1 - p), (4, p)):
                if off + taken >= 15:
                    expected[n + 1] += reach[n, off] * chance
                else:
                    reach[n + 1, off + taken] += reach[n, off] * chance
    assert tables.roll_counts(make_board({1: 15}, {1: 1})) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("points", "checkers"), [(6, 2), (3, 3), (8, 2)])
def test_one_sided_tables_equal_the_slow_twin(points: int, checkers: int) -> None:
    off, first_off = builder.compute_one_sided(points, checkers)
    sides = naive.all_sides(points, checkers)
    assert len(off) == len(sides)
    for table, until, start in ((off, 0, 0), (first_off, checkers - 1, len(off) - len(first_off))):
        for row, side in zip(table, sides[start:], strict=True):
            distribution = naive.roll_distribution(side, until)
            assert row @ np.arange(len(row)) == pytest.approx(float(naive.mean(distribution)), abs=1e-12)
            expected = [float(distribution.get(count, Fraction(0))) for count in range(len(row))]
            assert row == pytest.approx(expected, abs=1e-12)


def test_first_of_fifteen_checkers_on_the_six_point_goes_off_in_17_ways(tables: Bearoff) -> None:
    # Any six (11), 5-1 and 4-2 (4), 3-3 and 2-2.
    row = own_index(make_board({6: 15}, {}), 6) - tables.tables.num_below
    assert tables.tables.first_off[row][:2] == pytest.approx([0, 17 / 36], abs=1e-7)


def test_no_probability_is_lost_off_the_end_of_a_distribution(tables: Bearoff) -> None:
    for table in (tables.tables.off, tables.tables.first_off):
        assert np.abs(table.sum(axis=1, dtype=np.float64) - 1).max() < 1e-6
        assert not table[:, -1].any()
        assert table.min() >= 0


def test_the_first_checker_is_never_later_off_than_the_last(tables: Bearoff) -> None:
    later = [
        np.cumsum(table[:, ::-1], axis=1, dtype=np.float64)
        for table in (tables.tables.first_off, tables.tables.off[tables.tables.num_below :])
    ]
    assert (later[0] <= later[1] + 1e-6).all()


# Outcomes


def test_winning_chances_equal_the_slow_twin(tables: Bearoff) -> None:
    for own, opponent in [((2, 1), (0, 3)), ((0, 4), (5,)), ((0, 0, 0, 1, 0, 1), (3, 1)), ((9,), (7, 2))]:
        board = make_board(dict(enumerate(own, start=1)), dict(enumerate(opponent, start=1)))[None].copy()
        one_sided_only = Bearoff(tables.tables._replace(exact_checkers=0))
        win = float(naive.winning_chance(own, opponent))
        assert one_sided_only.outcomes(board)[0] == pytest.approx([win, 0, 0, 1 - win, 0, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("own", "opponent", "expected"),
    [
        ({1: 1}, {6: 15}, [0, 1, 0, 0, 0, 0]),  # off before the opponent can roll
        ({6: 15}, {1: 1}, [0, 0, 0, 17 / 36, 19 / 36, 0]),  # one roll to save the gammon
        ({1: 2}, {1: 15}, [0, 1, 0, 0, 0, 0]),
        ({1: 15}, {1: 2}, [0, 0, 0, 1, 0, 0]),
        ({1: 14}, {1: 2}, [0, 0, 0, 1, 0, 0]),
    ],
)
def test_gammon_chances_are_those_counted_by_hand(
    tables: Bearoff, own: dict[int, int], opponent: dict[int, int], expected: list[float]
) -> None:
    assert tables.outcomes(make_board(own, opponent)[None])[0] == pytest.approx(expected, abs=1e-6)


def test_gammons_are_won_by_a_side_that_is_off_before_the_first_checker_of_the_other(tables: Bearoff) -> None:
    boards = np.stack([make_board({5: 3, 6: 5}, {6: 15}), make_board({6: 15}, {5: 3, 6: 5})])
    off = tables.roll_counts(boards[0])
    first = tables.tables.first_off[own_index(boards[1], 6) - tables.tables.num_below].astype(np.float64)
    won = sum(off[i] * first[j] for i in range(32) for j in range(32) if i <= j)
    lost = sum(off[i] * first[j] for i in range(32) for j in range(32) if i < j)
    assert tables.outcomes(boards)[[0, 1], [1, 4]] == pytest.approx([won, lost], abs=1e-9)


@pytest.mark.parametrize(("checkers", "seed"), [(6, 1), (15, 2)])
def test_outcomes_are_probabilities_and_a_roll_is_worth_having(tables: Bearoff, checkers: int, seed: int) -> None:
    boards = random_boards(5000, 6, checkers, seed)
    outcomes, replies = tables.outcomes(boards), tables.outcomes(swap(boards))
    assert np.abs(outcomes.sum(axis=1) - 1).max() < 1e-12
    assert outcomes.min() >= 0
    assert not outcomes[:, [2, 5]].any()
    assert (outcomes[:, :3].sum(axis=1) >= replies[:, 3:].sum(axis=1) - 1e-6).all()  # better on roll than not
    assert np.array_equal(tables.equities(boards), outcomes @ OUTCOME_POINTS)
    own_all = np.maximum(boards, 0).sum(axis=1) == 15
    assert not outcomes[~own_all, 4].any()


def test_finished_games_have_their_result(tables: Bearoff) -> None:
    boards = np.stack(
        [make_board({1: own}, {2: opponent}) for own, opponent in [(0, 3), (3, 0), (0, 15), (15, 0), (0, 14)]]
    )
    assert tables.equities(boards).tolist() == [points_won(board) for board in boards]


def test_one_sided_chances_are_near_the_exact_ones_as_the_documentation_says(tables: Bearoff) -> None:
    off = tables.tables.off[: num_positions(6, 6)].astype(np.float64)
    later = np.cumsum(off[:, ::-1], axis=1)[:, ::-1]
    exact = (tables.tables.equities[1:, 1:, 0].astype(np.float64) + 1) / 2
    gaps = np.abs((off @ later.T)[1:, 1:] - exact)
    assert gaps.mean() == pytest.approx(0.0009, abs=5e-5)
    assert gaps.max() == pytest.approx(0.014, abs=5e-4)


# Two-sided entries


@pytest.mark.parametrize(
    ("own", "opponent", "ways"),
    [({2: 2}, {1: 1}, 26), ({6: 1}, {1: 2}, 27), ({2: 1, 5: 1}, {1: 1}, 19), ({6: 2}, {1: 1}, 4)],
)
def test_last_roll_positions_have_equities_counted_by_hand(
    tables: Bearoff, own: dict[int, int], opponent: dict[int, int], ways: int
) -> None:
    # The opponent is off with any roll, so this is the last one: the cube matters for its stake only.
    equity = 2 * ways / 36 - 1
    board = make_board(own, opponent)[None]
    assert tables.cube_equities(board)[0] == pytest.approx([equity] * 4, abs=1e-6)
    assert tables.outcomes(board)[0] == pytest.approx([ways / 36, 0, 0, 1 - ways / 36, 0, 0], abs=1e-6)


def test_an_owned_cube_is_worth_what_it_can_still_be_turned_for(tables: Bearoff) -> None:
    # Own two on the 6-point need at least two rolls but for 4 ways; the opponent's one checker on the 6-point is off
    # with 27 of 36. If neither is off the player has the last roll (or the second last), and the cube to turn.
    board = make_board({6: 2}, {6: 1})[None]
    cubeless, owned, centred, opponent_owns = tables.cube_equities(board)[0]
    assert owned > cubeless > opponent_owns
    assert owned >= centred >= opponent_owns
    expected = naive.equities((0, 0, 0, 0, 0, 2), (0, 0, 0, 0, 0, 1))
    assert [cubeless, owned, centred, opponent_owns] == pytest.approx([float(e) for e in expected], abs=1e-6)


def test_doubling_pays_at_most_one_unit_and_is_never_forced() -> None:
    assert builder.cube_equity(0.3, 0.2) == pytest.approx(0.4)  # double, take
    assert builder.cube_equity(0.3, 0.8) == 1.0  # double, pass
    assert builder.cube_equity(0.3, 0.1) == 0.3  # no double
    assert builder.cube_equity(1.0, 0.9) == 1.0


@pytest.mark.parametrize(("points", "checkers"), [(6, 2), (3, 3)])
def test_two_sided_tables_equal_the_slow_twin(points: int, checkers: int) -> None:
    equities = builder.compute_two_sided(points, checkers)
    sides = naive.all_sides(points, checkers)
    for own, row in zip(sides, equities, strict=True):
        for opponent, values in zip(sides, row, strict=True):
            expected = [float(value) for value in naive.equities(own, opponent)]
            assert values == pytest.approx(expected, abs=1e-12), (own, opponent)


def test_each_cubeless_equity_is_the_average_of_the_best_replies(tables: Bearoff) -> None:
    table = tables.tables.equities[..., 0].astype(np.float64)
    offsets, targets = list_successors(1, len(table), 6, 6)
    opponents = np.arange(1, len(table), 13)
    # axes: opponent, position and roll
    worst_for_opponent = np.minimum.reduceat(table[np.ix_(opponents, targets)], offsets[:-1], axis=1)
    averages = -worst_for_opponent.reshape(len(opponents), -1, NUM_ROLLS) @ ROLL_WEIGHTS / 36
    assert np.abs(averages.T - table[1:, opponents]).max() < 3e-7


def test_cube_ownership_never_hurts(tables: Bearoff) -> None:
    _, owned, centred, opponent_owns = np.moveaxis(tables.tables.equities, 2, 0)
    assert (owned >= opponent_owns - 1e-6).all()
    assert (centred >= opponent_owns - 1e-6).all()
    assert np.abs(tables.tables.equities).max() <= 1


# Files


def test_tables_are_built_once_found_again_and_equal_byte_for_byte(tmp_path: Path) -> None:
    notices: list[str] = []
    steps: list[tuple[str, int, int]] = []
    find_or_build(SMALL, tmp_path, notices.append, lambda *step: steps.append(step))
    assert notices == [f"computing bear-off tables, once, into {tmp_path}"]
    assert [step for step in steps if step[1] == step[2]] == [("one-sided", 136, 136), ("two-sided", 36, 36)]
    first = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in tmp_path.iterdir()}
    assert sorted(first) == ["one_sided-2.v2.safetensors", "two_sided-2x2.v2.safetensors"]
    find_or_build(SMALL, tmp_path, notices.append)
    assert len(notices) == 1
    assert bearoff_package.build(SMALL, tmp_path) == []
    assert len(bearoff_package.build(SMALL, tmp_path, force=True)) == 2
    assert {path.name: hashlib.sha256(path.read_bytes()).digest() for path in tmp_path.iterdir()} == first


def test_files_hold_the_computed_tables(tables: Bearoff) -> None:
    off, first_off = builder.compute_one_sided(6, 15)
    assert np.abs(tables.tables.off - off).max() < 4e-8
    assert np.abs(tables.tables.first_off - first_off).max() < 4e-8
    assert np.abs(tables.tables.equities - builder.compute_two_sided(6, 6)).max() < 4e-8
    assert not tables.tables.off.flags.writeable


def altered(content: bytes, change: str) -> bytes:
    """A file with damage of a kind, the digest left as it is."""
    numbers = bytearray(content)
    if change.startswith("bit of byte "):
        numbers[int(change.rpartition(" ")[2])] ^= 0x10
    if change.startswith("cut to "):
        return content[: int(change.rpartition(" ")[2])]
    return bytes(numbers) if change != "longer" else content + b"\0"


@pytest.mark.parametrize(
    "change",
    [
        *(f"bit of byte {place}" for place in (0, 7, 8, 20, 100, 300, -1)),
        *(f"cut to {length}" for length in (0, 7, 100, 300, 5000, -1)),
        "longer",
    ],
)
def test_a_damaged_file_is_refused_and_made_again_with_one_notice(tmp_path: Path, change: str) -> None:
    find_or_build(SMALL, tmp_path)
    path = store.table_paths(SMALL, tmp_path)[0]
    whole = path.read_bytes()
    for build in (find_or_build, bearoff_package.build):
        path.write_bytes(altered(whole, change))
        with pytest.raises(DataError, match="one_sided-2"):
            store.open_tables(SMALL, tmp_path)
        notices: list[str] = []
        build(SMALL, tmp_path, notice=notices.append)
        assert [notice.split(":")[0] for notice in notices if "computing" not in notice] == [str(path)]
        assert path.read_bytes() == whole


def test_without_anybody_to_tell_a_damaged_file_is_a_warning(tmp_path: Path) -> None:
    find_or_build(SMALL, tmp_path)
    store.table_paths(SMALL, tmp_path)[0].write_bytes(b"")
    with pytest.warns(PairgammonWarning, match="computed again"):
        find_or_build(SMALL, tmp_path)


def write_with_right_digest(folder: Path, table: TableFile, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    write_tensors(folder / table.file_name, table._kind, arrays, table.description)


CRAFTED: dict[str, Callable[[Float32s], npt.NDArray[Any]]] = {
    "fewer rows": lambda equities: equities[:-1],
    "another order of axes": lambda equities: np.ascontiguousarray(equities.transpose(2, 0, 1)),
    "another type": lambda equities: equities.astype(np.float64),
    "NaN": lambda equities: np.where(equities == equities.max(), np.float32(np.nan), equities),
    "infinity": lambda equities: np.where(equities == equities.max(), np.float32(np.inf), equities),
    "more than one point": lambda equities: equities * np.float32(1.01),
}


@pytest.mark.parametrize("kind", CRAFTED)
def test_structure_and_numbers_of_a_table_are_checked_whatever_its_checksum_says(tmp_path: Path, kind: str) -> None:
    find_or_build(SMALL, tmp_path)
    table = table_files(SMALL)[1]
    arrays = table.read(tmp_path)
    assert arrays is not None
    write_with_right_digest(tmp_path, table, {"equities": CRAFTED[kind](np.array(arrays["equities"]))})
    with pytest.raises(DataError, match="two_sided-2x2"):
        store.open_tables(SMALL, tmp_path)
    notices: list[str] = []
    tables = find_or_build(SMALL, tmp_path, notices.append)
    assert len(notices) == 2
    assert tables.equities(make_board({1: 1}, {1: 1})[None]).tolist() == [1.0]


@pytest.mark.parametrize("factor", [-1.0, 0.5, 1.5, np.nan])
def test_chances_of_the_one_sided_table_are_chances(tmp_path: Path, factor: float) -> None:
    find_or_build(SMALL, tmp_path)
    table = table_files(SMALL)[0]
    arrays = dict(table.read(tmp_path) or {})
    arrays["first_off"] = arrays["first_off"].copy()
    arrays["first_off"][3] *= np.float32(factor)
    write_with_right_digest(tmp_path, table, arrays)
    with pytest.raises(DataError, match="first_off holds"):
        table.read(tmp_path)


def test_a_table_under_another_tables_name_is_made_again(tmp_path: Path) -> None:
    find_or_build(SMALL, tmp_path)
    one_sided, two_sided = store.table_paths(SMALL, tmp_path)
    two_sided.write_bytes(one_sided.read_bytes())
    with pytest.raises(DataError, match="is 'one-sided bear-off table v2', not"):
        store.open_tables(SMALL, tmp_path)
    find_or_build(SMALL, tmp_path, lambda _: None)
    store.open_tables(SMALL, tmp_path)


def test_tables_that_others_use_are_mapped_not_copied(tmp_path: Path) -> None:
    find_or_build(SMALL, tmp_path)
    arrays = table_files(SMALL)[0].read(tmp_path)
    assert arrays is not None
    base: Any = arrays["off"]
    while not isinstance(base, mmap):
        base = base.base
    assert arrays["off"].flags.aligned
    assert not arrays["off"].flags.writeable


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pairgammon bearoff build"):
        store.open_tables(SMALL, tmp_path)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_or_build(SMALL, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space"):
            bearoff_package.build(SMALL, tmp_path, force=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_interrupted_build_leaves_no_file(tmp_path: Path) -> None:
    def interrupt(_name: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bearoff_package.build(SMALL, tmp_path, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_the_tables_stay_in_memory(tmp_path: Path) -> None:
    obstacle = tmp_path / "file"
    obstacle.touch()
    notices: list[str] = []
    tables = find_or_build(SMALL, obstacle / "folder", notices.append)
    assert [notice.partition(" (")[0] for notice in notices] == ["bear-off tables cannot be kept"]
    assert tables.equities(make_board({1: 1}, {1: 1})[None]).tolist() == [1.0]


def test_two_processes_that_build_at_once_both_end_with_whole_tables(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from backgammon.evaluation.bearoff import BearoffSize, find_or_build\n"
        "find_or_build(BearoffSize(2, 2, 2), pathlib.Path(sys.argv[1]))"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    store.open_tables(SMALL, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_folder_can_be_set_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIRGAMMON_DATA", str(tmp_path))
    assert store.table_paths()[0] == tmp_path / "bearoff" / "one_sided-6.v2.safetensors"


def test_without_any_folder_tables_stay_in_memory_and_building_says_what_to_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (store, folders):
        monkeypatch.setattr(module, "data_folder", lambda: None)
    notices: list[str] = []
    tables = find_or_build(SMALL, notice=notices.append)
    assert tables.equities(make_board({1: 1}, {1: 1})[None]).tolist() == [1.0]
    assert [notice.partition(" (")[0] for notice in notices] == ["bear-off tables cannot be kept"]
    with pytest.raises(ConfigError, match="PAIRGAMMON_DATA"):
        bearoff_package.build(SMALL)


@pytest.mark.parametrize("size", [(0, 1, 1), (11, 6, 6), (6, 7, 6), (6, 6, 0), (6, 6, 15), (10, 10, 10)])
def test_sizes_that_cannot_be_computed_are_refused(size: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="bear-off"):
        BearoffSize(*size)


def test_larger_tables_agree_with_smaller_ones_where_both_apply(tables: Bearoff) -> None:
    off, _ = builder.compute_one_sided(7, 3)
    boards = np.zeros((num_positions(6, 3), 26), dtype=np.int8)
    fill_boards(0, 6, 3, boards)
    rows: Int64s = np.array([own_index(board, 7) for board in boards])
    assert np.abs(off[rows][:, :32] - tables.tables.off[: len(rows)]).max() < 1e-7


def test_the_command_builds_once_and_again_when_forced(tmp_path: Path) -> None:
    arguments = ["build", "--points", "2", "--exact-points", "2", "--checkers", "2", "--folder", str(tmp_path / "new")]
    for extra, verb in (([], "wrote"), ([], "kept"), (["--force"], "wrote")):
        result = CliRunner().invoke(bearoff_command, [*arguments, *extra], catch_exceptions=False)
        assert result.exit_code == 0
        assert [line.split()[0] for line in result.output.splitlines()] == [verb, verb]
        assert "two_sided-2x2.v2.safetensors" in result.output
