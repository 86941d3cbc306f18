"""The external player of GNU Backgammon: recorded dialogues are replayed, nonsense gets an error line."""

from __future__ import annotations

import lzma
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backgammon.evaluation.outcome import Outcomes
from backgammon.evaluation.player import Noise, PipCountPlayer, RandomPlayer
from backgammon.notation.gnu_id import START_ID, position_id
from backgammon.notation.play_text import parse_play
from backgammon.protocols.adviser import Adviser
from backgammon.protocols.external_player import ERROR, MAX_CLIENTS, ExternalPlayerServer, answer_board
from backgammon.protocols.fibs_board import parse_board_line
from backgammon.protocols.lines import MAX_LINE
from backgammon.rules.board import START, swap
from backgammon.rules.game import Stage
from backgammon.search import Searcher, SearchSettings
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import ConfigError, PairgammonError
from tests.evaluators import PipEvaluator

DIALOGUE = Path(__file__).parent / "vectors" / "dialogues" / "gnubg_external_10games.log.xz"

# Recorded with GNU Backgammon 1.07.001 and the cube in play: the external player as player 1, then as player 0.
ROLL_OF_1 = (
    "board:gnubg:ext:0:0:0:0:-1:-1:0:0:0:5:0:3:0:0:0:-4:5:0:0:-1:-3:0:-5:0:0:0:0:2:0:1:0:0:0:0:1:1:1:0:1:-1:0:25:0:0"
    ":0:0:0:0:0:1"
)
TAKE_OF_1 = (
    "board:ext:gnubg:0:0:0:0:0:0:-1:0:1:5:2:2:0:0:0:-5:1:0:0:-1:-3:0:-5:0:1:0:0:3:0:-1:0:0:0:0:1:1:1:1:1:-1:0:25:0:0"
    ":0:0:0:0:0:1"
)
CUBE_OF_1 = (
    "board:gnubg:ext:0:0:0:0:0:0:-1:0:1:5:2:2:0:0:0:-3:-2:0:0:-1:-3:0:-3:-2:1:0:0:3:1:1:0:0:0:0:2:1:0:0:1:-1:0:25:0"
    ":0:0:0:0:0:0:1"
)
TAKE_OF_0 = (
    "board:root:ext:0:0:0:0:-2:0:-1:0:0:5:0:3:3:0:0:-5:3:0:0:0:0:0:-5:1:-1:0:0:-1:0:1:0:0:0:0:1:1:1:1:1:-1:0:25:0:0"
    ":0:0:0:0:0:1"
)
CUBE_OF_0 = (
    "board:ext:root:0:0:0:0:-2:0:-1:0:0:5:2:2:3:0:0:-5:2:0:0:0:0:0:-5:1:-1:0:0:-1:0:-1:0:0:0:0:2:0:1:0:1:-1:0:25:0:0"
    ":0:0:0:0:0:1"
)


class SureEvaluator(PipEvaluator):
    """Says the same of every position: the player who has just moved wins a single game with this chance."""

    name = "sure"

    def __init__(self, chance: float) -> None:
        self._chance = chance

    def outcomes(self, boards: Boards) -> Outcomes:
        row = [self._chance, 0, 0, 1 - self._chance, 0, 0]
        return np.tile(np.array(row, dtype=np.float32), (len(boards), 1))


@pytest.fixture(scope="module")
def adviser() -> Adviser:
    return Adviser(PipCountPlayer())


@pytest.fixture(scope="module")
def dialogue() -> list[tuple[str, str]]:
    """(question, answer) of ten games of a random player against GNU Backgammon, all that was said."""
    lines = lzma.decompress(DIALOGUE.read_bytes()).decode("ascii").splitlines()
    return [(q.removeprefix("> "), a.removeprefix("< ").rstrip()) for q, a in zip(lines[::2], lines[1::2], strict=True)]


