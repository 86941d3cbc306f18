"""Play text: written as gnubg writes it, read in every dialect, three kinds of refusal."""

from __future__ import annotations

import json
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backgammon import Decision, Position
from backgammon.notation import complete_play, format_play, parse_hops, parse_play, parse_position_id, position_ids
from backgammon.notation.grammar import Hop
from backgammon.notation.readings import legal_plays
from backgammon.rules.board import START, Board, swap
from backgammon.rules.decision import Move, apply_move, single_moves
from backgammon.tools.arrays import Int8s
from backgammon.tools.errors import AmbiguousPlay, IllegalPlay, MalformedPlay, NotationError

Arrays = tuple[Int8s, Int8s]

VECTORS = [
    json.loads(line) for line in (Path(__file__).parent / "vectors" / "gnubg_moves.jsonl").read_text().splitlines()
]


def decide(roll: tuple[int, int], own: dict[int, int], opponent: dict[int, int]) -> Decision:
    """A decision from counts by point; the opponent's points too are numbered from the mover's side."""
    board = np.zeros(26, dtype=np.int8)
    for point, count in own.items():
        board[point] = count
    for point, count in opponent.items():
        board[point] = -count
    return Decision.make(Position(board), roll)


def opening(high: int, low: int) -> Decision:
    return Decision.make(Position.start(), (high, low))


def text_of(text: str, decision: Decision) -> str:
    """Canonical text of what `text` is read as."""
    return format_play(decision.plays[parse_play(text, decision)])


def sample(arrays: Arrays, step: int) -> list[Decision]:
    boards, dice = arrays
    return [Decision.make(Position(boards[i]), (int(dice[i, 0]), int(dice[i, 1]))) for i in range(0, len(boards), step)]


# --- against gnubg ---


@pytest.mark.parametrize("part", range(3))
def test_every_play_that_gnubg_writes_leads_to_its_position_and_is_written_alike(part: int) -> None:
    for vector in VECTORS[part::3]:
        decision = Decision.make(parse_position_id(vector["id"]), tuple(vector["dice"]))
        after = position_ids(swap(decision.candidates))
        assert decision.is_dance if vector["n"] == 0 else len(after) == vector["n"]
        for text, identifier in vector["moves"].items():
            row = parse_play(text, decision)
            assert after[row] == identifier
            assert format_play(decision.plays[row]) == text


# --- writing ---


@pytest.mark.parametrize(
    ("moves", "text"),
    [
        ((), ""),
        ((Move(24, 18, True), Move(18, 13, False)), "24/18*/13"),
        ((Move(24, 18, False), Move(18, 13, False)), "24/13"),
        ((Move(24, 18, False), Move(18, 13, True)), "24/13*"),
        ((Move(6, 5, False), Move(8, 5, False)), "8/5 6/5"),
        ((Move(25, 20, False), Move(6, 0, False)), "bar/20 6/off"),
        ((Move(6, 4, True), Move(6, 4, False), Move(13, 11, False), Move(13, 11, False)), "13/11(2) 6/4*(2)"),
        ((Move(24, 20, True), Move(20, 16, False), Move(24, 20, False), Move(20, 16, False)), "24/20*/16(2)"),
        ((Move(24, 20, True), Move(24, 20, False), Move(20, 16, False), Move(6, 2, False)), "24/20*/16 24/20 6/2"),
        ((Move(7, 1, False), Move(1, 0, False)), "7/off"),
    ],
)
def test_canonical_text(moves: tuple[Move, ...], text: str) -> None:
    assert format_play(moves) == text


@pytest.mark.parametrize("fixture", ["random_play", "nasty"])
def test_every_candidate_has_a_text_of_its_own_that_reads_back(fixture: str, request: pytest.FixtureRequest) -> None:
    for decision in sample(request.getfixturevalue(fixture), step=4):
        texts = [format_play(play) for play in decision.plays]
        assert [parse_play(text, decision) for text in texts] == list(range(len(texts)))


@pytest.mark.parametrize("fixture", ["random_play", "nasty"])
def test_single_moves_in_any_order_and_without_stars_read_alike(fixture: str, request: pytest.FixtureRequest) -> None:
    rng = np.random.default_rng(3)
    for decision in sample(request.getfixturevalue(fixture), step=9):
        for row, play in legal_plays(decision):
            legs = [f"{move.source}/{move.target}" for move in play]
            assert parse_play(" ".join(rng.permutation(legs)) if legs else "", decision) == row


def test_legal_plays_reach_every_candidate(random_play: Arrays, nasty: Arrays) -> None:
    for decision in sample(random_play, step=20) + sample(nasty, step=20):
        assert {row for row, _ in legal_plays(decision)} == set(range(len(decision.candidates)))


