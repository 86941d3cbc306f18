"""UBGI: a scripted client drives both versions through every command and every error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backgammon.evaluation.outcome import cumulative, equities
from backgammon.evaluation.player import PipCountPlayer
from backgammon.notation.gnu_id import START_ID, parse_position_id, position_id
from backgammon.notation.play_text import parse_play
from backgammon.protocols.adviser import Adviser
from backgammon.protocols.lines import MAX_LINE
from backgammon.protocols.ubgi_engine import UbgiEngine
from backgammon.protocols.ubgi_settings import OPTIONS, SETTINGS, EngineSettings, Version
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.search import Searcher, SearchSettings
from backgammon.tools.errors import ConfigError
from tests.evaluators import PipEvaluator

START_XGID = "XGID=-b----E-C---eE---c-e----B-:0:0:1:31:0:0:0:0:10"
BAR = "Np7BQSCYZ/AAWA"  # the positions that `bgci check` asks about: a checker on the bar,
OFF = "/z0AADDeaxsAAA"  # all at home,
BOTH_DICE = "t02oASACAAAAAA"  # and one in which both dice can be played in one order only
CLOSED_OUT = "XGID=aBBBBBB-C---------------n-:0:0:-1:66:0:0:0:0:10"


def make_engine(evaluator: PipEvaluator | None = None, max_ply: int = 3) -> UbgiEngine:
    def make(wanted: EngineSettings) -> Adviser:
        searcher = Searcher(evaluator, SearchSettings(plies=wanted.ply - 1)) if evaluator else None
        return Adviser(PipCountPlayer() if searcher is None else searcher, searcher=searcher, seed=wanted.seed)

    return UbgiEngine(make, EngineSettings(max_ply=max_ply), "somebody")


def converse(engine: UbgiEngine, *lines: str) -> list[str]:
    """Every answer to some lines."""
    return [answer for line in lines for answer in engine.answer(line)]


def test_a_session_of_version_0_2_from_the_handshake_to_the_end() -> None:
    engine = make_engine()
    hello = engine.answer("ubgi")
    assert hello[:3] == ["id name pairgammon pipcount", "id author somebody", "proto 0.2"]
    assert hello[-1] == "ubgiok"
    assert converse(engine, "set engine.seed 7", "set engine.multipv 0", "set game.variant backgammon") == []
    assert converse(engine, "get engine.seed", "isready", "newgame") == ["value engine.seed 7", "readyok"]
    setup = ("position gnubgid 4HPwATDgc/ABMA", "dice 3 1")
    (answer,) = converse(engine, *setup, "go chequer")
    assert answer.startswith("bestmove ")
    decision = Decision.make(Position.start(), (3, 1))
    row = parse_play(answer.removeprefix("bestmove "), decision)
    assert converse(engine, *setup, "go") == [answer]
    assert converse(engine, "go cube") == ["bestcube nodouble"]
    assert converse(engine, "go turn") == [f"bestturn cube=nodouble move={answer.removeprefix('bestmove ')}"]
    assert decision.chosen is None
    assert row == make_row(decision)
    assert not engine.is_finished
    assert engine.answer("quit") == []
    assert engine.is_finished


def make_row(decision: Decision) -> int:
    """What the pip counter plays."""
    dice = np.array([decision.roll], dtype=np.int8)
    return int(PipCountPlayer().choose(decision.position.board[None], dice, np.zeros(1, np.uint64))[0])


def test_a_session_of_version_0_1_from_the_handshake_to_the_end() -> None:
    engine = make_engine()
    assert [line for line in engine.answer("ubgi") if line.startswith("option name ")] == [
        "option name Ply type spin default 1 min 1 max 3",
        "option name Threads type spin default 1 min 1 max 64",
        "option name Seed type spin default 0 min 0 max 2147483647",
        "option name MultiPV type spin default 1 min 0 max 64",
        "option name Deterministic type check default true",
        "option name EvalMode type combo default cubeless var cubeless",
        "option name Variant type combo default backgammon var backgammon",
    ]
    quiet = [f"setoption name {name} value {value}" for name, value in (("Seed", 3), ("MultiPV", 0), ("Ply", 2))]
    fixed = [
        f"setoption name {name} value {value}"
        for name, value in (("Deterministic", "true"), ("EvalMode", "cubeless"), ("Variant", "backgammon"))
    ]
    session = ("newsession type match length 7 crawford on", "newsession type money jacoby off")
    context = ("setscore 2 3", "setcube value 2 owner p1", "setturn p0", "setcube value 1 owner center")
    assert converse(engine, *quiet, *fixed, *session, "newgame", *context) == []
    assert engine.settings == EngineSettings(ply=2, max_ply=3, seed=3, multipv=0)
    answers = converse(engine, "position gnubgid 4HPwATDgc/ABMA", "dice 3 1", "go role chequer movetime 1000")
    decision = Decision.make(Position.start(), (3, 1))
    after = position_id(Position(swap(decision.candidates[make_row(decision)])))
    assert answers[1:] == [f"bestmoveid {after}"]
    assert parse_play(answers[0].removeprefix("bestmove "), decision) == make_row(decision)
    assert converse(engine, "go role cube", "stop") == ["bestcube nodouble"]
    assert converse(engine, "go role turn depth 2 nodes 5") == [f"bestturn cube=nodouble moveid={after}"]
    assert engine.version is Version.V01
    converse(engine, "quit")
    assert engine.is_finished


def test_keys_are_written_as_version_0_2_wants_them() -> None:
    engine = make_engine()
    assert engine.answer("keys") == [
        "key game.variant enum backgammon backgammon the game",
        "key engine.ply int 1..3 1 root-inclusive decision depth",
        "key engine.evalmode enum cubeless cubeless the cube is left out of account",
        "key engine.deterministic bool true same question, same answer",
        "key engine.threads int 1..64 1 ! worker threads",
        "key engine.seed int 0..2147483647 0 ! seed of what is left to chance",
        "key engine.multipv int 0..64 1 ! candidates shown before the answer",
    ]
    for setting in SETTINGS.values():
        (answer,) = engine.answer(f"get {setting.key}")
        _, key, value = answer.split()
        assert key == setting.key
        assert engine.answer(f"set {key} {value}") == []
    assert {option.setting.key for option in OPTIONS} == set(SETTINGS)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("hello", "bad_command 'hello'"),
        ("UBGI", "bad_command"),  # keywords are case-sensitive
        ("ubgi now", "bad_command expected: ubgi"),
        ("quit now", "bad_command expected: quit"),
        ("set engine.ply", "bad_command expected: set <key> <value>"),
        ("get", "bad_command expected: get <key>"),
        ("keys all", "bad_command expected: keys"),
        ("set engine.ply 0", "bad_value engine.ply '0': must be 1..3"),
        ("set engine.ply x", "bad_value"),
        ("set engine.ply 99999999999999999999", "bad_value"),
        ("set game.variant nackgammon", "bad_value game.variant 'nackgammon': must be backgammon"),
        ("set engine.evalmode cubeful", "bad_value"),
        ("set engine.hash 5", "unsupported 'engine.hash'"),
        ("get engine.hash", "unsupported 'engine.hash'"),
        ("position", "bad_command expected: position"),
        ("position fen rnbq", "unsupported 'fen'"),
        ("position gnubgid short", "bad_value"),
        (f"position gnubgid {START_XGID}", "bad_value"),
        (f"position xgid {START_ID}", "bad_value"),
        ("position xgid XGID=-:0:0:1:31:0:0:0:0:10", "bad_value"),
        ("position gnubgid AAAAAAAAAAAAAA", "bad_value"),
        ("dice 3", "bad_command expected: dice <d1> <d2>"),
        ("dice 3 7", "bad_value die '7': must be 1..6"),
        ("dice 3 -1", "bad_value"),
        ("dice 3 \u0663", "bad_value"),
        ("go", "bad_state missing position"),
        ("go chequer", "bad_state missing position"),
        ("go cube", "bad_state missing position"),
        ("go turn", "bad_state missing position"),
        ("go back", "bad_command expected: go [chequer|cube|turn]"),
        ("go chequer now", "bad_command"),
        ("newgame please", "bad_command"),
    ],
)
def test_version_0_2_refuses_with_its_four_codes_and_goes_on(line: str, error: str) -> None:
    engine = make_engine()
    (answer,) = engine.answer(line)
    assert answer.startswith(f"error {error}")
    assert engine.answer("isready") == ["readyok"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("hello", "unknown_command 'hello'"),
        ("setoption Seed 3", "bad_argument expected: setoption"),
        ("setoption name Seed value x", "bad_argument"),
        ("setoption name Hash value 3", "unsupported_feature"),
        ("newsession", "bad_argument expected: newsession"),
        ("newsession type match", "bad_argument"),
        ("newsession type money length 5", "bad_argument"),
        ("newsession type money length", "bad_argument"),
        ("newsession type money jacoby maybe", "bad_argument"),
        ("newsession type money beavers on", "bad_argument"),
        ("newsession type match length 1000", "bad_argument"),
        ("newsession type match length 7 jacoby", "bad_argument"),
        ("setscore 1", "bad_argument expected: setscore"),
        ("setscore 1 x", "bad_argument"),
        ("setcube value 3 owner p0", "bad_argument cube 3"),
        ("setcube value 2 owner p2", "bad_argument expected: setcube"),
        ("setcube value 2", "bad_argument expected: setcube"),
        ("setturn p2", "bad_argument expected: setturn"),
        ("setturn", "bad_argument expected: setturn"),
        ("go role chequer", "missing_context missing position"),
        ("go role", "bad_argument expected: go role"),
        ("go role king", "bad_argument expected: go role"),
        ("go role chequer movetime 0", "bad_argument"),
        ("go role chequer infinite 1", "bad_argument"),
        ("go role chequer trials 100", "unsupported_feature"),
        ("go role chequer role cube", "bad_argument"),
    ],
)
def test_version_0_1_refuses_with_its_own_codes_and_goes_on(line: str, error: str) -> None:
    engine = make_engine()
    engine.answer("setturn p0")  # shows which version the client speaks
    (answer,) = engine.answer(line)
    assert answer.startswith(f"error {error}")
    assert engine.answer("isready") == ["readyok"]


@pytest.mark.parametrize("go", ["go", "go chequer", "go turn"])
def test_a_decision_without_dice_is_a_matter_of_state(go: str) -> None:
    engine = make_engine()
    assert converse(engine, f"position gnubgid {START_ID}", go) == [
        "error bad_state missing dice: give `dice <d1> <d2>` first"
    ]


def test_a_new_position_or_game_forgets_the_dice() -> None:
    engine = make_engine()
    setup = (f"position gnubgid {START_ID}", "dice 3 1")
    (answer,) = converse(engine, *setup, f"position gnubgid {BAR}", "go")
    assert answer.startswith("error bad_state missing dice")
    (answer,) = converse(engine, *setup, "newgame", "go")
    assert answer.startswith("error bad_state missing position")


def test_an_xgid_brings_its_dice_and_its_cube() -> None:
    engine = make_engine()
    assert converse(engine, f"position xgid {START_XGID}", "go")[-1].startswith("bestmove ")
    owned_by_the_other = START_XGID.replace(":0:0:1:31", ":1:-1:1:00")
    assert converse(engine, f"position xgid {owned_by_the_other}", "go cube") == ["bestcube nodouble"]


def test_no_play_is_called_pass() -> None:
    engine = make_engine()
    assert converse(engine, f"position xgid {CLOSED_OUT}", "set engine.multipv 0", "go") == ["bestmove pass"]
    assert converse(engine, "go turn") == ["bestturn cube=nodouble move=pass"]


@pytest.mark.parametrize(
    ("text", "dice", "word"), [(BAR, (5, 3), "bar"), (OFF, (5, 5), "off"), (BOTH_DICE, (5, 1), "")]
)
def test_the_bar_and_off_are_words_and_the_probes_of_bgci_pass(text: str, dice: tuple[int, int], word: str) -> None:
    engine = make_engine()
    lines = converse(engine, f"position gnubgid {text}", f"dice {dice[0]} {dice[1]}", "go chequer")
    move = lines[-1].removeprefix("bestmove ")
    assert word in move
    points = {point for leg in move.split() for point in leg.split("/")}
    assert not points & {"25", "0"}
    parse_play(move, Decision.make(parse_position_id(text), dice))


def test_with_chances_the_best_candidates_are_shown_first() -> None:
    engine = make_engine(PipEvaluator())
    lines = converse(engine, "set engine.multipv 3", f"position gnubgid {START_ID}", "dice 6 5", "go")
    assert [line.split(" pv ")[0].split()[:3] for line in lines[:-1]] == [
        ["info", "multipv", str(i)] for i in (1, 2, 3)
    ]
    assert lines[0].split(" pv ")[1] == lines[-1].removeprefix("bestmove ")
    words = lines[0].split(" pv ")[0].split()
    values = dict(zip(words[1::2], map(float, words[2::2]), strict=True))
    assert list(values) == ["multipv", "depth", "score", "pwin", "pgammon", "pbg"]
    decision = Decision.make(Position.start(), (6, 5))
    best = decision.candidates[parse_play(lines[0].split(" pv ")[1], decision)]
    outcomes = PipEvaluator().outcomes(best[None])[0]
    assert values["score"] == pytest.approx(float(equities(outcomes)), abs=1e-4)
    assert [values["pwin"], values["pgammon"], values["pbg"]] == pytest.approx(
        cumulative(outcomes)[:3].tolist(), abs=1e-4
    )
    assert values["depth"] == 1
    deeper = converse(engine, "set engine.ply 2", "go")
    assert " depth 2 " in deeper[0]
    (line, *_) = converse(engine, "go role chequer")
    assert " eq " in line


def test_a_change_of_the_engine_makes_a_new_adviser_and_one_of_the_display_does_not() -> None:
    made: list[EngineSettings] = []

    def make(wanted: EngineSettings) -> Adviser:
        made.append(wanted)
        return Adviser(PipCountPlayer())

    engine = UbgiEngine(make, EngineSettings(max_ply=2), "somebody")
    converse(engine, "isready", "set engine.multipv 5", "isready", "set engine.ply 2", "isready", "isready")
    assert [wanted.ply for wanted in made] == [1, 2]


def test_a_model_that_cannot_be_used_is_an_error_line() -> None:
    def make(_: EngineSettings) -> Adviser:
        raise ConfigError("no such model")

    assert UbgiEngine(make, EngineSettings(), "x").answer("isready") == ["error bad_value no such model"]


def test_blank_lines_are_nothing_and_long_ones_an_error() -> None:
    engine = make_engine()
    assert engine.answer("") == []
    assert engine.answer(None) == [f"error bad_command a line has at most {MAX_LINE} bytes"]


WORDS = st.sampled_from(
    "ubgi isready newgame position gnubgid xgid dice go chequer cube turn role set get keys setoption name value type "
    "money match length setscore setcube owner p0 p1 center setturn stop engine.ply engine.multipv Seed 0 1 2 3 6 7 -1 "
    f"x {START_ID} {START_XGID} {BAR} {CLOSED_OUT}".split()
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=7).map(" ".join) | st.text(max_size=60), max_size=12))
def test_whatever_is_said_the_engine_goes_on(lines: list[str]) -> None:
    engine = make_engine(PipEvaluator())
    for line in lines:
        if not engine.is_finished:
            assert all("\n" not in answer for answer in engine.answer(line))
    assert engine.answer("isready") == ["readyok"]