@pytest.fixture
def server(adviser: Adviser) -> Iterator[ExternalPlayerServer]:
    with ExternalPlayerServer("127.0.0.1", 0, adviser) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def connect(server: ExternalPlayerServer) -> socket.socket:
    return socket.create_connection(server.address, timeout=20)


def test_every_recorded_answer_is_a_legal_play_of_the_position_that_was_asked(dialogue: list[tuple[str, str]]) -> None:
    assert len(dialogue) == 262
    for question, answer in dialogue:
        decision = parse_board_line(question).state.decision()
        assert decision.is_dance == (answer == "")
        parse_play(answer, decision)  # raises when it is not


def test_every_recorded_question_gets_a_legal_answer_of_ours(dialogue: list[tuple[str, str]], adviser: Adviser) -> None:
    for question, recorded in dialogue:
        answer = answer_board(question, adviser)
        decision = parse_board_line(question).state.decision()
        assert (answer == "") == (recorded == "")
        assert parse_play(answer, decision) == adviser.choose(parse_board_line(question).state).chosen
        assert "*" not in answer
        assert "(" not in answer


def test_the_first_recorded_position_is_the_start_seen_by_player_1(dialogue: list[tuple[str, str]]) -> None:
    asked = parse_board_line(dialogue[0][0])
    assert position_id(asked.state.position) == START_ID
    assert (asked.state.turn, asked.state.stage, asked.names) == (1, Stage.PLAY, ("gnubg", "ext"))
    assert asked.state.roll == (6, 3)


def test_player_0_sees_the_board_turned_round() -> None:
    as_0 = parse_board_line(CUBE_OF_0).state
    counts = np.array([int(text) for text in CUBE_OF_0.split(":")[6:32]])
    assert as_0.turn == 0
    assert np.array_equal(as_0.position.board, swap(counts))


def test_before_the_roll_it_rolls(adviser: Adviser) -> None:
    assert parse_board_line(ROLL_OF_1).state.stage is Stage.ROLL
    assert answer_board(ROLL_OF_1, adviser) == "roll"


@pytest.mark.parametrize(("line", "owner"), [(CUBE_OF_1, 1), (CUBE_OF_0, 0)])
def test_the_owner_of_the_cube_is_who_alone_may_double(line: str, owner: int, adviser: Adviser) -> None:
    state = parse_board_line(line).state
    assert (state.cube, state.cube_owner, state.may_double) == (2, owner, True)
    assert answer_board(line, adviser) == "roll"


@pytest.mark.parametrize(("line", "asked"), [(TAKE_OF_1, 1), (TAKE_OF_0, 0)])
def test_a_double_is_put_to_the_other_seat(line: str, asked: int) -> None:
    state = parse_board_line(line).state
    assert (state.stage, state.seat_to_act, state.turn) == (Stage.DOUBLED, asked, 1 - asked)


@pytest.mark.parametrize(("chance", "answer"), [(0.24, "drop"), (0.26, "take")])
def test_it_takes_with_a_quarter_of_the_games_and_drops_with_less(chance: float, answer: str) -> None:
    # The evaluator is asked about the position after the asked player's last move: the chance is that player's.
    adviser = Adviser(PipCountPlayer(), searcher=Searcher(SureEvaluator(chance), SearchSettings(plies=0)))
    assert answer_board(TAKE_OF_1, adviser) == answer