# --- reading ---


@pytest.mark.parametrize(
    "text",
    [
        "8/5 6/5",
        "6/5 8/5",
        "8/5,6/5",
        "8/5, 6/5",
        "8 5 6 5",
        "8,5,6,5",
        "8-5 6-5",
        " 8 / 5   6/5 ",
        "8/5(1) 6/5",
        "8/5\t6/5\n",
    ],
)
def test_dialects_of_one_play(text: str) -> None:
    assert text_of(text, opening(3, 1)) == "8/5 6/5"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("bar/20 24/22", "bar/20 24/22"),
        ("25/20 24/22", "bar/20 24/22"),
        ("BAR/20, 24/22", "bar/20 24/22"),
        ("24/22 Bar/20", "bar/20 24/22"),
        ("bar/18", "bar/18"),
        ("bar/20/18", "bar/18"),
        ("25 18", "bar/18"),
    ],
)
def test_entering_from_the_bar(text: str, canonical: str) -> None:
    assert text_of(text, decide((5, 2), {25: 1, 24: 2, 6: 5}, {1: 2, 12: 5})) == canonical


@pytest.mark.parametrize("text", ["6/off 5/off", "6/0 5/0", "6/OFF 5/Off", "6 0 5 0", "5/off 6/off"])
def test_bearing_off(text: str) -> None:
    assert text_of(text, decide((6, 5), {6: 2, 5: 2}, {24: 2})) == "6/off 5/off"


def test_one_checker_bears_off_with_both_dice() -> None:
    decision = decide((4, 3), {6: 1, 1: 3}, {24: 2})
    assert text_of("6/off", decision) == "6/off"
    assert text_of("6/2/off", decision) == text_of("6/3/off", decision) == "6/off"


def test_counts_and_long_legs_of_a_double() -> None:
    decision = opening(4, 4)
    assert text_of("24/16(2)", decision) == text_of("24/20(2) 20/16(2)", decision) == "24/16(2)"
    assert text_of("24/20/16 24/16", decision) == "24/16(2)"
    assert text_of("24/16 13/9/5", decision) == text_of("13/5, 24/16", decision) == "24/16 13/5"


def test_blank_text_is_the_play_of_a_dance_only() -> None:
    closed = dict.fromkeys(range(19, 25), 2)
    assert parse_play("", decide((6, 5), {25: 1, 6: 5}, closed)) == 0
    with pytest.raises(MalformedPlay, match="no play given for 31"):
        parse_play("  ", opening(3, 1))
    with pytest.raises(IllegalPlay, match="no checker can move with 65"):
        parse_play("bar/20", decide((6, 5), {25: 1, 6: 5}, closed))


#   13  12  11  10   9   8   7
#   XX       O       O            42 from 13 to 7: by 9 or by 11
def test_a_star_is_not_needed_where_the_way_is_written() -> None:
    decision = decide((4, 2), {13: 2, 6: 2}, {9: 1, 11: 1, 24: 2})
    assert text_of("13/9/7", decision) == text_of("13/9*/7", decision) == "13/9*/7"
    assert text_of("13/11 11/7", decision) == "13/11*/7"


def test_without_a_star_the_way_that_hits_nobody_is_meant() -> None:
    decision = decide((4, 2), {13: 2, 6: 2}, {9: 1, 24: 2})
    assert text_of("13/7", decision) == "13/7"
    assert text_of("13/9/7", decision) == "13/9*/7"


def test_a_star_at_the_end_does_not_stand_for_a_hit_on_the_way() -> None:
    decision = decide((4, 2), {13: 2, 6: 2}, {9: 1, 7: 1, 24: 2})
    assert text_of("13/7*", decision) == text_of("13/7", decision) == "13/7*"
    assert text_of("13/9*/7*", decision) == "13/9*/7*"


def test_a_star_where_nobody_stands_at_the_end_marks_the_hit_on_the_way() -> None:
    decision = decide((4, 2), {13: 2, 6: 2}, {9: 1, 24: 2})
    assert text_of("13/7*", decision) == "13/9*/7"


def test_the_only_open_way_is_taken_even_when_it_hits() -> None:
    decision = decide((4, 2), {13: 2, 6: 2}, {9: 1, 11: 2, 24: 2})
    assert text_of("13/7", decision) == "13/9*/7"


