"""Foreign text reaches no terminal, page or file name as it is: every command is attacked with logs and names."""

from __future__ import annotations

import ast
import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backgammon.cli import COMMANDS, main
from backgammon.records import read_records
from backgammon.tools.quoting import file_stem, json_text, one_line, page_text, printable, quote

ATTACK = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202ednib\u2066\U000e0041"
"""Sets the title, clears the screen, paints, turns the direction, hides."""

RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\U000e0000-\U000e007f]"
)

LOG = f"""; [Player 1 "Ann{ATTACK}"]
; [Event "{ATTACK}"]
 7 point match

 Game 1
 Ann{ATTACK} : 0                          Ben{ATTACK} : 0
  1) 31: 8/5 6/5                  42: 8/4 6/4
  2) 65: 24/13                    64: 24/14
  3) 11: 6/5(4) {ATTACK}          66: {ATTACK}
"""

NAME = f"evil{ATTACK}.mat"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the log under a hostile name, alone and in an archive."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / NAME).write_text(LOG, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr(NAME, LOG)
        archive.writestr(f"no log {ATTACK}", ATTACK)
    return tmp_path


HOSTILE = f"in/{NAME}"
MISSING = f"missing{ATTACK}"

RUNS: dict[str, list[tuple[list[str], str]]] = {
    "train": [([MISSING, "--out", "run"], ""), ([HOSTILE, "--out", "run", "--set", f"{ATTACK}=1"], "")],
    "evaluate": [([HOSTILE], ""), ([HOSTILE, "--model", MISSING], "")],
    "inspect": [([MISSING], "")],
    "rank": [([], f'{{"id": "{ATTACK}"}}\n'), (["--skip-bad"], f"{ATTACK}\n"), (["--model", MISSING], "")],
    "label": [([MISSING], ""), ([], f"{ATTACK}\n")],
    "self-play": [
        (["--player", MISSING, "--games", "2", "--out", "games"], ""),
        (["--games", "2", "--out", "no/" + ATTACK, "--model", MISSING], ""),
    ],
    "improve": [
        (["--player", MISSING, "--out", "rounds", "--games", "2"], ""),
        (["--out", "x", "--also", MISSING], ""),
    ],
    "decisions": [([HOSTILE], ""), (["in.zip"], ""), ([MISSING], "")],
    "play": [
        (["--no-save", "--name", f"Zoe{ATTACK}"], f"{ATTACK}\nboard\nquit\n"),
        (["--resume", MISSING], ""),
        (["--opponent", MISSING], ""),
        (["--position", ATTACK], ""),
    ],
    "web": [([MISSING], ""), (["--model", MISSING, "--data", "web"], "")],
    "hint": [([ATTACK], ""), ([f"4HPwATDgc/ABMA {ATTACK}", "--dice", ATTACK], "")],
    "duel": [([MISSING, "random"], ""), (["random", "random", "--games", ATTACK], "")],
    "analyse": [([HOSTILE], ""), ([HOSTILE, "--out", "page.html"], ""), (["in.zip"], "")],
    "coach": [([HOSTILE, "--player", f"nobody{ATTACK}", "--out", "coach"], "")],
    "convert": [
        ([HOSTILE, "--format", "mat"], ""),
        ([HOSTILE, "--format", "sgf"], ""),
        ([HOSTILE, "--format", "jsonl"], ""),
        (["in.zip", "out"], ""),
        (["in", "out-sgf", "--format", "sgf"], ""),
    ],
    "bearoff": [(["build", "--points", ATTACK], ""), ([ATTACK], "")],
    "ids": [([ATTACK], ""), ([], f"{ATTACK}\n"), ([f"4HPwATDgc/ABMA{ATTACK}"], "")],
    "serve-gnubg": [(["--host", ATTACK, "--port", "0"], ""), (["--model", MISSING], "")],
    "ubgi": [([], f"{ATTACK}\nposition xgid {ATTACK}\nsetoption name {ATTACK} value 1\nquit\n")],
    "serve-http": [(["--host", ATTACK, "--port", "0"], ""), (["--model", MISSING], "")],
    "doctor": [([f"--{ATTACK}"], "")],
}
"""(arguments, standard input) of every command."""


