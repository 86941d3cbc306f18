"""Identifiers as people paste them: what stands around does not matter; what cannot be is refused by its name."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.notation.identifier import parse_identifier
from backgammon.records.formats.decision_line import parse_decision_line
from backgammon.rules.board import Position
from backgammon.table.arena.options import parse_set_up
from backgammon.tools.errors import IdError, NotationError

START = "4HPwATDgc/ABMA"
MATCH = "cAkAAAAAAAAE"
BARE = "-b----E-C---eE---c-e----B-:0:0:1:31:0:0:1:0:3"
XGID = f"XGID={BARE}"
BLOCK = f"""{XGID}

X:Ann   O:Ben
Score is X:0 O:0. Unlimited Game, Jacoby
 +13-14-15-16-17-18------19-20-21-22-23-24-+
 | X           O    |   | O              X |
 +12-11-10--9--8--7-------6--5--4--3--2--1-+
Pip count  X: 167  O: 167 X-O: 0-0
Cube: 1
X to play 31

    1. XG Roller+  8/5 6/5                      eq:+0.158

Not as in XGID=-b----E-C---eE---c-e----B-:0:0:1:42:0:0:1:0:3, nor as in
XGID=-b----E-C---eE---c-e----B-:0:0:1:53:0:0:1:0:3

