"""Shards: what goes in comes out, whole or not at all, and no match on both sides of the split."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from backgammon.learner.data.comparisons import make_comparisons, split_rows
from backgammon.learner.data.shard_format import FIELDS, MANIFEST, file_name
from backgammon.learner.data.shards import Shards, build_shards, open_shards, write_shards
from backgammon.rules.phase import phase_codes
from backgammon.tools.errors import DataError
from tests.played_games import TasteGames, taste_games


@pytest.fixture(scope="module")
def games() -> TasteGames:
    return taste_games(40, seed=1)


@pytest.fixture(scope="module")
def shards(games: TasteGames, tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return build_shards(games, tmp_path_factory.mktemp("shards") / "data")


@pytest.fixture
def copy(games: TasteGames, tmp_path: Path) -> Path:
    """A folder of its own, to be damaged."""
    return build_shards(games, tmp_path / "copy").path


def test_every_unforced_play_is_there_in_order(games: TasteGames, shards: Shards) -> None:
    free = [(game, i) for game in games.games for i in np.flatnonzero(game.plays.counts > 1)]
    assert len(shards) == shards.manifest.decisions == len(free)
    for d, (game, i) in enumerate(free):
        assert shards.boards[d].tolist() == game.plays.boards[i].tolist()
        assert shards.dice[d].tolist() == game.plays.dice[i].tolist()
        assert (shards.chosen[d], shards.counts[d]) == (game.plays.chosen_rows[i], game.plays.counts[i])
        assert shards.manifest.units[shards.unit[d]] == game.unit
        assert shards.manifest.players[shards.player[d]] == game.players[game.seats[i]]
    assert shards.phase.tolist() == phase_codes(np.asarray(shards.boards)).tolist()


def test_forced_plays_are_dropped_and_counted(games: TasteGames, shards: Shards) -> None:
    assert shards.manifest.forced == sum(int((game.plays.counts == 1).sum()) for game in games.games) > 0
    assert int(shards.counts.min()) >= 2


def test_the_result_is_kept_for_the_player_on_roll(games: TasteGames, shards: Shards) -> None:
    for number, game in enumerate(games.games):
        rows = np.flatnonzero(shards.game == number)
        seats = game.seats[game.plays.counts > 1]
        assert shards.points[rows].tolist() == [game.points if seat == 0 else -game.points for seat in seats]
        expected = [0 if game.winner is None else (1 if seat == game.winner else -1) for seat in seats]
        assert shards.won[rows].tolist() == expected
    assert {-1, 1} <= set(shards.won.tolist())


def test_the_reports_account_travels_in_the_manifest(games: TasteGames, shards: Shards) -> None:
    assert shards.manifest.report == {"num_games": len(games.games)}
    assert shards.manifest.sources == ("session-0.mat", "session-1.mat", "session-2.mat")
    assert shards.manifest.games == len(games.games)


def test_arrays_are_read_only_maps(shards: Shards) -> None:
    for name in FIELDS:
        array = getattr(shards, name)
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable


def test_the_fingerprint_names_the_data_wherever_it_lies(shards: Shards, copy: Path, tmp_path: Path) -> None:
    assert open_shards(copy).manifest.fingerprint == shards.manifest.fingerprint
    other = build_shards(taste_games(40, seed=2), tmp_path / "other")
    assert other.manifest.fingerprint != shards.manifest.fingerprint


def test_no_unit_is_on_both_sides_of_the_split(shards: Shards) -> None:
    train, held_out = shards.split(0.3, seed=5)
    assert sorted([*train, *held_out]) == list(range(len(shards)))
    assert not set(shards.unit[train].tolist()) & set(shards.unit[held_out].tolist())
    assert 0.1 < len(held_out) / len(shards) < 0.5


def test_more_logs_move_no_unit_to_the_other_side(shards: Shards, tmp_path: Path) -> None:
    first = taste_games(40, seed=1).games
    larger = build_shards(TasteGames([*taste_games(15, seed=7).games, *first]), tmp_path / "larger")

    def held_out_units(data: Shards) -> set[str]:
        return {data.manifest.units[number] for number in data.unit[data.split(0.3)[1]]}

    assert held_out_units(shards) == {name for name in held_out_units(larger) if name.startswith("game-1-")}


def test_another_seed_is_another_split(shards: Shards) -> None:
    assert shards.split(0.3, seed=1)[1].tolist() != shards.split(0.3, seed=2)[1].tolist()


def test_nothing_is_held_out_when_nothing_is_asked_for(shards: Shards) -> None:
    assert len(shards.split(0.0)[1]) == 0


@pytest.mark.parametrize("num_units", [1, 2])
def test_very_few_units_leave_something_to_train_on(num_units: int, tmp_path: Path) -> None:
    few = build_shards(taste_games(num_units, seed=3), tmp_path / "few")
    for share in (0.01, 0.9):
        train, held_out = few.split(share)
        assert len(train) > 0
        assert (len(held_out) > 0) == (num_units > 1)


def test_logs_without_a_choice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no decision"):
        build_shards(TasteGames([]), tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_not_overwritten(games: TasteGames, copy: Path) -> None:
    with pytest.raises(DataError, match="exists"):
        build_shards(games, copy)


def test_a_build_that_breaks_leaves_nothing(games: TasteGames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(DataError, match="No space left"):
        build_shards(games, tmp_path / "data")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*FIELDS, "manifest"])
def test_any_truncated_file_is_refused(name: str, copy: Path) -> None:
    file = copy / (MANIFEST if name == "manifest" else f"{file_name(name)}.npy")
    content = file.read_bytes()
    for keep in (0, 5, 64, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:keep])
        if name == "manifest" and keep == len(content) - 1:
            continue  # only the final line feed is missing
        with pytest.raises(DataError):
            open_shards(copy)


@pytest.mark.parametrize("name", FIELDS)
def test_any_altered_array_is_refused(name: str, copy: Path) -> None:
    file = copy / f"{file_name(name)}.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 4
    file.write_bytes(content)
    with pytest.raises(DataError, match="fingerprint"):
        open_shards(copy)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("boards", -128), ("boards", 16), ("dice", 0), ("dice", 7), ("counts", 0), ("counts", 2**31 - 1),
        ("chosen", -1), ("chosen", 2**30), ("points", 4), ("won", -2), ("unit", -1), ("unit", 2**31 - 1),
        ("game", 2**31 - 1), ("player", -5), ("phase", 6), ("phase", -1),
    ],
)  # fmt: skip
def test_contents_that_nobody_builds_are_refused_whatever_the_fingerprint_says(
    name: str, value: int, games: TasteGames, tmp_path: Path
) -> None:
    good = build_shards(games, tmp_path / "good")
    arrays = {field: np.array(getattr(good, field)) for field in FIELDS}
    arrays[name][7] = value
    with pytest.raises(DataError, match=f"{name}, row 7: .* must stand there"):
        write_shards(tmp_path / "bad", good.manifest, arrays)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"equities": np.inf}, "equities, row 3"),
        ({"equities": 1e30}, "equities, row 3"),
        ({"outcomes": 65_534}, "outcomes, row 3"),
        ({"candidates": 5}, "does not hold|candidates are counted"),
    ],
)
def test_labels_that_nobody_writes_are_refused(
    values: dict[str, float], message: str, games: TasteGames, tmp_path: Path
) -> None:
    good = build_shards(games, tmp_path / "good")
    total = int(values.get("candidates", good.offsets[-1]))
    arrays = {field: np.array(getattr(good, field)) for field in FIELDS}
    arrays |= {"equities": np.zeros(total, np.float32), "outcomes": np.zeros((total, 5), np.uint16)}
    for name in values.keys() & arrays.keys():
        arrays[name][3] = values[name]
    manifest = dataclasses.replace(good.manifest, labels=("equities", "outcomes"), candidates=total)
    with pytest.raises(DataError, match=message):
        write_shards(tmp_path / "bad", manifest, arrays)


def test_any_bit_of_a_head_that_flips_is_refused(copy: Path) -> None:
    file = copy / f"{file_name('dice')}.npy"
    content = file.read_bytes()
    for bit in range(0, 128 * 8, 3):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        with pytest.raises(DataError, match="does not hold"):
            open_shards(copy)


@pytest.mark.parametrize(
    "values",
    [
        {"decisions": "9"}, {"decisions": -1}, {"decisions": 1 << 62}, {"games": 1.5}, {"units": [1]}, {"forced": True},
        {"report": []}, {"teacher": "me"}, {"fingerprint": None}, {"format_version": 2, "labels": ["equities"] * 2,
        "candidates": 3, "teacher": ""}, {"format_version": 2, "labels": [["x"]], "candidates": 3, "teacher": ""},
    ],
)  # fmt: skip
def test_a_manifest_with_values_of_another_kind_is_refused(values: dict[str, object], copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**manifest, **values}))
    with pytest.raises(DataError):
        open_shards(copy)


def test_what_is_no_file_is_neither_read_nor_waited_for(copy: Path) -> None:
    for name in ("manifest.json", f"{file_name('dice')}.npy"):
        kept = (copy / name).read_bytes()
        (copy / name).unlink()
        os.mkfifo(copy / name)
        with pytest.raises(DataError):
            open_shards(copy)
        (copy / name).unlink()
        (copy / name).symlink_to("/dev/zero")
        with pytest.raises(DataError):
            open_shards(copy)
        (copy / name).unlink()
        (copy / name).write_bytes(kept)
    open_shards(copy)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "other", "not the manifest"),
        ("format_version", 99, "version 99"),
        ("order_version", 99, "order 99"),
        ("units", 3, "damaged"),
        ("players", ["Eve"], "fingerprint"),
        ("decisions", 1, "does not hold"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(key: str, value: object, message: str, copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(DataError, match=message):
        open_shards(copy)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a shards folder"):
        open_shards(tmp_path)


def test_a_batch_holds_every_candidate_of_its_decisions(games: TasteGames, shards: Shards) -> None:
    rows = np.array([7, 3, 11, 0])
    batch = make_comparisons(shards, rows)
    counts = shards.counts[rows]
    assert np.diff(batch.offsets).tolist() == counts.tolist()
    assert batch.mask().sum(1).tolist() == counts.tolist()
    assert batch.context.tolist() == shards.boards[rows].tolist()
    game = games.games[0]
    first, second = np.flatnonzero(game.plays.counts > 1)[:2]
    assert second == first + 1, "the next play of the game, with nothing in between"
    assert game.seats[second] != game.seats[first]
    played = -game.plays.boards[second][::-1]  # seen by the player who has just moved
    assert batch.items[batch.offsets[3] + batch.chosen[3]].tolist() == played.tolist()


def test_shards_of_another_candidate_order_are_noticed(copy: Path) -> None:
    counts = np.load(copy / "num_candidates.npy")
    counts[5] += 1
    np.save(copy / "num_candidates.npy", counts)
    with pytest.raises(DataError, match="build the shards again"):
        make_comparisons(open_shards(copy, verify=False), np.arange(10))


def test_parts_are_alike_in_candidates_and_keep_the_order(shards: Shards) -> None:
    rows = np.random.default_rng(1).permutation(len(shards))
    parts = split_rows(shards, rows, part_candidates=500)
    assert np.concatenate(parts).tolist() == rows.tolist()
    sizes = [int(shards.counts[part].sum()) for part in parts]
    assert len(parts) == round(sum(sizes) / 500)
    assert max(sizes) - min(sizes) <= 2 * int(shards.counts.max())
    assert len(split_rows(shards, rows[:1], part_candidates=500)) == 1