def test_two_ways_that_both_hit_are_ambiguous_and_listed() -> None:
    decision = decide((4, 2), {13: 2, 6: 2}, {9: 1, 11: 1, 24: 2})
    with pytest.raises(AmbiguousPlay, match=r"'13/7' with 42 can mean 13/9\*/7, 13/11\*/7"):
        parse_play("13/7", decision)
    with pytest.raises(AmbiguousPlay):
        parse_play("13/7*", decision)


# --- refusing ---


@pytest.mark.parametrize(
    "text",
    [
        "hello", "8/5 6", "8", "8 5 6", "30/25", "13/", "/5", "8//5", "8/5 6/5 x", "off/5", "0/5", "13/bar", "6/off*",
        "8/5(0)", "8/5(5)", "8/5(2", "8*/5", "8/5**", "3/2 3/2 3/2 3/2 3/2", "8/5(4) 6/5", "31: 8/5 6/5", "８/５",
        "8/5\x00", "8/5" * 500, "/" * 1000, " " * 1000,
    ],
)  # fmt: skip
def test_text_that_is_no_play_is_malformed(text: str) -> None:
    with pytest.raises(MalformedPlay):
        parse_play(text, opening(3, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("13/7", "'13/7' is not legal with 52: the dice give no move of 6; legal from 13: 13/8, 13/11"),
        ("13/8 13/10", "'13/10' in '13/8 13/10' is not legal with 52: the dice give no move of 3; "
         "legal from 13: 13/8, 13/11"),
        ("24/19", "'24/19' is not legal with 52: the opponent holds the 19 point; legal from 24: 24/22"),
        ("5/3", "'5/3' is not legal with 52: no checker of the player on roll is on 5; none is legal from 5, only "
         "24/22, 13/8, 13/11, 11/6, 8/3, 8/6, 6/4"),
        ("8/13", "'8/13' is not legal with 52: points count down, from 24 to 1, then off; legal from 8: 8/3, 8/6"),
        ("6/off", "'6/off' is not legal with 52: bearing off begins when every checker is in the home board; "
         "legal from 6: 6/4"),
        ("13/8* 6/4", "'13/8* 6/4': the star marks a hit, but no lone checker of the opponent stands there"),
        ("24/22", "'24/22' is not a whole play of 52; plays with it: 24/22 13/8, 24/22 8/3"),
    ],
)  # fmt: skip
def test_an_illegal_play_is_refused_with_the_legal_moves_from_there(text: str, message: str) -> None:
    with pytest.raises(IllegalPlay) as caught:
        parse_play(text, opening(5, 2))
    assert str(caught.value) == message


def test_the_checker_on_the_bar_enters_first() -> None:
    with pytest.raises(IllegalPlay, match="the checker on the bar enters first; none is legal from 6, only bar/20"):
        parse_play("6/1", decide((5, 2), {25: 2, 6: 5}, {12: 5, 23: 2}))


def test_moves_that_are_legal_one_by_one_but_not_together_are_refused() -> None:
    with pytest.raises(IllegalPlay, match="these moves do not go together; legal from 8: 8/5, 8/7"):
        parse_play("8/5 6/3", opening(3, 1))


def test_landing_on_a_made_point_is_illegal_though_the_way_round_it_is_not() -> None:
    decision = decide((4, 2), {13: 2, 6: 2}, {11: 2, 24: 2})
    assert text_of("13/9/7", decision) == "13/7"
    with pytest.raises(IllegalPlay, match="the opponent holds the 11 point"):
        parse_play("13/11/7", decision)


# --- short forms ---


def test_a_short_form_is_completed_when_one_play_contains_it() -> None:
    decision = decide((5, 2), {25: 1, 6: 2}, {1: 2, 20: 1, 23: 2})  # the 5 enters and hits; the 2 is open
    assert format_play(decision.plays[complete_play("6/4", decision)]) == "bar/20* 6/4"
    assert complete_play("bar/20*/18", decision) == parse_play("bar/20/18", decision)


def test_a_short_form_that_fits_several_plays_lists_them() -> None:
    with pytest.raises(AmbiguousPlay, match="'24/22' fits 2 plays of 52: 24/22 13/8, 24/22 8/3"):
        complete_play("24/22", opening(5, 2))


def test_a_short_form_that_fits_nothing_is_illegal() -> None:
    with pytest.raises(IllegalPlay, match="legal from 13"):
        complete_play("13/7", opening(5, 2))


def test_a_whole_play_stays_itself_though_longer_ones_contain_it(random_play: Arrays) -> None:
    for decision in sample(random_play, step=50):
        for row, play in enumerate(decision.plays):
            assert complete_play(format_play(play), decision) == row


def test_blank_is_enough_when_there_is_nothing_to_choose() -> None:
    forced = decide((6, 5), {6: 1}, {24: 2})
    assert forced.is_forced
    assert complete_play("", forced) == 0
    with pytest.raises(MalformedPlay):
        complete_play("", opening(3, 1))


