"""Match equity tables: the one that ships, files with holes, what lies beyond a table, one from gammon rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backgammon.cube.gammon_table import compute_table
from backgammon.cube.met import MAX_LENGTH, default_table, extend_table, parse_table, read_table
from backgammon.tools.errors import ConfigError, DataError

SMALL = """# three points
name Small
author Nobody
pre-Crawford
.5 .68 .75
.32 .5 .6
.25 .4 .5
post-Crawford
.5 .49 .32
"""


def test_the_table_that_ships_is_kazaross_xg2() -> None:
    table = default_table()
    assert (table.name, table.author, table.size) == ("Kazaross-XG2", "Neil Kazaross", 25)
    assert table.chance((1, 2)) == 0.67736
    assert table.chance((4, 9)) == pytest.approx(0.787990)
    assert table.chance((2, 1), is_behind_crawford=True) == 0.48803
    assert table.chance((1, 2), is_behind_crawford=True) == pytest.approx(1 - 0.48803)
    assert np.abs(table.before + table.before.T - 1).max() < 1e-9
    assert (np.diff(table.before, axis=0) < 0).all()
    assert (np.diff(table.behind) < 0).all()


def test_a_match_that_is_won_or_lost_is_certain() -> None:
    for behind in (False, True):
        chances = default_table().next_game((3, 5), behind)
        assert chances.shape == (4, 6)
        assert (chances[0] == 1).all()
        assert (chances[1:, 0] == 0).all()


def test_a_file_is_read_with_its_titles(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text(SMALL)
    table = read_table(path)
    assert (table.name, table.author, table.size) == ("Small", "Nobody", 3)
    assert table.chance((2, 3)) == 0.6
    assert table.chance((3, 1), is_behind_crawford=True) == 0.32


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (".32 .5 .6", ".32 .5", "pre-crawford row 2, column 3: 3 rows need 3 columns, here are 2"),
        (".32 .5 .6", ".32 .5 .6 .7", "pre-crawford row 2, column 4"),
        (".32 .5 .6", ".32 - .6", "pre-crawford row 2, column 2: '-' is no chance"),
        (".32 .5 .6", ".32 nan .6", "row 2, column 2: 'nan'"),
        (".32 .5 .6", ".32 .5 1.6", "row 2, column 3: '1.6'"),
        (".32 .5 .6", ".32 .5 .7", "row 2, column 3: 0.7 and 0.4 of the opponent"),
        (".5 .49 .32\n", "", "'post-Crawford' needs 1 row, it has 0"),
        (".5 .49 .32\n", ".5 .49\n", "post-crawford row 1, column 3"),
        ("name Small", "table Small", "line 2"),
        ("pre-Crawford", "# pre-Crawford", "line 5"),
    ],
)
def test_a_table_with_a_hole_is_refused_with_row_and_column(old: str, new: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        parse_table(SMALL.replace(old, new), "small.txt")
    assert message in str(error.value)
    assert "small.txt" in str(error.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.txt"):
        read_table(tmp_path / "missing.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"bytes\.txt"):
        read_table(tmp_path / "bytes.txt")


def test_beyond_its_last_row_a_table_goes_on_smoothly() -> None:
    table = default_table()
    long = extend_table(table, 64)
    assert (long.before[:25, :25] == table.before).all()
    assert np.abs(long.before + long.before.T - 1).max() < 1e-9
    assert (np.diff(long.before, axis=0) < 1e-4).all()
    assert (np.diff(long.behind) <= 0).all()
    # the formula meets the table where both know: cut off at 15 and extended again
    cut = parse_table(_text(15), "cut")
    assert np.abs(extend_table(cut, 25).before - table.before).max() < 0.02
    assert np.abs(extend_table(cut, 25).behind - table.behind).max() < 0.01


def _text(size: int) -> str:
    table = default_table()
    rows = [" ".join(map(str, row[:size])) for row in table.before[:size]]
    return "\n".join(["pre-Crawford", *rows, "post-Crawford", " ".join(map(str, table.behind[:size]))])


def test_a_match_beyond_the_extension_is_refused() -> None:
    with pytest.raises(DataError, match=str(MAX_LENGTH)):
        extend_table(default_table(), MAX_LENGTH + 1)


@pytest.mark.parametrize(("size", "mean"), [(7, 0.0036), (9, 0.0033), (11, 0.0030)])
def test_a_table_from_gammon_rates_is_close_to_rollouts(size: int, mean: float) -> None:
    differences = np.abs(compute_table(size).before - default_table().before[:size, :size])
    assert differences.mean() == pytest.approx(mean, abs=1e-4)
    assert differences.max() < 0.0137


def test_more_gammons_help_whoever_needs_many_points() -> None:
    few, many = compute_table(7, 0.1, 0.0), compute_table(7, 0.4, 0.0)
    assert many.chance((5, 1)) > few.chance((5, 1))
    assert compute_table(5).chance((3, 3)) == 0.5


def test_shares_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"backgammons 0\.5"):
        compute_table(5, 0.2, 0.5)
