"""The doors: every command through Click's runner, each mistake answered by one line, a few real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import COMMANDS, main
from backgammon.cli.group import LazyGroup
from backgammon.evaluation.bearoff import table_paths
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.scorer import load_scorer
from backgammon.notation.gnu_id import START_ID, parse_position_ids, position_ids
from backgammon.records import read_logs, write_mat
from backgammon.rules.board import START, swap
from backgammon.rules.game import Stage
from backgammon.rules.movegen import legal_candidates
from backgammon.table.saved_session import SavedSession, open_session
from backgammon.table.session import Session, play_session
from backgammon.tools import jit
from comparison_net.config import load_config
from comparison_net.network_config import NetworkConfig
from tests.random_nets import write_random_net

PROGRAM = [sys.executable, "-c", "from backgammon.cli import main; main()"]
Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network that knows nothing, but always the same."""
    return write_random_net(tmp_path_factory.mktemp("model") / "tiny.safetensors", NetworkConfig(hidden=(8,)))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six money games of a pip counter and a random player."""
    session = Session(("pipcount", "random"), seed=1, num_games=6)
    path = tmp_path_factory.mktemp("log") / "games.mat"
    path.write_text(write_mat(play_session((PipCountPlayer(), RandomPlayer()), session)), encoding="utf-8")
    return path


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run a command in an empty folder; every argument as text."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, text: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], input=text, catch_exceptions=False)

    return run


def leaf_commands() -> list[str]:
    """Every command, those within groups as "group command"."""
    context = click.Context(main)
    leaves = []
    for name in COMMANDS:
        command = main.get_command(context, name)
        inner = list(command.commands) if isinstance(command, click.Group) else []
        leaves += [f"{name} {word}" for word in inner] or [name]
    return leaves


def assert_mistake(result: Result, *parts: str) -> None:
    """Exit 1 and one line on stderr that holds every part."""
    assert result.exit_code == 1, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    for part in parts:
        assert part in lines[0]


def decision_line(*dice: int, position: str = START_ID, **more: object) -> str:
    return json.dumps({"id": position, "dice": dice, **more}) + "\n"


# The group


def test_help_lists_every_command(invoke: Invoke) -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout


@pytest.mark.parametrize("name", leaf_commands())
def test_help_of_a_command_says_what_it_does_and_gives_an_example(invoke: Invoke, name: str) -> None:
    result = invoke(*name.split(), "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert f"pairgammon {name}" in result.stdout.split("Examples:")[1]


@pytest.mark.parametrize("arguments", [[], *[name.split() for name in leaf_commands()]], ids=" ".join)
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom backgammon.cli import main\n"
        f"try:\n    main({[*arguments, '--help']!r})\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numba", "llvmlite", "rich", "gymnasium"} & set(done.stderr.split())


def test_version_is_printed(invoke: Invoke) -> None:
    assert invoke("--version").stdout.startswith("pairgammon, version ")


def test_unknown_command_is_a_usage_error(invoke: Invoke) -> None:
    result = invoke("evalute")
    assert result.exit_code == 2
    assert "evalute" in result.stderr


def test_interrupt_ends_with_130_and_one_line(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("backgammon.learner.net.engine_builder.load_scorer", interrupt)
    result = invoke("rank", text="")
    assert result.exit_code == 130
    assert result.stderr.strip() == "interrupted"


def test_a_defect_of_the_program_keeps_its_traceback(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("backgammon.learner.net.engine_builder.load_scorer", fail)
    with pytest.raises(ZeroDivisionError):
        invoke("rank", text="")


@pytest.mark.parametrize("name", ["evaluate", "decisions", "convert"])
def test_missing_log_is_named(invoke: Invoke, name: str, model: Path) -> None:
    options = ["--model", model] if name == "evaluate" else []
    assert_mistake(invoke(name, "nowhere.mat", *options), "nowhere.mat")


@pytest.mark.parametrize("name", ["evaluate", "decisions", "convert"])
def test_file_that_is_no_log_is_named_with_the_reason(invoke: Invoke, name: str, model: Path, tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(bytes(range(256)) * 20)
    options = ["--model", model] if name == "evaluate" else []
    assert_mistake(invoke(name, "cat.jpg", *options), "cat.jpg")


@pytest.mark.parametrize("name", ["evaluate", "rank", "play", "duel"])
def test_model_that_is_not_there_is_named(invoke: Invoke, name: str, log: Path) -> None:
    arguments: dict[str, list[object]] = {"evaluate": [log], "duel": ["runs/none", "random"]}
    options = [] if name == "duel" else ["--model", "runs/none"]
    assert_mistake(invoke(name, *arguments.get(name, []), *options, text=""), "runs/none")


def test_model_with_a_flipped_bit_is_refused(invoke: Invoke, model: Path, tmp_path: Path) -> None:
    content = bytearray(model.read_bytes())
    content[-3] ^= 4
    (tmp_path / "bad.safetensors").write_bytes(content)
    assert_mistake(invoke("rank", "--model", "bad.safetensors", text=""), "bad.safetensors", "damaged")


# rank


def test_rank_puts_the_highest_score_first(invoke: Invoke, model: Path) -> None:
    result = invoke("rank", "--model", model, text=decision_line(3, 1))
    answer = json.loads(result.stdout)
    candidates, _ = legal_candidates(START[None], np.array([[3, 1]], np.int8))
    scores = load_scorer(model).scores(candidates)
    order = np.argsort(-scores, kind="stable")
    assert [entry[0] for entry in answer["candidates"]] == position_ids(swap(candidates[order]))
    assert np.allclose([entry[1] for entry in answer["candidates"]], scores[order], rtol=1e-6)
    assert answer["best"] == answer["candidates"][0][0]
    assert (answer["id"], answer["dice"]) == (START_ID, [3, 1])


def test_rank_keeps_other_keys_and_replaces_a_number_of_candidates(invoke: Invoke, model: Path) -> None:
    line = decision_line(6, 1, player="Zoë", played="x", candidates=17, best="y")
    answer = json.loads(invoke("rank", "--model", model, text=line).stdout)
    assert (answer["player"], answer["played"]) == ("Zoë", "x")
    assert len(answer["candidates"]) > 1
    assert answer["best"] != "y"


def test_rank_answers_each_line_in_order_whatever_the_batch(invoke: Invoke, model: Path) -> None:
    rng = np.random.default_rng(2)
    lines = [decision_line(*rng.integers(1, 7, 2).tolist(), n=n) for n in range(3000)]
    together = invoke("rank", "--model", model, text="".join(lines)).stdout.splitlines()
    assert [json.loads(answer)["n"] for answer in together] == list(range(3000))
    alone = [invoke("rank", "--model", model, text=lines[n]).stdout.strip() for n in (0, 1234, 2999)]
    assert alone == [together[n] for n in (0, 1234, 2999)]


def test_rank_gives_a_dance_as_the_unchanged_position(invoke: Invoke, model: Path) -> None:
    board = np.zeros(26, np.int8)
    board[25], board[19:25] = 1, -2
    [position] = position_ids(board[None])
    answer = json.loads(invoke("rank", "--model", model, text=decision_line(6, 5, position=position)).stdout)
    assert len(answer["candidates"]) == 1
    assert (parse_position_ids([answer["best"]])[0] == swap(board)).all()


def test_rank_skips_blank_lines_and_takes_a_last_line_without_end(invoke: Invoke, model: Path) -> None:
    text = "\n" + decision_line(3, 1) + "  \n" + decision_line(2, 1).strip()
    assert len(invoke("rank", "--model", model, text=text).stdout.splitlines()) == 2


@pytest.mark.parametrize("dice", [{}, {"dice": [3, 1]}])
def test_rank_takes_any_identifier_and_the_dice_in_it(invoke: Invoke, model: Path, dice: dict[str, object]) -> None:
    expected = json.loads(invoke("rank", "--model", model, text=decision_line(3, 1)).stdout)
    for text in (XGID, GNU):
        answer = json.loads(invoke("rank", "--model", model, text=json.dumps({"id": text, **dice})).stdout)
        assert (answer["id"], answer["best"]) == (text, expected["best"])


BAD_LINES: dict[str, tuple[str | bytes, str]] = {
    "not json": ("{id: 4}", "JSON"),
    "truncated": ('{"id": "4HPwATDgc/ABMA", "dice": [3,', "JSON"),
    "not an object": ("[1, 2]", "object"),
    "no id": ('{"dice": [3, 1]}', '"id"'),
    "id of another type": ('{"id": 7, "dice": [3, 1]}', '"id"'),
    "no dice": (f'{{"id": "{START_ID}"}}', '"dice"'),
    "three dice": (decision_line(3, 1, 2), '"dice"'),
    "die out of range": (decision_line(3, 7), "7"),
    "die of another type": (f'{{"id": "{START_ID}", "dice": [3, 1.5]}}', "1.5"),
    "impossible id": (decision_line(3, 1, position="//////////////"), "//////////////"),
    "damaged xgid": (decision_line(3, 1, position="XGID=a:b"), "XGID"),
    "xgid without dice": (json.dumps({"id": "XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:10"}), '"dice"'),
    "short id": (decision_line(3, 1, position="4HPwATDgc"), "4HPwATDgc"),
    "finished game": (decision_line(3, 1, position=position_ids(np.eye(26, dtype=np.int8)[1:2])[0]), "over"),
    "not text": (b"\xff\xfe\x00\x01", "JSON"),
    "deep nesting": ("[" * 20000, "JSON"),
    "endless line": ("x" * 100_000, "100,000 bytes"),
}


@pytest.mark.parametrize("kind", list(BAD_LINES))
def test_rank_stops_at_a_bad_line_and_names_it(invoke: Invoke, model: Path, kind: str) -> None:
    bad, reason = BAD_LINES[kind]
    text = decision_line(3, 1).encode() + (bad if isinstance(bad, bytes) else bad.strip().encode()) + b"\n"
    result = invoke("rank", "--model", model, text=text + decision_line(2, 1).encode())
    assert_mistake(result, "line 2", reason)
    assert len(result.stdout.splitlines()) == 1  # what came before is answered


def test_rank_skip_bad_answers_every_line(invoke: Invoke, model: Path) -> None:
    bad = [line.strip() for line, _ in BAD_LINES.values() if isinstance(line, str)]
    text = "".join(decision_line(3, 1) + line + "\n" for line in bad)
    result = invoke("rank", "--model", model, "--skip-bad", text=text)
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == 2 * len(bad)
    assert all("best" in answer for answer in answers[::2])
    assert [answer["line"] for answer in answers[1::2]] == list(range(2, 2 * len(bad) + 1, 2))
    assert all(answer["error"] for answer in answers[1::2])


def test_rank_answers_a_program_that_asks_one_question_at_a_time(model: Path) -> None:
    command = [*PROGRAM, "rank", "--model", str(model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for dice in ((3, 1), (6, 6), (2, 1)):
            process.stdin.write(decision_line(*dice).encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["dice"] == list(dice)
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes close differently")
def test_a_reader_that_goes_away_is_no_error(log: Path) -> None:
    command = [*PROGRAM, "decisions", *[str(log)] * 40]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 141


# decisions


def test_decisions_are_the_unforced_plays_in_the_order_of_the_log(invoke: Invoke, log: Path) -> None:
    result = invoke("decisions", log)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    expected = [logged for logged in read_logs([log]).decisions() if not logged.decision.is_forced]
    assert len(lines) == len(expected) > 100
    for line, logged in zip(lines, expected, strict=True):
        assert list(line) == ["file", "game", "turn", "player", "id", "dice", "played", "candidates"]
        decision = logged.decision
        assert (parse_position_ids([line["id"]])[0] == decision.position.board).all()
        assert (parse_position_ids([line["played"]])[0] == swap(decision.candidates[decision.chosen or 0])).all()
        assert (line["file"], line["game"], line["turn"]) == (str(log), logged.game, logged.turn)
        assert (line["player"], tuple(line["dice"])) == (logged.player, decision.roll)
        assert line["candidates"] == len(decision.candidates) > 1
    assert "plays" in result.stderr


def test_decisions_with_forced_plays_but_never_dances(invoke: Invoke, log: Path) -> None:
    lines = [json.loads(line) for line in invoke("decisions", log, "--forced").stdout.splitlines()]
    forced = [line for line in lines if line["candidates"] == 1]
    assert len(lines) == len(list(read_logs([log]).decisions()))
    assert forced
    assert all(
        parse_position_ids([line["played"]])[0].tolist() != swap(parse_position_ids([line["id"]]))[0].tolist()
        for line in forced
    )


def test_decisions_list_a_match_twice_that_is_there_twice(invoke: Invoke, log: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.mat").write_bytes(log.read_bytes())
    once = len(invoke("decisions", log).stdout.splitlines())
    assert len(invoke("decisions", log, "copy.mat").stdout.splitlines()) == 2 * once


def test_decisions_can_be_ranked(invoke: Invoke, log: Path, model: Path) -> None:
    decisions = invoke("decisions", log).stdout
    answers = [json.loads(line) for line in invoke("rank", "--model", model, text=decisions).stdout.splitlines()]
    given = [json.loads(line) for line in decisions.splitlines()]
    assert [len(answer["candidates"]) for answer in answers] == [line["candidates"] for line in given]
    assert all(line["played"] in dict(answer["candidates"]) for line, answer in zip(given, answers, strict=True))


# evaluate


def test_a_model_agrees_with_its_own_games_in_every_play(invoke: Invoke, model: Path, tmp_path: Path) -> None:
    player = load_scorer(model)
    session = Session(("one", "two"), seed=3, num_games=2)
    (tmp_path / "own.mat").write_text(write_mat(play_session((player, player), session)))
    report = json.loads(invoke("evaluate", "own.mat", "--model", model, "--json").stdout)
    overall = report["agreement"]["overall"]
    assert overall["top1"]["value"] == overall["top3"]["value"] == overall["mean_rank"]["value"] == 1.0


def test_evaluate_counts_by_hand(invoke: Invoke, log: Path, model: Path) -> None:
    report = json.loads(invoke("evaluate", log, "--model", model, "--json").stdout)
    scorer = load_scorer(model)
    logged = list(read_logs([log]).decisions())
    unforced = [entry for entry in logged if not entry.decision.is_forced]
    hits = [int(scorer.scores(entry.decision.candidates).argmax()) == entry.decision.chosen for entry in unforced]
    agreement = report["agreement"]
    assert agreement["overall"]["decisions"] == len(unforced)
    assert agreement["forced"] == len(logged) - len(unforced)
    assert agreement["overall"]["top1"]["value"] == pytest.approx(np.mean(hits))
    assert {row["name"] for row in agreement["by_player"]} == {"pipcount", "random"}
    assert agreement["overall"]["matches"] == 6  # games of a money session are independent
    assert report["logs"]["num_plays"] == len(logged)
    assert report["model"] == "tiny"


def test_evaluate_prints_tables_with_tesauro_beside_the_phases(invoke: Invoke, log: Path, model: Path) -> None:
    result = invoke("evaluate", log, "--model", model)
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 110
    [row] = [line for line in result.stdout.splitlines() if line.startswith("other")]
    assert row.endswith(".65  .58")
    assert "pipcount" in result.stdout
    assert "…" not in result.stdout


# duel


def test_duel_as_json_is_the_same_every_time(invoke: Invoke) -> None:
    one, two = (json.loads(invoke("duel", "pipcount", "random", "--games", 40, "--json").stdout) for _ in range(2))
    for timing in ("seconds", "games_per_second", "plies_per_second"):
        assert one.pop(timing) >= 0
        two.pop(timing)
    assert one == two
    assert one["points_per_game"] > 1
    assert one["standard_error"] > 0
    assert (one["first"]["player"], one["second"]["player"], one["games"]) == ("pipcount", "random", 40)


def test_duel_of_models_prints_a_table(invoke: Invoke, model: Path) -> None:
    result = invoke("duel", model, "random", "--games", 20, "--threads", 1)
    assert result.exit_code == 0
    assert "points per game of tiny" in result.stdout
    assert "20 games" in result.stdout


def test_duel_of_one_pair_has_no_error_to_print(invoke: Invoke) -> None:
    assert "no standard error" in invoke("duel", "pipcount", "random", "--games", 2).stdout


def test_duel_needs_pairs_of_games(invoke: Invoke) -> None:
    assert_mistake(invoke("duel", "random", "pipcount", "--games", 3), "3 games", "even")


# convert


GALAXY = """
 1 point match

 Game 1
 ann : 0                         bob : 0
  1) 31: 8/5 6/5                 64: 24/14
  2) 41: 24/23 13/9              65: 14/8 13/8
  3) 62: 24/18 13/11             66: 24/18 13/7 13/7 13/7
      Wins 1 point