# --- fuzz ---


PLAY_CHARACTERS = st.text(alphabet="0123456789/*()-, barofBARx", max_size=24)
POINTS = st.one_of(st.integers(0, 25).map(str), st.sampled_from(["bar", "off"]))
LEGS = st.builds(
    lambda points, star, count: "/".join(points) + star + count,
    st.lists(POINTS, min_size=2, max_size=4),
    st.sampled_from(["", "", "*"]),
    st.sampled_from(["", "", "(2)", "(4)"]),
)
LOOKS_LIKE_A_PLAY = st.lists(LEGS, min_size=1, max_size=4).map(" ".join)


def fuzz_decisions() -> list[Decision]:
    rng = np.random.default_rng(8)
    boards: list[Board] = [START, *(parse_position_id(vector["id"]).board for vector in VECTORS[::6])]
    return [Decision.make(Position(board), tuple(rng.integers(1, 7, size=2).tolist())) for board in boards]


FUZZ_DECISIONS = fuzz_decisions()


@settings(max_examples=1500, deadline=None)
@given(text=st.one_of(st.text(), PLAY_CHARACTERS, LOOKS_LIKE_A_PLAY), decision=st.sampled_from(FUZZ_DECISIONS))
def test_no_text_raises_anything_but_a_notation_error(text: str, decision: Decision) -> None:
    for read in (parse_play, complete_play):
        message = ""
        try:
            assert 0 <= read(text, decision) < len(decision.candidates)
        except NotationError as error:
            message = str(error)
        assert len(message) < 600
        assert message.isprintable()


def steps_by_every_means(hop: Hop, dice: list[int]) -> list[tuple[tuple[int, int], ...]]:
    """Slow twin of ways_of_hop: chains of single dice from source to target."""
    found: list[tuple[tuple[int, int], ...]] = []
    for die in set(dice):
        target = hop.source - die
        left = list(dice)
        left.remove(die)
        if target == hop.target or (target < 0 and hop.target == 0):
            found.append(((hop.source, hop.target),))
        elif target > hop.target:
            found += [((hop.source, target), *rest) for rest in steps_by_every_means(hop._replace(source=target), left)]
    return found


def rows_by_playing(hops: tuple[Hop, ...], decision: Decision) -> set[int]:
    """Slow twin of the reading: every expansion of the hops, in every order, played move by move."""
    high, low = decision.roll
    dice = [high] * 4 if high == low else [high, low]
    rows = set()
    for choice in product(*(steps_by_every_means(hop, dice) for hop in hops)):
        steps = [step for chain in choice for step in chain]
        if len(steps) > len(dice):
            continue
        for order, rolled in product(set(permutations(steps)), set(permutations(dice))):
            row = row_by_playing(order, rolled, decision)
            if row is not None:
                rows.add(row)
    return rows


def row_by_playing(steps: tuple[Any, ...], dice: tuple[int, ...], decision: Decision) -> int | None:
    board = decision.position.board
    for (source, target), die in zip(steps, dice, strict=False):
        move = next((m for m in single_moves(board, die) if (m.source, m.target) == (source, target)), None)
        if move is None:
            return None
        board = apply_move(board, move)
    same = np.flatnonzero((decision.candidates == board).all(axis=1))
    return int(same[0]) if len(same) else None


def check_against_playing(text: str, decision: Decision) -> None:
    rows = rows_by_playing(parse_hops(text), decision)
    try:
        assert parse_play(text, decision) in rows
    except AmbiguousPlay:
        assert len(rows) > 1
    except IllegalPlay:
        assert not rows


@settings(max_examples=400, deadline=None)
@given(text=LOOKS_LIKE_A_PLAY, decision=st.sampled_from(FUZZ_DECISIONS))
def test_what_is_accepted_can_be_played_move_by_move(text: str, decision: Decision) -> None:
    plain = text.replace("*", "")
    try:
        parse_hops(plain)
    except MalformedPlay:
        return
    check_against_playing(plain, decision)


def test_random_combinations_of_legal_moves_are_judged_like_playing_them(nasty: Arrays) -> None:
    rng = np.random.default_rng(4)
    for decision in sample(nasty, step=8):
        steps = sorted({(move.source, move.target) for _, play in legal_plays(decision) for move in play})
        for _ in range(3 if steps else 0):
            chosen = [steps[i] for i in rng.integers(0, len(steps), size=int(rng.integers(1, 4)))]
            check_against_playing(" ".join(f"{source}/{target}" for source, target in chosen), decision)
