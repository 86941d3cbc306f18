"""Labels in shards: they stay with their candidates, and they are part of what the data are."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from backgammon.evaluation.outcome import equities, final_outcomes
from backgammon.learner.data.comparisons import (
    DecisionSource,
    known_outcomes,
    make_comparisons,
    outcomes_of_points,
)
from backgammon.learner.data.decision_shards import (
    Origin,
    best_rows,
    copy_shards,
    join_shards,
    pack_outcomes,
    pack_probabilities,
    write_decisions,
    write_labelled_shards,
)
from backgammon.learner.data.shard_format import FIELDS, LABELS, MANIFEST, NOT_JUDGED, PROBABILITY_UNIT
from backgammon.learner.data.shards import Shards, build_shards, open_shards
from backgammon.records import DecisionSet, Labels
from backgammon.rules.board import START
from backgammon.rules.decisions import Decisions
from backgammon.tools.errors import DataError
from comparison_net.choices import ChoiceSets, OutcomeTargets
from comparison_net.config import load_config
from comparison_net.training.run_state import make_net, make_optimizer
from comparison_net.training.step import Stepper
from tests.board_nets import ENCODER
from tests.played_games import taste_games
from tests.taste_labels import taste_labels, taste_outcomes


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return build_shards(taste_games(12, seed=1, max_rolls=40), tmp_path_factory.mktemp("plain") / "shards")


@pytest.fixture(scope="module")
def labelled(plain: Shards, tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return write_labelled_shards(plain, *taste_labels(plain), tmp_path_factory.mktemp("labelled") / "s", "taste")


@pytest.fixture
def copy(plain: Shards, tmp_path: Path) -> Path:
    """A labelled folder of its own, to be damaged."""
    return write_labelled_shards(plain, *taste_labels(plain), tmp_path / "copy", "taste").path


def set_of(shards: Shards, count: int | None = None) -> DecisionSet:
    """The first decisions of some shards with their labels."""
    rows = np.arange(len(shards) if count is None else count)
    decisions = shards.decisions(rows)
    players = [shards.manifest.players[number] for number in shards.player[rows]]
    assert shards.equities is not None
    assert shards.outcomes is not None
    places = shards.places(rows)
    labels = Labels(
        best=best_rows(shards, shards.equities)[rows].astype(np.int64),
        equities=shards.equities[places],
        plies=np.zeros(len(places), dtype=np.int8),
        chances=(shards.outcomes[places] / PROBABILITY_UNIT).astype(np.float32),
        is_cubeful=np.zeros(len(rows), dtype=np.bool_),
    )
    return DecisionSet(decisions, shards.manifest.units, players, shards.points[rows], labels)


def targets_of(batch: ChoiceSets) -> OutcomeTargets:
    targets = batch.outcome_targets()
    assert targets is not None
    return targets


def test_without_labels_a_folder_is_of_the_first_version(plain: Shards) -> None:
    manifest = json.loads((plain.path / MANIFEST).read_text())
    assert manifest["format_version"] == 1
    assert not {"labels", "candidates", "teacher"} & set(manifest)
    assert plain.equities is None
    assert make_comparisons(plain, np.arange(3)).values is None


def test_labels_say_what_they_are(plain: Shards, labelled: Shards) -> None:
    manifest = json.loads((labelled.path / MANIFEST).read_text())
    assert (manifest["format_version"], manifest["labels"]) == (2, ["equities", "outcomes"])
    assert manifest["candidates"] == plain.counts.sum()
    assert labelled.manifest.teacher == "taste"
    for name in FIELDS:
        assert getattr(labelled, name).tolist() == getattr(plain, name).tolist()


def test_labels_follow_their_candidates_in_any_order(labelled: Shards) -> None:
    rows = np.random.default_rng(3).permutation(len(labelled))[:50]
    batch = make_comparisons(labelled, rows)
    expected = taste_outcomes(batch.items)
    assert batch.values is not None
    np.testing.assert_array_equal(batch.values, equities(expected))
    targets = targets_of(batch)
    assert targets.rows.tolist() == list(range(len(batch.items)))
    np.testing.assert_allclose(targets.probabilities, expected, atol=1e-4)
    assert targets.weights.sum() == pytest.approx(50)


def test_equity_losses_are_what_is_lost_to_the_best(labelled: Shards) -> None:
    batch = make_comparisons(labelled, np.arange(40))
    assert batch.values is not None
    values = [batch.values[first:last] for first, last in zip(batch.offsets, batch.offsets[1:], strict=False)]
    losses = batch.value_losses(batch.chosen)
    assert losses.tolist() == [float(v.max() - v[c]) for v, c in zip(values, batch.chosen, strict=True)]
    assert (losses >= 0).all()
    assert (losses > 0).any()
    assert not batch.value_losses(np.array([v.argmax() for v in values])).any()


def test_what_was_not_judged_costs_as_much_as_the_worst_that_was(labelled: Shards) -> None:
    batch = make_comparisons(labelled, np.arange(2))
    values = np.full(len(batch.items), np.nan, dtype=np.float32)
    first = int(batch.offsets[1])
    values[0], values[1] = 0.5, 0.25
    partial = dataclasses.replace(batch, values=values)
    assert first > 2
    assert partial.value_losses(np.array([1, 0]))[0] == 0.25
    assert partial.value_losses(np.array([2, 0]))[0] == 0.25
    assert np.isnan(partial.value_losses(np.array([2, 0]))[1]), "of the second decision nothing is known"


def test_without_labels_the_result_is_the_target_of_the_chosen_candidate(plain: Shards) -> None:
    batch = make_comparisons(plain, np.arange(len(plain)))
    targets = targets_of(batch)
    known = np.flatnonzero(plain.points != 0)
    assert 0 < len(known) < len(plain), "some games were cut off"
    assert targets.rows.tolist() == (batch.offsets[:-1] + batch.chosen)[known].tolist()
    assert equities(targets.probabilities).tolist() == plain.points[known].tolist()
    assert targets.num_decisions == len(known)


def test_where_nothing_was_judged_the_result_stands_in(plain: Shards, labelled: Shards) -> None:
    known = np.flatnonzero(plain.points != 0)[:2]
    batch = make_comparisons(labelled, known)
    assert labelled.outcomes is not None
    judged = labelled.outcomes[labelled.places(known)]
    judged[: batch.offsets[1]] = NOT_JUDGED
    results = outcomes_of_points(labelled.points[known].astype(np.int64))
    outcomes = known_outcomes(judged, results, batch.offsets, batch.chosen)
    targets = targets_of(dataclasses.replace(batch, outcomes=outcomes))
    assert targets.probabilities[0].tolist() == results[0].tolist()
    assert targets.rows[0] == batch.chosen[0]
    assert targets.rows[1:].tolist() == list(range(batch.offsets[1], batch.offsets[2]))
    assert targets.weights[0] == 1.0
    assert targets.weights[1:].sum() == pytest.approx(1.0)
    assert targets.num_decisions == 2


def test_chances_keep_their_precision_and_what_is_missing() -> None:
    outcomes = np.random.default_rng(1).dirichlet(np.ones(6), size=1000).astype(np.float32)
    packed = pack_outcomes(outcomes)
    assert packed.dtype == np.uint16
    assert packed.max() <= 65_001
    five = np.full((2, 5), 0.25)
    five[1, 3] = np.nan
    assert pack_probabilities(five).tolist() == [[16_250] * 5, [NOT_JUDGED] * 5]


def test_any_change_of_a_label_changes_the_fingerprint(plain: Shards, labelled: Shards, tmp_path: Path) -> None:
    values, outcomes = taste_labels(plain)
    prints = {plain.manifest.fingerprint, labelled.manifest.fingerprint}
    values[7] += 1e-3
    prints.add(write_labelled_shards(plain, values, outcomes, tmp_path / "a", "taste").manifest.fingerprint)
    outcomes[7, 2] += 1
    prints.add(write_labelled_shards(plain, values, outcomes, tmp_path / "b", "taste").manifest.fingerprint)
    prints.add(write_labelled_shards(plain, values, None, tmp_path / "c", "taste").manifest.fingerprint)
    assert len(prints) == 5


@pytest.mark.parametrize("name", LABELS)
def test_altered_or_truncated_labels_are_refused(name: str, copy: Path) -> None:
    file = copy / f"{name}.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 4
    file.write_bytes(content)
    with pytest.raises(DataError, match="fingerprint"):
        open_shards(copy)
    file.write_bytes(content[:-2])
    with pytest.raises(DataError, match=name):
        open_shards(copy)
    file.unlink()
    with pytest.raises(DataError, match=name):
        open_shards(copy)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("labels", ["moods"], "damaged"),
        ("labels", "equities", "damaged"),
        ("candidates", 3, "does not hold float32 for 3 candidates"),
        ("format_version", 1, "damaged"),
        ("format_version", 3, "reads 1 to 2"),
    ],
)
def test_a_manifest_that_does_not_fit_the_labels_is_refused(key: str, value: object, message: str, copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(DataError, match=message):
        open_shards(copy)


def test_labels_of_another_length_are_refused(plain: Shards, tmp_path: Path) -> None:
    values, outcomes = taste_labels(plain)
    with pytest.raises(DataError, match="equities are float32"):
        write_labelled_shards(plain, values[1:], outcomes, tmp_path / "x", "")
    with pytest.raises(DataError, match="outcomes are int64"):
        write_labelled_shards(plain, values, outcomes.astype(np.int64), tmp_path / "x", "")
    with pytest.raises(DataError, match="nothing to add"):
        write_labelled_shards(plain, None, None, tmp_path / "x", "")
    assert not list(tmp_path.iterdir())


def test_the_best_rows_are_the_first_with_the_highest_equity(plain: Shards) -> None:
    values, _ = taste_labels(plain)
    values = np.round(values, 1)  # many are equal now
    starts = plain.offsets
    values[starts[3] : starts[4]] = np.nan
    values[starts[4]] = np.nan
    found = best_rows(plain, values)
    for d in range(len(plain)):
        own = values[starts[d] : starts[d + 1]]
        assert found[d] == (plain.chosen[d] if np.isnan(own).all() else np.nanargmax(own))


def test_a_teacher_may_choose(plain: Shards, tmp_path: Path) -> None:
    values, outcomes = taste_labels(plain)
    chosen = best_rows(plain, values)
    written = write_labelled_shards(plain, values, outcomes, tmp_path / "a", "taste", chosen)
    assert written.chosen.tolist() == chosen.tolist() != plain.chosen.tolist()
    batch = make_comparisons(written, np.arange(len(written)))
    assert not batch.value_losses(batch.chosen).any()
    for wrong in (chosen[1:], chosen - 100, chosen + 4000):
        with pytest.raises(DataError, match="chosen rows must be"):
            write_labelled_shards(plain, values, outcomes, tmp_path / "b", "taste", wrong)


def test_decisions_as_arrays_give_the_same_shards(labelled: Shards, tmp_path: Path) -> None:
    written = write_decisions(set_of(labelled), tmp_path / "again", Origin(teacher="taste"))
    for name in (*FIELDS, *LABELS):
        if name in ("won", "game"):
            continue
        assert getattr(written, name).tobytes() == getattr(labelled, name).tobytes(), name
    assert written.manifest.units == labelled.manifest.units
    assert written.manifest.teacher == "taste"


def test_forced_plays_go_with_their_labels(labelled: Shards, tmp_path: Path) -> None:
    forced = np.zeros(26, dtype=np.int8)  # two checkers on the bar against five points: one enters with the 6
    forced[[25, 6]] = 2, 13
    forced[[24, 23, 22, 21, 20]] = -2
    forced[12] = -5
    first = set_of(labelled, 2)
    assert first.labels is not None
    middle = int(labelled.offsets[1])
    both = first.decisions
    decisions = Decisions.make(
        np.insert(both.boards, 1, forced, axis=0),
        np.insert(both.dice, 1, [5, 6], axis=0),
        np.insert(both.chosen_rows, 1, 0),
        np.array([0, 2, 1]),
    )
    assert decisions.counts[1] == 1
    labels = Labels(
        np.insert(first.labels.best, 1, 0),
        np.insert(first.labels.equities, middle, 9.0),
        np.insert(first.labels.plies, middle, 0),
        np.full((len(decisions.candidates), 5), np.nan, dtype=np.float32),
        np.zeros(3, dtype=np.bool_),
    )
    mixed = DecisionSet(decisions, ["one", "other", "forced"], ["Ann"] * 3, np.zeros(3, np.int8), labels)
    written = write_decisions(mixed, tmp_path / "out")
    assert (written.manifest.forced, len(written)) == (1, 2)
    assert written.equities is not None
    np.testing.assert_array_equal(written.equities, first.labels.equities)
    assert "forced" not in written.manifest.units
    assert written.manifest.labels == ("equities",)
    assert not written.points.any()
    kept = write_decisions(mixed, tmp_path / "kept", keeps_forced=True)
    assert (kept.manifest.forced, kept.counts[1], len(kept)) == (0, 1, 3)
    assert kept.equities is not None
    assert kept.equities[middle] == 9.0


@pytest.mark.parametrize("loss", ["pairwise", "listwise", "soft"])
def test_a_forced_play_teaches_outcomes_and_counts_in_no_agreement(loss: str, tmp_path: Path) -> None:
    board = np.zeros(26, dtype=np.int8)  # two checkers on the bar against a closed board
    board[[25, 13, 8, 6]] = 2, 2, 3, 8
    board[19:25] = -2, -2, -2, -3, -3, -3
    dances = write_decisions(
        DecisionSet(
            Decisions.make(board[None].repeat(8, axis=0), np.array([[2, 1]] * 8, np.int8), np.zeros(8, np.int64)),
            [f"dance {i}" for i in range(8)],
            ["Ann"] * 8,
            np.full(8, -1, dtype=np.int8),
        ),
        tmp_path / "dances",
        keeps_forced=True,
    )
    config = load_config(overrides=["network.hidden=[8]", "network.outcomes=true", f"loss={loss}", "threads=1"])
    net = make_net(config, ENCODER)
    optimizer = make_optimizer(net, config)
    rows = np.arange(8)
    with Stepper(DecisionSource(dances), config) as stepper:
        before = stepper.judge(net, rows)
        losses = [stepper.train(net, optimizer, rows, 0.05) for _ in range(10)]
        after = stepper.judge(net, rows)
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    assert before.decisions.sum() == 0
    assert after.agreement is None
    assert after.log_loss_sum < before.log_loss_sum


def test_columns_that_do_not_belong_together_are_refused(labelled: Shards, tmp_path: Path) -> None:
    found = set_of(labelled, 5)
    assert found.labels is not None
    with pytest.raises(DataError, match="players has 1 entries, 5"):
        dataclasses.replace(found, players=["a"])
    with pytest.raises(DataError, match="equities has"):
        dataclasses.replace(found, labels=dataclasses.replace(found.labels, equities=found.labels.equities[1:]))
    with pytest.raises(DataError, match="no decision"):
        write_decisions(found.take(np.zeros(0, np.int64)), tmp_path / "x")


def test_joined_folders_hold_everything_of_each(labelled: Shards, tmp_path: Path) -> None:
    other = build_shards(taste_games(5, seed=2), tmp_path / "other")
    joined = join_shards([other, labelled, labelled], tmp_path / "joined")
    assert len(joined) == len(other) + 2 * len(labelled)
    assert len(joined.manifest.units) == 5 + 12
    start = int(joined.offsets[len(other)])
    assert joined.equities is not None
    assert joined.outcomes is not None
    assert labelled.equities is not None
    assert np.isnan(joined.equities[:start]).all()
    assert (joined.outcomes[:start] == NOT_JUDGED).all()
    assert joined.equities[start:].tolist() == [*labelled.equities.tolist(), *labelled.equities.tolist()]
    names = [joined.manifest.units[number] for number in joined.unit[len(other) : len(other) + len(labelled)]]
    assert names == [labelled.manifest.units[number] for number in labelled.unit]
    assert joined.game[len(other)] == 5
    assert joined.manifest.teacher == "taste"
    plain = join_shards([other, other], tmp_path / "twice")
    assert plain.manifest.format_version == 1


@pytest.mark.parametrize("can_link", [True, False])
def test_a_copy_is_the_same_data(
    can_link: bool, labelled: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    if not can_link:
        monkeypatch.setattr(os, "link", fail)
    copied = copy_shards(labelled, tmp_path / "deep" / "copy")
    assert copied.manifest == labelled.manifest
    with pytest.raises(DataError, match="exists already"):
        copy_shards(labelled, tmp_path / "deep" / "copy")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["copy"]


def test_certain_outcomes_survive_packing() -> None:
    board = START.copy()
    board[board > 0] = 0
    is_over, certain = final_outcomes(board[None])
    assert is_over.all()
    assert pack_outcomes(certain).tolist() == [[65_000, 65_000, 65_000, 0, 0]]