"""


def test_convert_writes_canonical_plays(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "galaxy.txt").write_text(GALAXY)
    result = invoke("convert", "galaxy.txt")
    assert result.exit_code == 0
    assert "64: 24/14" in result.stdout
    assert "66: 24/18 13/7*(3)" in result.stdout


def test_convert_verbatim_keeps_the_text_of_plays(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "galaxy.txt").write_text(GALAXY)
    assert "66: 24/18 13/7 13/7 13/7" in invoke("convert", "galaxy.txt", "--verbatim").stdout


def test_converted_logs_hold_the_same_decisions(invoke: Invoke, log: Path, tmp_path: Path) -> None:
    invoke("convert", log, "--out", "converted")
    original, converted = (list(read_logs([path])) for path in (log, tmp_path / "converted"))
    assert [game.plays.afters.tolist() for game in original] == [game.plays.afters.tolist() for game in converted]
    assert [game.match for game in original] == [game.match for game in converted]


def test_convert_never_overwrites(invoke: Invoke, log: Path, tmp_path: Path) -> None:
    assert invoke("convert", log, log, "--out", "converted").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "converted").iterdir()) == ["games-2.mat", "games.mat"]
    assert invoke("convert", log, log, "--out", "converted").exit_code == 0  # what it would write is there already
    (tmp_path / "converted" / "games.mat").write_text("mine")
    assert_mistake(invoke("convert", log, "--out", "converted"), "games.mat", "already")
    assert (tmp_path / "converted" / "games.mat").read_text() == "mine"


def test_convert_names_the_file_that_is_no_log_and_converts_the_others(
    invoke: Invoke, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    result = invoke("convert", log, "notes.txt", "--out", "converted")
    assert result.exit_code == 0
    assert "notes.txt" in result.stderr
    assert [path.name for path in (tmp_path / "converted").iterdir()] == ["games.mat"]


@pytest.mark.parametrize("suffix", [".mat", ".sgf", ".jsonl"])
def test_convert_chooses_the_format_by_the_name_of_the_new_file(
    invoke: Invoke, log: Path, tmp_path: Path, suffix: str
) -> None:
    assert invoke("convert", log, f"new{suffix}").exit_code == 0
    original, converted = (list(read_logs([path])) for path in (log, tmp_path / f"new{suffix}"))
    assert [game.plays.afters.tolist() for game in original] == [game.plays.afters.tolist() for game in converted]
    (tmp_path / f"new{suffix}").write_text("mine")
    assert_mistake(invoke("convert", log, f"new{suffix}"), "already")


def test_convert_takes_the_format_by_name(invoke: Invoke, log: Path, tmp_path: Path) -> None:
    assert invoke("convert", log, "converted", "--format", "sgf").exit_code == 0
    assert [path.name for path in (tmp_path / "converted").iterdir()] == ["games.sgf"]
    assert invoke("convert", log, "--format", "jsonl").stdout.startswith('{"format":"pairgammon"')
    assert_mistake(invoke("convert", log, "--format", "xg"), "only read", "jsonl")
    assert_mistake(invoke("convert", log, "new.html"), "new.html", ".sgf")


def test_convert_lists_what_the_format_cannot_hold(invoke: Invoke, log: Path, tmp_path: Path) -> None:
    (tmp_path / "position.txt").write_text(XGID.replace("B-:", "A-:"))
    result = invoke("convert", log, "position.txt", "new.mat")
    assert result.exit_code == 0
    assert "position.txt:1: game 1 begins from a set-up position" in result.stderr
    assert_mistake(invoke("convert", "position.txt", "other.mat"), "no match can be written as mat")
    assert not (tmp_path / "other.mat").exists()


# ids


XGID = "XGID=-b----E-C---eE---c-e----B-:1:1:1:31:2:3:0:7:10"
GNU = "4HPwATDgc/ABMA:UYnlADAAEAAE"  # what GNU Backgammon 1.07 makes of it


def test_ids_translates_as_gnubg_does(invoke: Invoke) -> None:
    from_xgid, from_gnu = (json.loads(invoke("ids", text, "--json").stdout) for text in (XGID, GNU))
    assert from_xgid == from_gnu
    assert f"{from_xgid['position_id']}:{from_xgid['match_id']}" == GNU
    assert from_xgid["xgid"] == XGID
    assert (from_xgid["dice"], from_xgid["length"], from_xgid["scores"]) == ([3, 1], 7, [3, 2])


def test_ids_draws_the_board(invoke: Invoke) -> None:
    result = invoke("ids", START_ID)
    assert "+13-14-15-16-17-18------19-20-21-22-23-24-+" in result.stdout
    assert "167 pips" in result.stdout
    assert "\x1b" not in result.stdout


def test_ids_reads_lines(invoke: Invoke) -> None:
    result = invoke("ids", "--json", text=f"{START_ID}\n\n{XGID}\n")
    assert [json.loads(line)["length"] for line in result.stdout.splitlines()] == [0, 7]


@pytest.mark.parametrize(
    "text",
    ["", "hello", "UYnlADAAEAAE", "4HPwATDgc/ABM!", "//////////////", f"{START_ID}:UYnlADAAEAA", "XGID=abc", "a:b:c"],
)
def test_ids_refuses_what_is_no_id(invoke: Invoke, text: str) -> None:
    result = invoke("ids", text)
    assert_mistake(result)
    assert result.stdout == ""


# doctor


def test_doctor_reports_versions_kernels_tables_and_model(invoke: Invoke) -> None:
    result = invoke("doctor", "--json")
    found = json.loads(result.stdout)
    assert found["libraries"]["numpy"] == np.__version__
    assert "state" in found["compiled kernels"]
    assert {"folder", "one-sided bear-off", "two-sided bear-off"} == set(found["computed data"])
    assert found["move generator"].startswith("good")
    assert found["default model"]["file"].endswith("default.safetensors")
    assert result.exit_code == bool(found["problems"])
    assert "python" in invoke("doctor").stdout


def test_doctor_finds_a_model_that_cannot_be_used(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backgammon.learner.net.scorer.DEFAULT_NAME", "missing")
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "the default model cannot be used" in result.stdout


@pytest.mark.skipif(jit.DISABLED, reason="kernels are not compiled")
def test_doctor_finds_damaged_kernels(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backgammon.tools.kernel_cache.kernel_folder", lambda: tmp_path)
    assert json.loads(invoke("doctor", "--json").stdout)["problems"] == []
    (tmp_path / "module-key").mkdir()
    (tmp_path / "module-key" / "kernel-1.nbc").touch()
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "module-key/kernel-1.nbc" in result.stdout


def test_doctor_finds_a_damaged_table(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIRGAMMON_DATA", str(tmp_path))
    (tmp_path / "bearoff").mkdir()
    path = table_paths()[1]
    path.touch()
    result = invoke("doctor")
    assert result.exit_code == 1
    assert str(path) in "".join(result.stdout.split("\n"))


def test_a_user_without_a_folder_for_data_has_a_problem_but_nothing_broken(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("evaluation.bearoff.store", "tools.folders"):
        monkeypatch.setattr(f"backgammon.{module}.data_folder", lambda: None)
    result = invoke("doctor", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, len(found["problems"])) == (0, 1)
    assert "PAIRGAMMON_DATA" in found["problems"][0]
    built = invoke("bearoff", "build")
    assert_mistake(built, "PAIRGAMMON_DATA")


def test_a_file_that_ends_too_early_is_not_taken_for_ctrl_d() -> None:
    @click.command()
    def fail() -> None:
        raise EOFError("Ran out of input")

    group = LazyGroup(modules={})
    group.get_command = lambda *_: fail  # type: ignore[method-assign]
    result = CliRunner().invoke(group, ["fail"])
    assert "Aborted" not in result.output
    assert isinstance(result.exception, RuntimeError)


def test_a_warning_of_our_own_is_one_line_and_others_are_left_alone() -> None:
    code = (
        "import warnings, click\nfrom backgammon.cli.group import LazyGroup\n"
        "from backgammon.tools.errors import PairgammonWarning\n"
        "@click.command()\ndef tell():\n"
        "    warnings.warn('a folder is full', PairgammonWarning)\n    warnings.warn('other')\n"
        "group = LazyGroup(modules={})\ngroup.get_command = lambda *_: tell\ngroup(['tell'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours, *others = done.stderr.splitlines()
    assert ours == "warning: a folder is full"
    assert "UserWarning: other" in others[0]


# train


def test_train_evaluate_and_resume(invoke: Invoke, log: Path) -> None:
    options = ["--out", "run", "--epochs", 1, "--set", "network.hidden=[4]", "--set", "threads=1"]
    summary = json.loads(invoke("train", log, *options, "--json").stdout)
    assert summary["epochs"] == 1
    assert "top 1" in invoke("evaluate", log, "--model", "run").stdout
    assert_mistake(invoke("train", log, *options), "run", "--resume")
    weights = Path("run/model.safetensors").read_bytes()
    again = invoke("train", "--out", "run", "--resume")
    assert again.exit_code == 0
    assert "run/model.safetensors" in again.stdout
    assert Path("run/model.safetensors").read_bytes() == weights
    assert_mistake(invoke("train", "--out", "run", "--resume", "--seed", 9), "seed")


def test_train_needs_logs_or_a_run(invoke: Invoke) -> None:
    assert_mistake(invoke("train", "--out", "run"), "name the logs")
    assert_mistake(invoke("train", "--out", "run", "--resume"), "name the logs")
    assert not Path("run").exists()


LABELS = """\
{"id": "4HPwATDgc/ABMA", "dice": [3, 1], "cands": [["sGfwATDgc/ABMA", 0.159], ["0HPiATDgc/ABMA", -0.134]]}
{"id": "4HPwATDgc/ABMA", "dice": [3, 2], "cands": [["4HPkASLgc/ABMA", 0.0076], ["4HPKATDgc/ABMA", 0.0026]]}
{"id": "4HPwATDgc/ABMA", "dice": [5, 3], "cands": [["jGfwATDgc/ABMA", 0.0611], ["4HPwESDgc/ABMA", -0.012]]}
"""


def test_train_learns_from_labels_and_from_shards(invoke: Invoke, log: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text(LABELS + "no line\n")
    options = ("--loss", "soft", "--epochs", 1, "--set", "network.hidden=[4]", "--set", "held_out=0.4")
    first = invoke("train", "labels.jsonl", "--out", "one", *options)
    assert "3 labelled decisions, 6 judged candidates, 1 files; 1 lines left out" in first.stderr
    assert "equity loss" in first.stderr
    again = invoke("train", "one/shards", "--out", "two", *options)
    assert again.exit_code == 0
    assert (tmp_path / "one/model.safetensors").read_bytes() == (tmp_path / "two/model.safetensors").read_bytes()
    joined = json.loads(invoke("train", "one/shards", "two/shards", "--out", "three", *options, "--json").stdout)
    assert joined["train_decisions"] + joined["held_out_decisions"] == 6
    assert_mistake(invoke("train", "labels.jsonl", log, "--out", "four"), "labels.jsonl", "one kind at a time")
    assert_mistake(invoke("train", "one/shards", log, "--out", "four"), "shards folders and logs")


def test_train_refuses_unknown_settings_before_it_reads(invoke: Invoke, log: Path) -> None:
    assert_mistake(invoke("train", log, "--out", "run", "--set", "epoch=3"), "'epoch'", "'epochs'")
    assert_mistake(invoke("train", log, "--out", "run", "--config", "none.toml"), "none.toml")
    assert not Path("run").exists()


def test_settings_are_a_configuration_file(invoke: Invoke) -> None:
    result = invoke("train", "--settings")
    Path("my.toml").write_text(result.stdout)
    assert load_config(Path("my.toml")) == load_config(domain=BOARDS)


# play


def play(invoke: Invoke, model: Path, *lines: str, options: tuple[object, ...] = ()) -> Result:
    usual = {"--model": model, "--seed": 5, "--save": "game.mat"}
    fixed = [word for pair in usual.items() if pair[0] not in options for word in pair]
    return invoke("play", *fixed, "--no-cube", *options, text="\n".join(lines) + "\n")


def test_play_shows_seed_board_and_prompt_and_saves(invoke: Invoke, model: Path) -> None:
    result = play(invoke, model, "hint", "=2", "quit")
    assert result.exit_code == 0
    assert "seed 5" in result.stdout
    assert "+12-11-10--9--8--7-------6--5--4--3--2--1-+     X: You" in result.stdout
    assert "=1 " in result.stdout
    assert "preferred in" in result.stdout
    assert "Saved in game.mat." in result.stdout
    [game] = list(read_logs(["game.mat"]))
    assert game.players == ("You", "tiny")
    assert len(game) >= 2
    assert "seed 5" in Path("game.mat").read_text()


def test_the_shipped_model_plays_without_being_named(invoke: Invoke) -> None:
    result = invoke("play", "--seed", 5, "--no-save", "--no-cube", text="hint\nid\nquit\n")
    assert result.exit_code == 0
    assert "You (X) against default (O), seed 5." in result.stdout
    dice = re.findall(r"You (\d\d)>", result.stdout)[0]
    position = re.findall(r"you on roll: (\S+)", result.stdout)[0]
    plays = json.loads(invoke("hint", position, "--dice", dice, "--json").stdout)["plays"][:5]
    width = max(len(one["play"]) for one in plays)
    for number, one in enumerate(plays, start=1):
        figures = f"{one['equity']:+.3f}  won in {100 * one['chances'][0]:.1f} %"
        assert f"={number}  {one['play']:{width}}  {figures}" in result.stdout, "the numbers of `hint`"


def test_a_whole_game_can_be_played_by_a_script(invoke: Invoke, model: Path) -> None:
    result = play(invoke, model, *["hint", "=1"] * 400, options=("--games", 1, "--no-board", "--seed", 8))
    assert result.exit_code == 0
    assert "Score: You" in result.stdout
    assert "Goodbye" not in result.stdout
    [game] = list(read_logs(["game.mat"]))
    assert game.ending == "borne off"


def test_undo_takes_back_the_play_and_its_answer(invoke: Invoke, model: Path) -> None:
    result = play(invoke, model, "undo", "hint", "=1", "undo", "hint", "=2", "quit", options=("--no-board",))
    lines = result.stdout.splitlines()
    assert "nothing to take back: no choice has been made in this game" in lines
    [taken] = [line for line in lines if line.startswith("Taken back")]
    prompts = [line for line in lines if line.startswith("You ") and "> " in line]
    roll = prompts[0].split("> ")[0].removeprefix("You ")
    assert roll in taken
    assert len(next(iter(read_logs(["game.mat"])))) in (2, 3)


def test_mistyped_plays_are_explained_and_asked_again(invoke: Invoke, model: Path) -> None:
    result = play(invoke, model, "foo", "=1", "8/x", "24/1", "hint", "=9", "", "quit", options=("--no-board",))
    assert result.exit_code == 0
    for part in ("neither a play nor a command", "ask for a hint first", "'24/1'", "=1 to =5"):
        assert part in result.stdout
    assert result.stdout.count("> ") == 8


def test_short_forms_are_completed_and_said_in_full(invoke: Invoke, model: Path) -> None:
    options = ("--manual-dice", "--no-board")
    result = play(invoke, model, "6-6", "31", "8/5", "21", "6 5", "44", "quit", options=options)
    assert "equal dice are thrown again" in result.stdout
    assert "You 31: 8/5 6/5" in result.stdout or "fits" in result.stdout


def test_commands_answer(invoke: Invoke, model: Path) -> None:
    result = play(invoke, model, "help", "pips", "plays", "id", "board", "dice 31", "quit")
    for part in ("take back your last choice", "Pips: You", "Position ID", "--manual-dice lets you"):
        assert part in result.stdout
    assert result.stdout.count("X: You") == 2


def test_typed_dice_can_be_put_right(invoke: Invoke, model: Path) -> None:
    lines = ("help", "x", "2 6", "5-3", "dice 52", "13/8", "quit")
    result = play(invoke, model, *lines, options=("--manual-dice", "--no-board"))
    assert "tiny 6, You 2. tiny starts with 62." in result.stdout
    assert "write two digits" in result.stdout
    assert "You 52> 13/8" in result.stdout


def test_resignation_is_judged_and_scored(invoke: Invoke, model: Path) -> None:
    result = play(invoke, model, "resign much", "resign backgammon", "n", options=("--no-board",))
    assert "write resign, resign gammon" in result.stdout
    assert "You resign a backgammon; tiny accepts." in result.stdout
    assert "Score: You 0, tiny 3." in result.stdout
    assert "Wins 3 points" in Path("game.mat").read_text()


def test_resignation_that_offers_too_little_is_declined(
    invoke: Invoke, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backgammon.table.resignation.play_out", lambda *_: np.full(200, -2, np.int8))
    result = play(invoke, model, "resign", "resign gammon", "no", options=("--no-board",))
    assert "tiny declines: in 200 games from here it wins 2.00 points on average" in result.stdout
    assert "Score: You 0, tiny 2." in result.stdout


def test_match_goes_on_to_its_length(invoke: Invoke, model: Path) -> None:
    result = play(invoke, model, *["resign backgammon"] * 2, options=("--length", 5, "--no-board"))
    assert "Game 2, match to 5, score 0-3" in result.stdout
    assert "tiny wins a backgammon and the match: 3 points." in result.stdout
    assert "and the match" in Path("game.mat").read_text()


def test_another_game_is_asked_for_in_money_play(invoke: Invoke, model: Path) -> None:
    result = play(invoke, model, "resign backgammon", "what?", "y", "resign backgammon", options=("--no-board",))
    assert result.stdout.count("Another game?") == 3
    assert "Game 2, money play" in result.stdout
    assert result.exit_code == 0  # the input ended: as good as quit


def test_two_players_can_be_watched(invoke: Invoke, model: Path) -> None:
    options = ("--watch", "pipcount", "--opponent", "pipcount", "--no-board", "--no-save")
    result = play(invoke, model, options=options[:-1])
    assert "pipcount (X) against pipcount 2 (O), seed 5." in result.stdout
    assert "Score: pipcount " in result.stdout
    again = invoke("play", "--seed", 5, "--no-cube", *options)
    assert "Saved" not in again.stdout
    assert again.stdout.splitlines()[2:-2] == result.stdout.splitlines()[2:-3]


def test_interrupt_saves_and_ends_with_130(model: Path, tmp_path: Path) -> None:
    command = [*PROGRAM, "play", "--no-cube", "--model", str(model), "--seed", "5", "--no-board", "--save", "game.mat"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hint\n=1\nhint\n")
        process.stdin.flush()
        last_hints = 0
        for line in process.stdout:
            last_hints += b"=1 " in line
            if last_hints == 2:  # a play has been made and the next one is asked for
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()
        assert process.wait(timeout=120) == 130
    assert "Interrupted." in rest
    assert "Saved in game.mat." in rest
    assert len(next(iter(read_logs([tmp_path / "game.mat"])))) >= 2


def test_play_does_not_overwrite_a_record(invoke: Invoke, model: Path) -> None:
    Path("game.mat").write_text("precious")
    assert_mistake(play(invoke, model, "quit"), "game.mat", "already")
    assert Path("game.mat").read_text() == "precious"


@pytest.mark.skipif(os.name != "posix", reason="folders are made read-only differently")
def test_a_disk_that_refuses_the_record_does_not_cost_the_game(invoke: Invoke, model: Path) -> None:
    Path("file").write_text("no folder")
    result = invoke("play", "--model", model, "--seed", 5, "--save", "file/game.mat", text="hint\n=1\nquit\n")
    assert result.exit_code == 0
    assert result.stderr.count("cannot save") == 1
    assert "Goodbye." in result.stdout


def test_a_record_gets_a_name_of_its_own(invoke: Invoke, model: Path) -> None:
    for _ in range(2):
        invoke("play", "--model", model, "--seed", 5, "--no-board", text="hint\n=1\nquit\n")
    assert len(list(Path().glob("pairgammon-*.mat"))) == 2


def test_length_and_games_exclude_each_other(invoke: Invoke, model: Path) -> None:
    assert_mistake(play(invoke, model, options=("--length", 3, "--games", 2)), "not both")


def test_every_command_is_a_click_command() -> None:
    group = main
    assert isinstance(group, click.Group)
    for name in COMMANDS:
        assert isinstance(group.get_command(click.Context(group), name), click.Command)


def test_a_saved_game_goes_on_in_the_terminal_where_it_stood(invoke: Invoke, model: Path) -> None:
    session = SavedSession(("Ann", "Bob"), seed=4, length=1)
    while len(session.turns) < 3:
        if session.state.stage is not Stage.PLAY:
            session.throw_dice()
        session.play(0)
    session.save(Path("game.json"))
    result = invoke("play", "game.json", "--model", model, text="quit\n")
    assert result.exit_code == 0
    assert "Ann (X) against Bob (O), seed 4" in result.output
    result = invoke("play", "game.json", "--model", model, text="resign backgammon\n")
    assert result.exit_code == 0
    again = open_session(Path("game.json"))
    assert again.actions[: len(session.actions)] == session.actions
    assert again.is_over
    assert_mistake(invoke("play", "game.json", "--model", model), "game.json", "is over")
    assert_mistake(invoke("play", "none", "--model", model), "none", "no such file")
    assert_mistake(invoke("play", "game.json", "--length", 3), "--length")
    Path("bad.json").write_text("{}")
    assert_mistake(invoke("play", "bad.json"), "bad.json", "no saved session")
