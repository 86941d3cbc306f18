"""Inputs from which the fuzzer starts: one or more for each target, all made here."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
from collections.abc import Callable

from backgammon.notation import MatchId, match_id
from backgammon.records import write_jsonl, write_sgf
from backgammon.rules.board import START
from tests.logs import DIALECTS, as_match, only_match, random_game, write_rows
from tests.test_java_fibs import HEAD, write_game
from tests.test_position_texts import BLITZ_CUBE, BLITZ_PLAY, GNUBG, SNOWIE, XG_CUBE, XG_PLAY
from tests.xg_files import Candidate, XgMatch, cube_record, end_record, game_record, game_records, play_record, xg_file

CUBE_ROWS = """  1) 31: 8/5 6/5                   Doubles => 2
  2)  Takes                       42: 8/4 6/4
  3)  Doubles => 4                 Beavers
  4) 65: 24/18 18/13              66: Cannot Move
  5) ????                          Concedes
      Wins 4 points and the match
"""

SGF = (
    "(;FF[4]GM[6]CA[UTF-8]MI[length:3][game:0][ws:2][bs:0]PW[A]PB[B]EV[E\\]]DT[2024-05-06]RU[Crawford:CrawfordGame]RE[W+2R]"
    ";PL[B]AE[a:y]AW[f][x][y]AB[s][t];CV[2];CP[w];B[31swqr]A[0][swqr E ver 3 0.5 0.1 0 0.1 0 0.01 2C 0 1 0.0 1]"
    "[swsv X ver 3 Score 0.1 0.2 Trials 9 Output 0.5 0.1 0 0.1 0 0 0 StdDev 0 0 0 0 0 0 0]LU[0.1]C[x]"
    ";W[double]DA[E ver 3 2C 1 0.0 1 .6 .2 0 .1 0 .3 .5 .6 .2 0 .1 0 .3 .6];B[take];PL[W]DI[21](;W[21xw])(;B[drop]))"
)

BOARD_LINES = "".join(
    f"board:a:b:{counts}:0:1:-1:0:25:0:0:0:0:0:0:0:1\n"
    for counts in (
        "0:0:0:0:-2:0:0:0:0:5:0:3:0:0:0:-5:5:0:0:0:-3:0:-5:0:0:0:0:2:0:1:6:3:6:3:1:1:1",
        "7:1:0:0:-2:0:0:0:0:5:0:3:0:0:0:-5:5:0:0:0:-3:0:-5:0:0:0:0:2:0:-1:0:0:0:0:1:1:1",
    )
)
UBGI_SESSIONS = (
    "ubgi\nset engine.multipv 3\nget engine.ply\nkeys\nnewgame\nposition gnubgid 4HPwATDgc/ABMA\ndice 3 1\n"
    "go\ngo turn\n",
    "setoption name Seed value 3\nnewsession type match length 7 crawford on\nsetscore 1 2\nsetcube value 2 owner p1\n"
    "setturn p0\nposition xgid XGID=-b----E-C---eE---c-e----B-:0:0:1:52:0:0:0:0:10\ngo role chequer movetime 9\n"
    "go role cube\nstop\n",
)
REQUESTS = """/move?die1=3&die2=1&p24=2&p19=-5&p17=-3&p13=5&p12=-5&p8=3&p6=5&p1=-2
/eval?p25=1&p0=-1&p5=4&p20=-5&x_away=1&o_away=1
"""
LABELS = (
    '{"id":"4HPwATDgc/ABMA","dice":[3,1],"played":"0HPiATDgc/ABMA","cands":[["sGfwATDgc/ABMA",0.159,2]]}\n'
    '{"game":"a/1","id":"4HPwATDgc/ABMA","dice":[6,5],"points":-2,"player":"A","cubeful":true,"cands":'
    '[["4HPYATDgc/ABMA","24/18 18/13",0,2,[0.5,0.1,0,0.1,0]]]}\n'
)


def make_seeds(squeeze: Callable[[bytes], bytes]) -> list[bytes]:
    """Inputs with the number of their target in front.

    Args:
        squeeze: makes records of eXtreme Gammon short.
    """
    plays = random_game(2, max_rolls=12)
    logs = [as_match(write_rows(plays[:8], dialect), 5, headers='; [Site "x"]') for dialect in DIALECTS.values()]
    logs.append(as_match(CUBE_ROWS, 7))
    match = only_match(logs[0])
    records = b"".join([XgMatch(version=32).record(), *game_records(plays[:4]), _analysed(), end_record(0, 1, 101)])
    comments = b"{\\rtf1 {\\fonttbl x}a\\'e0\\u8364?\\par}\r\n"
    container = xg_file([records], comments, header_size=24)  # a header of full size would slow the fuzzer down
    bar_off = "7;0;0;0;0;A;B;1;0;6;1;0;-1;0;0;0;0;0;5;0;3;0;0;0;-5;5;0;0;0;-3;0;-5;0;0;0;0;2;1;0;0;"
    ids = "XGID=-b----E-C---eE---c-e----B-:0:0:1:D:0:0:3:0:10", "4HPwATDgc/ABMA", match_id(MatchId()), "63"
    seeds: list[tuple[int, bytes]] = [
        *((0, content) for content in (logs[0].encode(), SGF.encode(), XG_PLAY.encode(), SNOWIE.encode(), container)),
        *((1, log.encode()) for log in logs),
        *((2, text.encode()) for text in (SGF, write_sgf(match))),
        (3, write_jsonl(match).encode()),
        (3, write_jsonl(only_match(as_match(CUBE_ROWS, 7))).encode()),
        (4, squeeze(records)),
        (5, container),
        (6, b"{\\rtf1 a\\par}\r\n".ljust(64) + squeeze(records)),
        (7, (HEAD + write_game(plays, 1) + "2:You:\n5:Joe:\n7:You:1\n14:A-1:Joe-0\n3:Joe:2\n12:You:\n").encode()),
        (8, GNUBG.encode()),
        *((9, text.encode()) for text in (XG_PLAY, XG_CUBE, BLITZ_PLAY, BLITZ_CUBE)),
        *((10, text.encode()) for text in (SNOWIE, bar_off)),
        *((11, text.encode()) for text in (*ids, f"{ids[1]}:{ids[2]}", "4HPwATDgcPABMABADPAB")),
        *((12, text.encode()) for text in ("8/5 6/5", "24/23*/22(2), bar/off", "13/11 8 5 6 5")),
        *((13, packed) for packed in _packed(logs[0].encode()[:300])),
        (14, BOARD_LINES.encode()),
        *((15, session.encode()) for session in UBGI_SESSIONS),
        (16, REQUESTS.encode()),
        (17, LABELS.encode()),
    ]
    return [bytes((target,)) + content for target, content in seeds]


def _analysed() -> bytes:
    """Records with everything that XG can say about a cube decision and a play."""
    values = (0.01, 0.1, 0.4, 0.6, 0.2, 0.02, 0.3, 0.35, 0.2, 1.0)
    after = START.copy()
    after[8], after[6], after[5] = 2, 4, 2
    candidates = Candidate(after, 1002), Candidate(START, 2)
    play = play_record(START, after, 0, (3, 1), (7, 4, 5, 4), candidates=candidates, luck=0.5, comment=0)
    double = cube_record(START, 0, double=1, take=1, cube=1, values=values, comment=0)
    return game_record((1, 0), 2) + double + play


def _packed(data: bytes) -> list[bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mat", data)
        archive.writestr("b.gz", gzip.compress(data, mtime=0))
    return [gzip.compress(data, mtime=0), lzma.compress(data), buffer.getvalue()]