eXtreme Gammon Version: 2.19.211.pre-release, MET: Kazaross XG2
"""

POSITIONS = [
    START,
    f"  {START}\n",
    f"{START}.",
    f"`{START}`",
    f'"{START}",',
    f"({START})",
    f"<{START}>",
    f"**{START}**",
    f"\u201c{START}\u201d",
    f"\ufeff{START}\u200b",
    f"{START}==",
    START.replace("/", "\\/"),
    f"{START}:",
    f"Position ID: {START}",
    f"position-id={START}",
    f"> Position ID: {START}.",
    f"The ID {START} is the start.",
    f"https://example.org/board/{START}",
    "https://example.org/?pos=4HPwATDgc%2FABMA",
]

WITH_MATCH = [
    f"{START}:{MATCH}",
    f"{START} {MATCH}",
    f"{START}, {MATCH}.",
    f"GNUBG ID: {START}:{MATCH}",
    f"gnubgid={START}:{MATCH}",
    f"`{START}:{MATCH}`",
    f"Position ID: {START} Match ID: {MATCH}",
    f"Position ID: {START}, Match ID: {MATCH}.",
    f"Match ID: {MATCH}  Position ID: {START}",
    f" GNU Backgammon  Position ID: {START}\n                 Match ID   : {MATCH}\n",
    f"> Position ID: {START}\r\n> Match ID   : {MATCH}\r\n",
    f"ID de la position : {START} ID du match : {MATCH}",
    f"https://example.org/?id={START.replace('/', '%2F')}%3A{MATCH}",
]

XGIDS = [
    XGID,
    BARE,
    f"{XGID}.",
    f"{XGID}, what now?",
    f"`{XGID}`",
    f"'{BARE}'",
    f"xgid = {BARE}",
    f"XGID: {BARE}",
    f"XGID {BARE}",
    f"* {XGID}",
    f"> > {XGID}",
    f"[{XGID}](https://example.org)",
    f"<code>{XGID}</code>",
    XGID.replace("XGID=", "XGID=3D"),  # quoted-printable mail
    XGID.replace(":1:31:", ":1:\n> 31:"),  # a line that mail has broken
    XGID.replace("-", "\u2013"),  # a word processor's dashes
    XGID.replace(":", "\uff1a"),
    XGID.replace(":", " : "),
    f"https://example.org/?xgid={BARE.replace(':', '%3A')}&size=2",
    f"https://example.org/?xgid=XGID%3D{BARE.replace(':', '%3A')}",
    f"Position ID  {START}\nMatch ID     {MATCH}\nXGID         {XGID}",  # as `pairgammon ids` writes it
    BLOCK,
    BLOCK.replace("\n", "\r\n"),
    "> " + BLOCK.replace("\n", "\n> "),
]


@pytest.mark.parametrize("text", POSITIONS)
def test_a_position_id_is_found_whatever_stands_around_it(text: str) -> None:
    found = parse_identifier(text)
    assert (found.position_id, found.has_match) == (START, False)


@pytest.mark.parametrize("text", WITH_MATCH)
def test_a_match_id_is_found_with_its_position(text: str) -> None:
    found = parse_identifier(text)
    assert (found.position_id, found.match_id, found.has_match) == (START, MATCH, True)


@pytest.mark.parametrize("text", XGIDS)
def test_an_xgid_is_found_whatever_stands_around_it(text: str) -> None:
    found = parse_identifier(text)
    assert (found.xgid, found.position, found.match.dice) == (XGID, Position.start(), (3, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("OGID=11ccccchhhjjjjj:66666888dddddoo:N0N:51:B::0:0:7:", "an OGID of OpenGammon"),
        ("`11ccccchhhjjjjj:66666888dddddoo:N0N::W:IW:0:0:1:0`", "an OGID of OpenGammon"),
        (XGID.replace("0:0:1:0:3", "9:5:0:7:10"), "score of the bottom player 9: a match to 7 is over then"),
        (XGID.replace("0:0:1:0:3", "5:7:0:7:10") + ".", "score of the top player 7: a match to 7 is over then"),
        (XGID.replace("0:0:1:0:3", "5:5:1:7:10"), "Crawford game: exactly one player must be 1 point away"),
        (XGID.replace(":0:0:1:31:", ":0:1:1:31:"), "cube owner the bottom player: a cube that shows 1"),
        (f"{XGID} or {XGID.replace(':31:', ':42:')}", "2 different positions"),
        (f"Position ID: 29aUAAjY7m4AAA {XGID}", "are two positions"),
        (f"{START} 29aUAAjY7m4AAA", "2 different positions"),
        (f"XGID={BARE[:-2]}.", "an XGID has 10 fields"),
        (BARE[:-2], "an XGID has 10 fields"),
        ("Position ID: 4HPwATDgc/ABMZ", "Position ID '4HPwATDgc/ABMZ': it gives the player on roll 16 checkers"),
        (f"{START}:cAkAAAAAAAA", "Match ID 'cAkAAAAAAAA': it has 11 characters"),
        (f"Position ID: {START} Match ID: cAkAAAAAAAA", "Match ID 'cAkAAAAAAAA': it has 11 characters"),
        (f"Match ID: {MATCH}", "a Match ID alone names no position"),
        ("a championship of transcriptions", "no identifier"),
        ("", "no identifier"),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_words_of_its_own_kind(text: str, message: str) -> None:
    with pytest.raises(IdError) as error:
        parse_identifier(text)
    assert message in str(error.value)
    assert str(error.value).isprintable()


def invoke(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(main, words, input=given)


def positions(result: Result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line)["position_id"] for line in result.stdout.splitlines()]


def test_ids_reads_words_that_a_shell_took_apart_and_a_bare_xgid() -> None:
    assert positions(invoke("ids", "--json", "Position", "ID:", START, "Match", "ID:", MATCH)) == [START]
    assert positions(invoke("ids", "--json", BARE)) == [START]
    assert positions(invoke("ids", "--json", START, f"{START}:{MATCH}")) == [START, START]


@pytest.mark.parametrize(
    ("text", "count"),
    [(BLOCK, 1), (WITH_MATCH[9], 1), (f"{START}\n\n{XGID}\n", 2), (f"{START}.\n`{BARE}`\n", 2)],
)
def test_ids_reads_lines_or_one_block_from_standard_input(text: str, count: int) -> None:
    assert positions(invoke("ids", "--json", given=text)) == [START] * count


def test_ids_names_the_line_that_is_none() -> None:
    result = invoke("ids", given=f"{START}\nnonsense\n")
    assert (result.exit_code, result.stderr) == (
        1,
        "error: 'nonsense': no identifier; give a Position ID (14 characters), PositionID:MatchID, or an XGID\n",
    )


def start_of_environment(text: str) -> Position:
    set_up = parse_set_up({"position": text})
    assert set_up is not None
    return set_up.position


@pytest.mark.parametrize("read", [start_of_environment, lambda text: parse_identifier(text).position])
@pytest.mark.parametrize("text", [POSITIONS[3], WITH_MATCH[6], XGIDS[4], BLOCK])
def test_every_door_reads_what_is_pasted(read: Callable[[str], Position], text: str) -> None:
    assert read(text) == Position.start()


@pytest.mark.parametrize(
    "line",
    [
        f'{{"id": "{START}.", "dice": [3, 1]}}',
        f'{{"id": "Position ID: {START} Match ID: {MATCH}", "dice": [3, 1]}}',
        f"Position ID: {START} 31",
        f"`{START}`  3-1",
        f"{XGID}.",
        BARE,
    ],
)
def test_lines_of_decisions_take_what_is_pasted(line: str) -> None:
    decision = parse_decision_line(line.encode())
    assert (decision.position_id, decision.roll) == (START, (3, 1))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense 31", "is not JSON"),
        ("OGID=11ccccchhhjjjjj:66666888dddddoo:N0N:51:B::0:0:7:", "an OGID"),
        (XGID.replace("0:0:1:0:3", "9:5:0:7:10"), "a match to 7 is over then"),
    ],
)
def test_a_line_that_is_no_decision_says_why(line: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        parse_decision_line(line.encode())
