"""The README says what is true: its Python is run, its commands exist, its files are there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from click.testing import CliRunner

from backgammon.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_gives_what_it_shows() -> None:
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0


def test_lines_of_prose_fit_a_screen() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for line in prose.splitlines():
            assert len(line) <= 120 or line.startswith(("|", "    ", "![")) or " " not in line, f"{path.name}: {line}"


def test_every_command_of_the_readme_exists_and_every_command_is_in_the_readme() -> None:
    shown = set(re.findall(r"pairgammon ([a-z]+(?:-[a-z]+)*)", README))
    assert shown == set(COMMANDS)


def test_every_option_of_the_readme_is_known_to_its_command() -> None:
    for line in re.findall(r"^ {4}(pairgammon .*)$", README, flags=re.MULTILINE):
        for call in line.split("#")[0].split("|"):
            words = call.split()
            shown = CliRunner().invoke(main, [words[1], "--help"]).output
            for option in (word for word in words if word.startswith("--")):
                assert option in shown, line


def test_every_file_that_a_page_names_is_there() -> None:
    for path in [ROOT / "README.md", ROOT / "data" / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"`((?:docs|data|tests|scripts|backgammon|comparison_net)/[\w/.-]*)`", text):
            assert (ROOT / name).exists(), f"{path.name}: {name}"
    for name in re.findall(r"`(make \w+)", README):
        assert f"\n{name.split()[1]}:" in (ROOT / "Makefile").read_text(), name


def test_every_room_that_the_picture_of_the_house_names_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = set(re.findall(r"`((?:rules|table|search|cube|records|learner|comparison_net)\.[a-z_.]+)`", text))
    assert {"rules.game", "learner.net", "comparison_net.training"} <= modules
    for name in modules:
        at = (ROOT if name.startswith("comparison_net") else ROOT / "backgammon") / name.replace(".", "/")
        assert at.is_dir() or at.with_suffix(".py").is_file(), name
    picture = re.findall(r"^join +backgammon/learner +(.*)$", text, flags=re.MULTILINE)[0].split()
    assert sorted(picture) == sorted(
        path.parent.name for path in (ROOT / "backgammon" / "learner").glob("*/__init__.py")
    )
