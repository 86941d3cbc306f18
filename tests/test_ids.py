"""Position ID, letter code, Match ID and XGID: exact against gnubg, one to one, strict on everything else."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backgammon import Position, Roll
from backgammon.notation import (
    GnuGameState,
    MatchId,
    XgId,
    format_xgid,
    letter_code,
    letter_codes,
    match_id,
    parse_letter_code,
    parse_letter_codes,
    parse_match_id,
    parse_position_id,
    parse_position_ids,
    parse_xgid,
    position_id,
    position_ids,
)
from backgammon.notation.match_id import CENTRED
from backgammon.rules.board import START, Board, swap
from backgammon.tools.arrays import Int8s
from backgammon.tools.errors import IdError, NotationError, PositionError

Arrays = tuple[Int8s, Int8s]

VECTORS = [
    json.loads(line) for line in (Path(__file__).parent / "vectors" / "gnubg_vectors.jsonl").read_text().splitlines()
]
IN_PLAY = [vector for vector in VECTORS if "match_id" in vector]
BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
START_ID = "4HPwATDgc/ABMA"


def board_of(vector: dict[str, Any]) -> Board:
    """int8[26] from the vector's counts, each from its owner's side, the bar last."""
    board = np.zeros(26, dtype=np.int8)
    board[1:] = vector["me"]
    board[:25] -= np.array(vector["opp"], dtype=np.int8)[::-1]
    return board


def slow_key(board: Board) -> bytes:
    """Slow twin of the packing: the bits as text."""
    opponent = [max(0, -int(count)) for count in board[::-1][1:]]
    own = [max(0, int(count)) for count in board[1:]]
    bits = "".join("1" * count + "0" for count in opponent + own).ljust(80, "0")
    return bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, 80, 8))


def id_of_counts(opponent: list[int], own: list[int]) -> str:
    """A Position ID with any counts, sensible or not."""
    bits = "".join("1" * count + "0" for count in opponent + own).ljust(80, "0")[:80]
    key = bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, 80, 8))
    return base64.b64encode(key).decode()[:14]


# --- Position ID and letter code ---


def test_every_position_of_gnubg_both_ways() -> None:
    for vector in VECTORS:
        board = board_of(vector)
        assert position_id(Position(board)) == vector["position_id"]
        assert parse_position_id(vector["position_id"]) == Position(board)
        letters = "".join(chr(65 + (byte >> 4)) + chr(65 + (byte & 15)) for byte in vector["key"])
        assert letter_code(Position(board)) == letters
        assert parse_letter_code(letters) == Position(board)


@pytest.mark.parametrize("fixture", ["random_play", "nasty"])
def test_arrays_agree_with_the_slow_twin_and_read_back(fixture: str, request: pytest.FixtureRequest) -> None:
    boards, _ = request.getfixturevalue(fixture)
    ids = position_ids(boards)
    assert ids == [base64.b64encode(slow_key(board)).decode()[:14] for board in boards]
    assert (parse_position_ids(ids) == boards).all()
    assert (parse_letter_codes(letter_codes(boards)) == boards).all()


def test_no_positions_at_all() -> None:
    assert position_ids(np.zeros((0, 26), dtype=np.int8)) == []
    assert letter_codes(np.zeros((0, 26), dtype=np.int8)) == []
    assert parse_position_ids([]).shape == (0, 26)
    assert parse_letter_codes([]).shape == (0, 26)


def test_a_view_that_is_not_contiguous_packs_alike(random_play: Arrays) -> None:
    boards = random_play[0]
    assert position_ids(boards[::3]) == position_ids(boards)[::3]


def test_the_player_on_roll_comes_second() -> None:
    board = START.copy()
    board[24], board[23] = 1, 1
    assert position_id(Position(board)) == "4HPwATDgc/ABKA"
    assert position_id(Position(swap(board))) == "4HPwASjgc/ABMA"


@pytest.mark.parametrize(
    ("board", "message"),
    [
        ([16] + [0] * 25, "index 0 is the opponent's bar|16"),
        ([0] * 26, "no checkers"),
        ([0] * 25 + [-1], "index 25"),
        ([0, 8, 8] + [0] * 23, "the player on roll has 16"),
        ([0, -128] + [0] * 24, "the opponent has 128"),
    ],
)
def test_a_board_that_cannot_occur_has_no_id(board: list[int], message: str) -> None:
    rows = np.array([START.tolist(), board], dtype=np.int8)
    for write in (position_ids, letter_codes):
        with pytest.raises(PositionError, match=f"board 1: .*({message})"):
            write(rows)


@pytest.mark.parametrize("boards", [START, START[None].astype(np.int64), np.zeros((2, 25), dtype=np.int8)])
def test_an_array_of_another_shape_or_type_is_refused(boards: Any) -> None:
    with pytest.raises(PositionError, match="int8\\[N, 26\\]"):
        position_ids(boards)


ZEROS = [0] * 25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (START_ID[:13], "it has 13 characters, a Position ID has 14"),
        (START_ID + "=", "it has 15 characters"),
        ("", "it has 0 characters"),
        ("4HPw-TDgc/ABMA", "character 5, '-', is not one of A-Z, a-z, 0-9, \\+ and /"),
        ("4HPwATDgc/ABM\u0410", "character 14"),
        (START_ID[:13] + "B", "its last character 'B' sets bits that no ID uses"),
        (id_of_counts([16, *ZEROS[1:]], ZEROS), "it gives the opponent 16 checkers, there are only 15"),
        (id_of_counts(ZEROS, [9, 8, *ZEROS[2:]]), "it gives the player on roll 17 checkers"),
        (id_of_counts([*ZEROS[:23], 1, 0], [1, *ZEROS[1:]]), "both players on the 1 point"),
        (id_of_counts(ZEROS, [1, *ZEROS[1:], 1]), "its counts end after 51 bits, yet some of the bits behind them"),
        ("AAAAAAAAAAAAAA", "no checkers at all"),
        ("//////////////", "last character|the opponent 80 checkers"),
    ],
)
def test_an_impossible_position_id_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(IdError, match=f"Position ID .*({message})"):
        parse_position_id(text)
    with pytest.raises(IdError, match="number 2 of 3"):
        parse_position_ids([START_ID, text, START_ID])


@pytest.mark.parametrize(
    ("text", "message"),
    [("OAHD", "it has 4 characters"), ("Q" * 20, "character 1, 'Q', is not one of A to P"), ("P" * 20, "80 checkers")],
)
def test_an_impossible_letter_code_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(IdError, match=f"position code .*{message}"):
        parse_letter_code(text)


def test_a_single_text_is_no_list() -> None:
    with pytest.raises(IdError, match="a list of Position IDs is needed"):
        parse_position_ids(START_ID)


def test_one_wrong_character_is_refused_or_is_another_position() -> None:
    for vector in VECTORS:
        right = vector["position_id"]
        for index in range(14):
            for letter in BASE64:
                wrong = right[:index] + letter + right[index + 1 :]
                try:
                    position = parse_position_id(wrong)
                except IdError:
                    continue
                assert position_id(position) == wrong


# --- Match ID ---


def test_every_match_of_gnubg_both_ways() -> None:
    assert len(IN_PLAY) == 47
    for vector in IN_PLAY:
        match = parse_match_id(vector["match_id"])
        expected = vector["match"]
        assert match.cube == expected["cube"]
        assert match.cube_owner == expected["cube_owner"]
        assert match.on_roll == match.turn == expected["player_on_roll"]
        assert list(match.dice or (0, 0)) == expected["dice"]
        assert match.scores == (expected["score0"], expected["score1"])
        assert match.length == expected["match_length"]
        assert match.crawford == bool(expected["crawford"])
        assert match.jacoby == bool(expected["jacoby"])
        assert match.game_state is GnuGameState.PLAYING
        assert match_id(match) == vector["match_id"]


ROLLS = st.builds(lambda a, b: Roll(max(a, b), min(a, b)), st.integers(1, 6), st.integers(1, 6))


@st.composite
def matches(draw: st.DrawFn) -> MatchId:
    """Whatever can be: a game that is over may have any score, one that is played may not."""
    is_over = draw(st.booleans())
    cube = 1 << draw(st.integers(0, 15))
    length = draw(st.integers(0, 32767))
    most = 32767 if is_over or not length else length - 1
    scores = draw(st.integers(0, most)), draw(st.integers(0, most))
    has_one_away = length > 1 and (scores[0] == length - 1) != (scores[1] == length - 1)
    crawford = draw(st.booleans()) if is_over or (has_one_away and cube == 1) else False
    owners = [0, 1, CENTRED] if is_over else [CENTRED] if cube == 1 else [0, 1] if length else [0, 1, CENTRED]
    doubled = draw(st.booleans()) and (is_over or not crawford)
    states = [state for state in GnuGameState if is_over == (state > GnuGameState.PLAYING)]
    return MatchId(
        cube=cube,
        cube_owner=draw(st.sampled_from(owners)),
        on_roll=draw(st.integers(0, 1)),
        crawford=crawford,
        game_state=draw(st.sampled_from(states)),
        turn=draw(st.integers(0, 1)),
        doubled=doubled,
        resigned=draw(st.integers(0, 3)),
        dice=draw(st.none() if doubled and not is_over else st.one_of(st.none(), ROLLS)),
        length=length,
        scores=scores,
        jacoby=draw(st.booleans()),
    )


@given(matches())
def test_every_match_reads_back(match: MatchId) -> None:
    text = match_id(match)
    assert len(text) == 12
    assert parse_match_id(text) == match


def test_an_old_money_id_without_the_last_bit_means_jacoby() -> None:
    assert parse_match_id("cAkAAAAAAAAA").jacoby
    assert not parse_match_id("cAkAAAAAAAAE").jacoby


@pytest.mark.parametrize(
    "fields",
    [
        {"cube": 3}, {"cube": 0}, {"cube": 1 << 16}, {"cube_owner": 2}, {"on_roll": 2}, {"turn": -1}, {"resigned": 4},
        {"length": -1}, {"length": 1 << 15}, {"scores": (0, 1 << 15)}, {"scores": (-1, 0)},
        {"length": 7, "scores": (9, 5)}, {"length": 7, "scores": (0, 7)}, {"cube": 1, "cube_owner": 0},
        {"length": 7, "cube": 2}, {"crawford": True}, {"length": 7, "scores": (3, 3), "crawford": True},
        {"length": 7, "scores": (6, 3), "crawford": True, "cube": 2, "cube_owner": 0},
        {"length": 7, "scores": (6, 3), "crawford": True, "doubled": True}, {"doubled": True, "dice": Roll(3, 1)},
    ],
)  # fmt: skip
def test_a_match_that_no_id_can_hold_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(IdError):
        MatchId(**fields)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cAkAAAAAAAA", "it has 11 characters, a Match ID has 12"),
        ("cAkA*AAAAAAE", "only A-Z"),
        ("cAkAAAAAAAAI", "bits behind the last field"),
        ("YAkAAAAAAAAE", "cube owner is 2"),
        ("cA8AAAAAAAAE", "game state is 7"),
        ("cAkBAAAAAAAE", "dice"),
        ("cIkHAAAAAAAE", "dice"),
    ],
)
def test_an_impossible_match_id_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(IdError, match=f"Match ID .*{message}"):
        parse_match_id(text)


# --- XGID ---


def test_every_xgid_of_gnubg_both_ways() -> None:
    for vector in IN_PLAY:
        xgid = parse_xgid(vector["xgid"])
        match = parse_match_id(vector["match_id"])
        assert position_id(xgid.position) == vector["position_id"]
        assert (xgid.cube, xgid.length, xgid.crawford, xgid.jacoby) == (
            match.cube,
            match.length,
            match.crawford,
            match.jacoby,
        )
        assert xgid.dice == match.dice
        assert xgid.scores == match.scores[::-1]  # player 1 is on roll, at the bottom
        assert xgid.cube_owner == {CENTRED: 0, 0: -1, 1: 1}[match.cube_owner]
        assert format_xgid(xgid) == vector["xgid"]


def test_the_id_stays_in_the_bottom_players_view_when_the_top_player_is_on_roll() -> None:
    # The bottom player has moved 24/23: it is the top player's turn, who sees that checker on the own 2 point.
    text = "XGID=-b----E-C---eE---c-e---AA-:0:0:-1:00:3:5:0:7:10"
    xgid = parse_xgid(text)
    assert xgid.position.board[[1, 2]].tolist() == [-1, -1]
    assert xgid.position.board[24] == 2
    assert xgid.scores == (3, 5)
    assert format_xgid(xgid) == text


def test_bars_belong_to_their_sides_whoever_is_on_roll() -> None:
    bottom = parse_xgid("XGID=b-----E-C---eE---c-e----AA:0:0:1:00:0:0:0:0:10").position
    assert (bottom.board[0], bottom.board[25]) == (-2, 1)
    top = parse_xgid("XGID=b-----E-C---eE---c-e----AA:0:0:-1:00:0:0:0:0:10").position
    assert (top.board[0], top.board[25]) == (-1, 2)
    assert top == bottom.swap()


def test_the_prefix_and_blanks_around_do_not_matter() -> None:
    body = "-b----E-C---eE---c-e----B-:0:0:1:13:0:0:0:0:10"
    assert parse_xgid(body) == parse_xgid(f"  xgid={body}\n") == parse_xgid(f"XGID={body}")
    assert parse_xgid(body).dice == Roll(3, 1)


@pytest.mark.parametrize("action", ["D", "B", "R"])
def test_an_offered_cube_stands_in_the_place_of_the_dice(action: str) -> None:
    text = f"XGID=-b----E-C---eE---c-e----B-:1:1:-1:{action}:0:0:3:0:10"
    xgid = parse_xgid(text)
    assert (xgid.cube_action, xgid.dice, xgid.jacoby, xgid.beavers) == (action, None, True, True)
    assert format_xgid(xgid) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 10 fields with ':' between them, this one has 1"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0", "this one has 9"),
        ("XGID=-b----E-C---eE---c-e----B:0:0:1:00:0:0:0:0:10", "25 characters, it needs 26"),
        ("XGID=?b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:10", "character 1 of the position is '\\?'"),
        ("XGID=-b----E-C---eE---c-e----BB:0:0:1:00:0:0:0:0:10", "the player on roll has 17 checkers"),
        ("XGID=-p----E-C----E------------:0:0:1:00:0:0:0:0:10", "more than 15"),
        ("XGID=Ab----E-C---eE---c-e----A-:0:0:1:00:0:0:0:0:10", "index 0"),
        ("XGID=--------------------------:0:0:1:00:0:0:0:0:10", "no checkers"),
        ("XGID=-b----E-C---eE---c-e----B-:16:0:1:00:0:0:0:0:10", "cube 16"),
        ("XGID=-b----E-C---eE---c-e----B-:-1:0:1:00:0:0:0:0:10", "cube -1"),
        ("XGID=-b----E-C---eE---c-e----B-:0:2:1:00:0:0:0:0:10", "cube owner 2"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:0:00:0:0:0:0:10", "turn 0"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:07:0:0:0:0:10", "dice '07'"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:X:0:0:0:0:10", "dice 'X'"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:-1:0:0:0:10", "score -1"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:x:0:0:10", "top score 'x': a number is needed"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:2:7:10", "rules 2"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:4:0:10", "rules 4"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:\u0663:10", "match length"),
        ("XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:99", "largest cube 99"),
    ],
)
def test_an_impossible_xgid_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(IdError, match=f"XGID .*{message}"):
        parse_xgid(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"turn": 0}, {"cube": 3}, {"cube_owner": 2}, {"max_cube": 0}, {"cube_action": "X"}, {"scores": (0, 100_000)},
        {"cube_action": "D", "dice": Roll(6, 5)}, {"jacoby": True, "length": 7}, {"crawford": True}, {"length": -1},
        {"length": 7, "scores": (9, 5)}, {"length": 7, "scores": (5, 7)}, {"cube_owner": 1}, {"length": 7, "cube": 4},
        {"length": 7, "crawford": True}, {"length": 7, "scores": (6, 6), "crawford": True},
        {"length": 7, "scores": (6, 0), "crawford": True, "cube_action": "D"}, {"length": 7, "cube_action": "B"},
        {"cube": 16, "cube_owner": 1, "max_cube": 8},
    ],
)  # fmt: skip
def test_fields_that_no_xgid_can_hold_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(IdError):
        XgId(Position.start(), **fields)


# --- fuzz ---


def mutated(texts: list[str], alphabet: str) -> st.SearchStrategy[str]:
    """A right text with some characters replaced, so that parsers get past their first check."""

    def replace(text: str, changes: dict[int, str]) -> str:
        return "".join(changes.get(index, character) for index, character in enumerate(text))

    changes = st.dictionaries(st.integers(0, 60), st.sampled_from(alphabet), max_size=4)
    return st.builds(replace, st.sampled_from(texts), changes)


def text_for(length: int, alphabet: str, texts: list[str]) -> st.SearchStrategy[str]:
    exact = st.text(alphabet=alphabet, min_size=length, max_size=length)
    return st.one_of(st.text(max_size=80), exact, mutated(texts, alphabet))


def check_round_trip(parse: Callable[[str], Any], write: Callable[[Any], str], text: str) -> None:
    """Any text is refused with a NotationError of one printable line, or means something that reads back alike."""
    message = ""
    try:
        meaning = parse(text)
        assert parse(write(meaning)) == meaning
    except NotationError as error:
        message = str(error)
    assert len(message) < 400
    assert message.isprintable()


@settings(max_examples=800, deadline=None)
@given(text_for(14, BASE64, [vector["position_id"] for vector in VECTORS]))
def test_any_text_as_position_id(text: str) -> None:
    check_round_trip(parse_position_id, position_id, text)


@settings(max_examples=400, deadline=None)
@given(text_for(20, "ABCDEFGHIJKLMNOP", ["OAHDPAABDAOAHDPAABDA"]))
def test_any_text_as_letter_code(text: str) -> None:
    check_round_trip(parse_letter_code, letter_code, text)


@settings(max_examples=800, deadline=None)
@given(text_for(12, BASE64, [vector["match_id"] for vector in IN_PLAY]))
def test_any_text_as_match_id(text: str) -> None:
    check_round_trip(parse_match_id, match_id, text)


@settings(max_examples=1200, deadline=None)
@given(text_for(46, "-ABCDEabcde:0123456789DBR=", [vector["xgid"] for vector in IN_PLAY]))
def test_any_text_as_xgid(text: str) -> None:
    check_round_trip(parse_xgid, format_xgid, text)