def test_without_an_evaluator_a_double_is_answered_by_playing_on(adviser: Adviser) -> None:
    # The pip counter as player 1 has 2 checkers off the board's far end and 3 on its bar: hopeless.
    assert answer_board(TAKE_OF_1, adviser) in ("take", "drop")
    easy = TAKE_OF_1.split(":")
    easy[6:32] = ["0"] * 26
    easy[7], easy[24] = "2", "-15"  # player 1 bears off its last two next turn, player 0 has everything to do
    assert answer_board(":".join(easy), adviser) == "take"
    easy[7], easy[24] = "15", "-1"
    assert answer_board(":".join(easy), adviser) == "drop"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hello", "begins with 'board:'"),
        ("board:a:b", "52 fields"),
        (ROLL_OF_1 + ":1", "52 fields"),
        (ROLL_OF_1.replace(":5:", ":x:", 1), "must be a number"),
        (ROLL_OF_1.replace(":5:", ":15:", 1), "checkers"),
        (ROLL_OF_1.replace(":5:", ":99:", 1), "more than 15"),
        (ROLL_OF_1.replace(":0:1:-1:0:25", ":0:1:1:0:25"), "colour and direction"),
        (CUBE_OF_1.replace(":2:1:0:0:1:-1", ":3:1:0:0:1:-1"), "power of two"),
        (TAKE_OF_1.replace(":-1:0:0:0:0:1:1:1:1", ":0:0:0:0:0:1:1:1:1"), "nothing to decide"),
        (TAKE_OF_1.replace(":1:1:1:1:1:-1", ":1:0:0:1:1:-1"), "no cube"),
        (ROLL_OF_1.replace(":1:0:0:0:0:1:1:1", ":1:7:2:7:2:1:1:1"), "from 1 to 6"),
    ],
)
def test_what_is_no_question_gets_an_error_line(line: str, reason: str, adviser: Adviser) -> None:
    answer = answer_board(line, adviser)
    assert answer.startswith(ERROR)
    assert reason in answer
    assert "\n" not in answer


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(-3, 17), min_size=50, max_size=50))
def test_numbers_of_any_kind_give_an_answer_or_an_error(numbers: list[int]) -> None:
    line = "board:a:b:" + ":".join(map(str, numbers))
    answer = answer_board(line, Adviser(RandomPlayer()))
    try:
        parse_board_line(line)
        assert not answer.startswith(ERROR)
    except PairgammonError:
        assert answer.startswith(ERROR)


def test_a_connection_is_kept_for_the_whole_session_and_nul_bytes_do_not_matter(
    server: ExternalPlayerServer, dialogue: list[tuple[str, str]], adviser: Adviser
) -> None:
    with connect(server) as client, client.makefile("rb") as replies:
        for question, _ in dialogue[:40]:
            client.sendall(question.encode() + b"\n\0")
            assert replies.readline().decode() == answer_board(question, adviser) + "\n"


def test_nonsense_gets_an_error_line_and_the_engine_goes_on(server: ExternalPlayerServer) -> None:
    with connect(server) as client, client.makefile("rb") as replies:
        for nonsense in (b"hello\n", b"\xff\xfe\x00x\n", b"board:" + b"9:" * MAX_LINE + b"\n", b"x" * MAX_LINE + b"\n"):
            client.sendall(nonsense)
            assert replies.readline().startswith(ERROR.encode())
        client.sendall(b"\n\0\r\n" + ROLL_OF_1.encode() + b"\n\0")
        assert replies.readline() == b"roll\n"


def test_a_client_that_goes_away_in_the_middle_of_a_line_costs_nobody_anything(server: ExternalPlayerServer) -> None:
    for _ in range(3):
        connect(server).close()
        with connect(server) as client:
            client.sendall(b"board:half")
    with connect(server) as client, client.makefile("rb") as replies:
        client.sendall(ROLL_OF_1.encode() + b"\n")
        assert replies.readline() == b"roll\n"


def ask(client: socket.socket) -> bytes:
    client.sendall(ROLL_OF_1.encode() + b"\n")
    return client.recv(200)


def ask_in_turn(server: ExternalPlayerServer, client: socket.socket) -> bytes:
    """As `ask`, until the server too has noticed that it has answered: only then is it known who was first."""
    answer = ask(client)
    while None in server._waiting.values():
        time.sleep(0.001)
    return answer


