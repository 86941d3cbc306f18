"""What units make together appears whole; a run that is killed leaves nothing that the next one trips over."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backgammon.tools.errors import DataError
from backgammon.tools.jobs.delivery import Delivery, parts_folder


class KilledError(Exception):
    """Stands for SIGKILL: nothing after it is done."""


def make_file(delivery: Delivery) -> Path:
    draft = delivery.draft
    draft.write_bytes(b"whole")
    return draft


def make_folder(delivery: Delivery) -> Path:
    draft = delivery.draft
    draft.mkdir()
    (draft / "one").write_bytes(b"whole")
    return draft


def run(out: Path, make: Callable[[Delivery], Path], work: str = "work") -> None:
    delivery = Delivery(out, work)
    if not delivery.is_done:
        delivery.store.keep("a" * 64, b"result")
        delivery.finish(make(delivery))


MAKERS = pytest.mark.parametrize(("name", "make"), [("out.jsonl.xz", make_file), ("out", make_folder)])


@MAKERS
def test_it_appears_and_nothing_else_stays(name: str, make: Callable[[Delivery], Path], tmp_path: Path) -> None:
    run(tmp_path / name, make)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(DataError, match="exists already"):
        run(tmp_path / name, make)


@MAKERS
@pytest.mark.parametrize("step", ["mark", "move", "tidy"])
def test_killed_in_any_step_of_the_end_it_goes_on(
    name: str, make: Callable[[Delivery], Path], step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / name

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        if step == "mark":
            patched.setattr("backgammon.tools.jobs.delivery.replace_file", die)
        elif step == "move":
            patched.setattr(Path, "replace", lambda self, target: die() if target == out else self.rename(target))
        else:
            patched.setattr(Delivery, "_tidy", die)
        with pytest.raises(KilledError):
            run(out, make)
    assert out.exists() == (step == "tidy")
    run(out, make)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_other_work_has_left_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, make_folder, "one")
    parts_folder(out).mkdir()
    (parts_folder(out) / "delivered").write_text("one")
    with pytest.raises(DataError, match="exists already"):
        run(out, make_folder, "other")
    shutil.rmtree(out)
    run(out, make_folder, "other")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_older_one_gives_way_where_it_may(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(b"old")
    delivery = Delivery(out, "work", replaces=True)
    delivery.finish(make_file(delivery))
    assert out.read_bytes() == b"whole"
    assert not parts_folder(out).exists()