def run(command: str, arguments: list[str], given: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, [command, *arguments], input=given)


def check(result: Result) -> None:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    for output in (result.stdout_bytes, result.stderr_bytes):
        assert RAW.search(output.decode()) is None, output


def test_every_command_is_attacked() -> None:
    assert set(RUNS) == set(COMMANDS)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("command", RUNS)
def test_no_command_hands_foreign_text_on(command: str) -> None:
    for arguments, given in RUNS[command]:
        check(run(command, arguments, given))
    result = CliRunner().invoke(main, [f"no command {ATTACK}"])
    assert result.exit_code == 2
    check(result)


def test_what_is_written_has_clean_names_and_clean_pages(place: Path) -> None:
    for command in ("convert", "analyse"):
        for arguments, given in RUNS[command]:
            assert run(command, arguments, given).exit_code == 0
    written = [path for path in place.rglob("*") if path.is_file() and path.parent.name != "in"]
    assert len(written) == 4  # the archive, a page, a match out of it, one out of the folder
    for path in written:
        assert RAW.search(path.name) is None
        assert path.suffix == ".zip" or RAW.search(path.read_text(encoding="utf-8")) is None


def test_a_terminal_with_colours_gets_no_codes_but_ours(place: Path) -> None:  # noqa: ARG001 - the folder is needed
    ours = "\x1b\\[(?:0|1|2|1;3[36]|3[0-7])m"
    for command in ("hint", "evaluate", "play"):
        for arguments, given in RUNS[command]:
            result = run(command, arguments, given, FORCE_COLOR="1")
            for output in (result.stdout_bytes, result.stderr_bytes):
                assert RAW.search(re.sub(ours, "", output.decode())) is None, output


def test_characters_are_escaped_and_nothing_else_changes() -> None:
    assert printable("a\tb\nc \u00e9 \u65e5\u672c \U0001f3b2") == "a\tb\nc \u00e9 \u65e5\u672c \U0001f3b2"
    assert printable("\x1b[2J\x9b\x7f\u202e\udcff\U000e0041") == r"\x1b[2J\x9b\x7f\u202e\udcff\U000e0041"
    assert printable("\x1b[1mbold\x1b[0m\x1b[8mhidden", colour=True) == "\x1b[1mbold\x1b[0m" + r"\x1b[8mhidden"
    assert one_line("a\nerror: b\r") == "a error: b"
    assert page_text('<b a="1">\x1b') == r"&lt;b a=&quot;1&quot;&gt;\x1b"
    assert quote("\x1b") == r"'\x1b'"
    assert RAW.search(printable(ATTACK)) is None


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("match 1", "match_1"),
        ("../../etc/passwd", "_.._etc_passwd"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("", "unnamed"),
    ],
)
def test_a_file_name_is_one_visible_part_of_a_path(text: str, stem: str) -> None:
    assert file_stem(text) == stem
    assert len(file_stem(text + ATTACK * 50)) <= 100
    assert RAW.search(file_stem(text + ATTACK)) is None


def test_json_means_the_same_with_its_unsafe_characters_escaped() -> None:
    (record,) = read_records(LOG.encode())
    assert ATTACK.replace("\x1b", "") not in json_text(f'"{ATTACK}"')
    text = run_jsonl(LOG)
    assert RAW.search(text) is None
    (again,) = read_records(text.encode())
    assert again.games[0].players == record.games[0].players
    assert ATTACK[:-1] in again.games[0].players[0]


def run_jsonl(text: str) -> str:
    from backgammon.records import write_jsonl

    return write_jsonl(*read_records(text.encode()))


def test_commands_have_one_way_to_the_terminal() -> None:
    folder = Path(__file__).parent.parent / "backgammon" / "cli"
    for path in folder.glob("*.py"):
        calls = [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)
        ]
        used = {f"{node.value.id}.{node.attr}" for node in calls if isinstance(node.value, ast.Name)}
        if path.name not in ("screen.py", "terminal.py"):
            assert not used & {"click.echo", "click.secho"}, path.name
