"""eXtreme Gammon's .xg files: the container, the frames of their positions, and the analysis inside."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from backgammon.records import (
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
    read_records,
    replay_match,
)
from backgammon.records.formats.xg import read
from backgammon.records.formats.xg import read_records as read_unpacked
from backgammon.records.formats.xg_archive import MAX_MEMBER_BYTES, unpack_archive
from backgammon.records.record.annotation import EVALUATION, ROLLOUT, Level
from backgammon.rules.board import START, Board
from backgammon.tools.errors import RecordError
from tests.logs import DIALECTS, KnownPlay, as_match, only_match, random_game, write_rows
from tests.xg_files import (
    Archive,
    Candidate,
    XgMatch,
    cube_record,
    end_record,
    game_record,
    game_records,
    play_record,
    xg_file,
)

REAL = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "xg"
OPENING = random_game(3, max_rolls=1)[0]


def only_game(
    records: list[bytes], match: XgMatch | None = None, comments: bytes = b""
) -> tuple[MatchRecord, GameRecord]:
    (record,) = read(xg_file([(match or XgMatch()).record(), *records], comments), "test.xg")
    (game,) = record.games
    return record, game


def after_of(known: KnownPlay) -> Board:
    assert known.decision.chosen is not None
    after: Board = known.decision.candidates[known.decision.chosen]
    return after


def opening_play(**changes: object) -> bytes:
    """The first play of a game by player 1: 31 played 8/5 6/5."""
    after = START.copy()
    after[[8, 6, 5]] += np.array([-1, -1, 2], dtype=np.int8)
    return play_record(START, after, 0, (3, 1), (7, 4, 5, 4), **changes)  # type: ignore[arg-type]


# -- plays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("has_moves", [True, False])
def test_a_game_has_the_same_plays_as_its_mat_file(seed: int, has_moves: bool) -> None:
    plays = random_game(seed)
    record, _ = only_game(game_records(plays, has_moves), XgMatch(length=0))
    expected = replay_match(only_match(as_match(write_rows(plays, DIALECTS["XG"]))))
    found = replay_match(record)
    assert found.identity == expected.identity
    assert found.games[0].problem is None
    assert found.games[0].num_dances == expected.games[0].num_dances
    assert (found.games[0].winner, found.games[0].size) == (expected.games[0].winner, expected.games[0].size)


def test_moves_that_do_not_lead_to_the_result_give_way_to_it() -> None:
    after = START.copy()
    after[[13, 9]] += np.array([-1, 1], dtype=np.int8)
    _, game = only_game([game_record(), play_record(START, after, 0, (3, 1), (7, 4, 5, 4))])
    assert game.actions == (RollAction(0, (3, 1), "13/10 10/9"),)


def test_the_roll_of_a_resigned_game_was_not_played() -> None:
    record, game = only_game([game_record(), play_record(START, START, 0, (3, 1)), end_record(1, 1, 101)])
    assert game.actions == (RollAction(0, (3, 1), ""), ResignAction(0), ResultAction(1, 1))
    (replayed,) = replay_match(record).games
    assert (replayed.num_unplayed, replayed.winner, replayed.size, replayed.ending) == (1, 1, 1, "resigned")


def test_a_result_that_no_play_reaches_is_no_play() -> None:
    after = START.copy()
    after[[24, 1]] += np.array([-2, 3], dtype=np.int8)
    _, game = only_game([game_record(), play_record(START, after, 0, (3, 1))])
    assert game.actions == (RollAction(0, (3, 1), ""),)


def test_a_position_that_jumps_breaks_the_game_there() -> None:
    other = START.copy()
    other[[13, 12]] = 4, -4
    record, game = only_game([game_record(), opening_play(), play_record(other, other, 1, (6, 5))])
    assert isinstance(game.actions[1], UnreadableAction)
    (replayed,) = replay_match(record).games
    assert replayed.problem is not None
    assert len(replayed) == 1


def test_a_game_may_begin_anywhere_as_in_an_xgp_file() -> None:
    board = np.zeros(26, dtype=np.int8)
    board[[6, 5, 20]] = 2, 1, -3
    record, game = only_game(
        [game_record((5, 4)), cube_record(board, 1, cube=-2), play_record(board, board, 1, (6, 5))]
    )
    assert game.start is not None
    assert game.start.position.board.tolist() == board.tolist()
    assert (game.start.turn, game.start.cube, game.start.cube_owner, game.start.is_crawford) == (1, 4, 1, False)
    (replayed,) = replay_match(record).games
    assert replayed.num_unplayed == 1


@pytest.mark.parametrize("dice", [(0, 3), (7, 1), (-1, -1)])
def test_impossible_dice_break_the_game(dice: tuple[int, int]) -> None:
    _, game = only_game([game_record(), play_record(START, START, 0, dice)])
    assert isinstance(game.actions[0], UnreadableAction)


def test_an_impossible_position_breaks_the_game() -> None:
    board = START.copy()
    board[3] = 120
    _, game = only_game([game_record(), play_record(board, board, 0, (3, 1))])
    assert isinstance(game.actions[0], UnreadableAction)


# -- cube -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("take", "answers"), [(1, (TakeAction(1),)), (0, (DropAction(1),)), (2, (BeaverAction(1),)), (-1, ())]
)
def test_doubles_and_their_answers(take: int, answers: tuple[object, ...]) -> None:
    _, game = only_game([game_record(), cube_record(START, 0, double=1, take=take, cube=1)], XgMatch(length=0))
    assert game.actions == (DoubleAction(0, 4), *answers)


def test_the_cube_is_seen_by_player_1_whoever_is_on_roll() -> None:
    _, game = only_game([game_record(), cube_record(START, 1, double=1, take=1, cube=-1)])
    assert game.start is not None
    assert (game.start.cube, game.start.cube_owner) == (2, 1)
    assert game.actions == (DoubleAction(1, 4), TakeAction(0))


# -- analysis -------------------------------------------------------------------------------------------------------


def test_candidates_keep_position_level_equity_and_chances() -> None:
    best, other = (after_of(OPENING), OPENING.decision.candidates[0])
    candidates = (Candidate(best, 1002), Candidate(other, 2, (0.4, 0.1, 0.0, 0.6, 0.3, 0.1, -0.5)))
    board, (high, low) = OPENING.decision.position.board, OPENING.decision.roll
    roll = play_record(board, best, 0, (high, low), candidates=candidates, luck=0.25)
    _, game = only_game([game_record(), roll])
    notes = game.actions[0].notes
    assert notes is not None
    assert notes.plays is not None
    assert notes.luck == 0.25
    assert notes.plays.levels == (Level("XG Roller++"), Level(EVALUATION, 2))
    assert notes.plays.equities.tolist() == pytest.approx([0.125, -0.5])
    assert notes.plays.chances[1].tolist() == pytest.approx([0.3, 0.1, 0.0, 0.3, 0.2, 0.1])
    assert (notes.plays.afters == np.stack([best, other])).all()


@pytest.mark.parametrize(
    ("number", "level"),
    [(0, Level(EVALUATION, 0)), (6, Level(EVALUATION, 6)), (100, Level(ROLLOUT)), (77, Level()), (-3, Level())],
)
def test_levels(number: int, level: Level) -> None:
    _, game = only_game([game_record(), opening_play(candidates=(Candidate(START, number),))])
    notes = game.actions[0].notes
    assert notes is not None
    assert notes.plays is not None
    assert notes.plays.levels == (level,)


def test_candidates_that_cannot_be_are_left_out() -> None:
    broken = START.copy()
    broken[7] = 100
    nan = float("nan")
    candidates = (
        Candidate(broken),
        Candidate(START, 3, (0.5, 0, 0, 0.5, 0, 0, nan)),
        Candidate(START, 3, (nan, 0, 0, 0.5, 0, 0, 0.25)),
    )
    _, game = only_game([game_record(), opening_play(candidates=candidates)])
    notes = game.actions[0].notes
    assert notes is not None
    assert notes.plays is not None
    assert notes.plays.equities.tolist() == [0.25]
    assert np.isnan(notes.plays.chances).all()


@pytest.mark.parametrize("count", [-1, 33, 1 << 30])
def test_an_impossible_number_of_candidates_is_no_analysis(count: int) -> None:
    record = bytearray(opening_play())
    struct.pack_into("<i", record, 188, count)
    _, game = only_game([game_record(), bytes(record)])
    assert game.actions[0].notes is None


def test_the_cube_decision_goes_with_the_roll_or_the_double_behind_it() -> None:
    values = (0.01, 0.1, 0.4, 0.6, 0.2, 0.02, 0.3, 0.35, 0.2, 1.0)
    cube = cube_record(START, 0, values=values)
    _, game = only_game([game_record(), cube, opening_play()])
    notes = game.actions[0].notes
    assert notes is not None
    assert notes.cube is not None
    assert notes.cube.chances == pytest.approx((0.4, 0.18, 0.02, 0.3, 0.09, 0.01))
    assert (notes.cube.no_double, notes.cube.double_take, notes.cube.double_pass) == pytest.approx((0.35, 0.2, 1.0))
    _, game = only_game([game_record(), cube_record(START, 0, double=1, take=0, values=values)])
    assert game.actions[0].notes is not None
    assert game.actions[0].notes.cube == notes.cube


def test_comments_lose_their_formatting() -> None:
    rich = (
        b"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\x01\x02{\\*\\generator x;}\\pard\\fs20 first \\'e0 line\\par\x01\x02"
        b"\\u8364? \\{b\\}\\par\x01\x02}\r\nplain text\r\n"
    )
    _, game = only_game(
        [game_record(), opening_play(comment=0), play_record(START, START, 1, (6, 5), comment=1)], None, rich
    )
    assert [action.notes.comment for action in game.actions if action.notes] == ["first à line\n€ {b}", "plain text"]


# -- header ---------------------------------------------------------------------------------------------------------


def test_wide_names_are_preferred_and_old_versions_have_others() -> None:
    match = XgMatch(names=("Kévin Ünger", "プレーヤー"), event="Paris")
    record, game = only_game([game_record((3, 1), 4)], match)
    assert game == GameRecord(4, ("Kévin Ünger", "プレーヤー"), (3, 1), ())
    assert record.header("Event") == "Paris"
    assert record.header("Player 1 Elo") == "1600.00/12"
    assert record.header("EventDate") == "2023.03.15"
    old, game = only_game([game_record()], XgMatch(names=("Kévin", "Bob"), event="Paris", version=23))
    assert game.players == ("Kévin", "Bob")
    assert old.header("Event") == "Paris"


def test_rules_of_matches_and_of_money_play() -> None:
    assert only_game([game_record()], XgMatch(crawford=False))[0].header("Crawford") == "Off"
    money, _ = only_game([game_record()], XgMatch(length=0, jacoby=True))
    assert (money.length, money.header("Jacoby"), money.header("Beaver")) == (0, "On", "Off")


@pytest.mark.parametrize("date", [float("nan"), float("inf"), -5.0, 1e300])
def test_an_impossible_date_is_none(date: float) -> None:
    assert only_game([game_record()], XgMatch(date=date))[0].header("EventDate") == ""


def test_another_variation_is_not_replayed() -> None:
    record, _ = only_game([game_record()], XgMatch(variation=1))
    with pytest.raises(RecordError, match="Nackgammon"):
        replay_match(record)


# -- container ------------------------------------------------------------------------------------------------------

GOOD = xg_file([XgMatch().record(), game_record(), opening_play()])


@pytest.mark.parametrize("size", [0, 4, 40, 8_232, len(GOOD) // 2, len(GOOD) - 1])
def test_a_file_cut_anywhere_is_refused(size: int) -> None:
    with pytest.raises(RecordError):
        read(GOOD[:size])


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (Archive({"temp.xg": b"x" * 100}), "whole number of records"),
        (Archive({"temp.xg": b""}), "whole number of records"),
        (Archive({"temp.xg": bytes(2_560)}, crc_error=1), "checksum"),
        (Archive({"other": b"x"}), "no member"),
        (Archive({"temp.xg": bytes(2_560)}, num_members=17), "17 members"),
        (Archive({"temp.xg": bytes(2_560)}, num_members=-1), "-1 members"),
        (Archive({"temp.xg": bytes(2_560)}, num_members=2), "register"),
        (Archive({"temp.xg": bytes(2_560)}, register_size=-1), "does not fit"),
        (Archive({"temp.xg": bytes(2_560)}, register_size=1 << 30), "does not fit"),
        (Archive({"temp.xg": bytes(2_560)}, sizes={"temp.xg": 2_559}), "more than its register says"),
        (Archive({"temp.xg": bytes(2_560)}, sizes={"temp.xg": 5_120}), "not what its register says"),
        (Archive({"temp.xg": bytes(2_560)}, sizes={"temp.xg": -1}), "bytes"),
        (Archive({"temp.xg": bytes(2_560)}, sizes={"temp.xg": MAX_MEMBER_BYTES + 1}), "are read"),
        (Archive({"temp.xg": bytes(2_560)}, is_register_packed=False), "no match header"),
    ],
)
def test_containers_that_lie_are_refused(archive: Archive, message: str) -> None:
    if message == "no match header":
        archive = Archive({"temp.xg": b"\x01" * 2_560}, is_register_packed=False)
    with pytest.raises(RecordError, match=message):
        read(archive.pack())


def test_a_bomb_costs_no_more_than_an_honest_file() -> None:
    bomb = Archive({"temp.xg": bytes(200 << 20)}, sizes={"temp.xg": 2_560}).pack()
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(RecordError, match="more than its register says"):
        unpack_archive(bomb)
    assert time.perf_counter() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_register_that_is_a_bomb_is_refused() -> None:
    register = zlib.compress(bytes(50 << 20))
    trailer = struct.pack("<Iiiiii12x", zlib.crc32(register), 1, 1, len(register), 0, 1)
    with pytest.raises(RecordError, match="more than its register says"):
        unpack_archive(struct.pack("<4sii", b"RGMH", 1, 12) + register + trailer)


def test_records_before_any_match_or_game_mean_nothing() -> None:
    records = [
        game_record(),
        opening_play(),
        XgMatch().record(),
        opening_play(),
        cube_record(START, 0),
        end_record(0, 1, 1),
    ]
    (match,) = read_unpacked(b"".join(records))
    assert match.games == ()


# -- real files -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files lie beside the project")
@pytest.mark.parametrize("stem", ["test", "charlot1-charlot2_7p_2025-11-08-2305"])
def test_one_match_in_every_format_is_the_same_match(stem: str) -> None:
    files = sorted(REAL.glob(f"{stem}.*"))
    assert {file.suffix for file in files} >= {".xg", ".sgf", ".mat"}
    matches = [replay_match(record) for file in files for record in read_records(file.read_bytes(), file.name)]
    assert len({match.identity for match in matches}) == 1
    assert matches[0].num_plays in (297, 171)
    results = {tuple((game.winner, game.size, game.ending) for game in match.games) for match in matches}
    assert len(results) == 1
    first, *others = matches
    for other in others:
        for game, again in zip(first.games, other.games, strict=True):
            assert (game.plays.boards == again.plays.boards).all()
            assert (game.plays.dice == again.plays.dice).all()
            assert (game.plays.afters == again.plays.afters).all()
            assert (game.seats == again.seats).all()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files lie beside the project")
def test_every_real_file_is_read_to_its_end() -> None:
    files = sorted(REAL.glob("*.xg"))
    assert files
    for file in files:
        (record,) = read(file.read_bytes(), file.name)
        assert all(game.problem is None for game in replay_match(record).games)
        afters = [
            (a.play, a.notes.plays) for g in record.games for a in g.actions if isinstance(a, RollAction) and a.notes
        ]
        assert sum(plays is not None for _, plays in afters) > 0.8 * len(afters)