def test_one_client_too_many_takes_the_place_of_who_has_been_silent_longest(server: ExternalPlayerServer) -> None:
    clients = [connect(server) for _ in range(MAX_CLIENTS)]
    try:
        assert [ask_in_turn(server, client) for client in clients] == [b"roll\n"] * MAX_CLIENTS  # all places are taken
        clients[1].sendall(b"board: dripping without an end")
        assert ask_in_turn(server, clients[0]) == b"roll\n"
        with connect(server) as extra:
            assert ask(extra) == b"roll\n"
            assert clients[1].recv(10) == b""
            assert ask(clients[0]) == ask(clients[2]) == ask(extra) == b"roll\n"
    finally:
        for client in clients:
            client.close()


class SlowPlayer(RandomPlayer):
    """Takes its time until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.busy, self.go = threading.Semaphore(0), threading.Event()

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:
        self.busy.release()
        self.go.wait()
        return super().choose(boards, dice, noise)


def test_nobody_who_is_being_answered_loses_its_place(dialogue: list[tuple[str, str]]) -> None:
    player = SlowPlayer()
    question = next(question for question, answer in dialogue if "/" in answer)
    with ExternalPlayerServer("127.0.0.1", 0, Adviser(player)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        clients = [connect(server) for _ in range(MAX_CLIENTS)]
        for client in clients:
            client.sendall(question.encode() + b"\n")
            assert player.busy.acquire(timeout=20)
        with connect(server) as extra, extra.makefile("rb") as replies:
            assert replies.readline().startswith(ERROR.encode() + b"16 clients")
        player.go.set()
        for client in clients:
            assert not client.recv(200).startswith(ERROR.encode())
            client.close()
        server.shutdown()
        thread.join()


def test_a_client_that_asks_nothing_is_let_go(adviser: Adviser) -> None:
    with ExternalPlayerServer("127.0.0.1", 0, adviser, idle_seconds=0.05) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with connect(server) as client:
            client.sendall(b"board: half a question")
            assert client.recv(10) == b""
        server.shutdown()
        thread.join()


def test_it_listens_on_ipv6_as_well(adviser: Adviser) -> None:
    with ExternalPlayerServer("::1", 0, adviser) as server:
        assert server.address[0] == "::1"


def test_a_log_has_both_sides_of_the_dialogue(adviser: Adviser) -> None:
    lines: list[str] = []
    with ExternalPlayerServer("127.0.0.1", 0, adviser, lines.append) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with connect(server) as client, client.makefile("rb") as replies:
            client.sendall(ROLL_OF_1.encode() + b"\n\0")
            replies.readline()
        server.shutdown()
        thread.join()
    assert lines == [f"> {ROLL_OF_1}", "< roll"]


def test_an_address_that_is_taken_is_a_mistake_with_a_mend(server: ExternalPlayerServer, adviser: Adviser) -> None:
    with pytest.raises(ConfigError, match="--port"):
        ExternalPlayerServer("192.0.2.1", 1234, adviser)  # an address of documentation, never of this machine
    with pytest.raises(ConfigError, match="--host"):
        ExternalPlayerServer("no such host", server.address[1], adviser)
    with pytest.raises(ConfigError, match="no name and no address"):
        ExternalPlayerServer("local\x1b", 0, adviser)


def test_the_same_question_gets_the_same_answer_of_a_player_that_plays_by_chance(
    dialogue: list[tuple[str, str]],
) -> None:
    one, other = (Adviser(RandomPlayer(), seed=seed) for seed in (5, 5))
    forwards = [answer_board(question, one) for question, _ in dialogue[:60]]
    backwards = [answer_board(question, other) for question, _ in dialogue[59::-1]]
    assert forwards == backwards[::-1]
    assert forwards != [answer_board(question, Adviser(RandomPlayer(), seed=6)) for question, _ in dialogue[:60]]


def test_the_start_is_the_start() -> None:
    line = "board:a:b:0:0:0:" + ":".join(map(str, START.tolist())) + ":1" + ":0" * 4 + ":1:1:1:0:1:-1" + ":0" * 10
    assert position_id(parse_board_line(line).state.position) == START_ID
