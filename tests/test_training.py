"""The training loop: it learns, its result is a function of data and settings, and a kill costs time only."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backgammon.learner.data.comparisons import DecisionSource, make_comparisons
from backgammon.learner.data.decision_shards import write_labelled_shards
from backgammon.learner.data.shards import Shards, build_shards, open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.model_files import load_model
from backgammon.learner.training.shard_training import train_on_shards
from backgammon.rules.phase import PHASES
from backgammon.tools.arrays import Int64s
from backgammon.tools.errors import DataError
from comparison_net.checkpoint import read_tensors, write_tensors
from comparison_net.comparator import CandidateNet
from comparison_net.config import TrainConfig
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import ConfigError, ModelError
from comparison_net.training import loop as training
from comparison_net.training.loop import Interrupted, learning_rate
from comparison_net.training.progress import EpochReport, SilentReporter, StepReport
from comparison_net.training.run_folder import RunFolder
from comparison_net.training.run_state import STATE_KIND, RunState, make_net, make_optimizer
from comparison_net.training.step import Stepper, measure_pipeline
from comparison_net.training.verdict import Verdict
from scripts.resize import first_sums
from tests.board_nets import ENCODER
from tests.played_games import TasteGames, taste_games
from tests.taste_labels import taste_labels

ROOT = Path(__file__).resolve().parent.parent
SMALL = TrainConfig(
    network=NetworkConfig(hidden=(16, 4)),
    epochs=3,
    batch_decisions=100,
    average_decay=0.9,
    held_out=0.2,
    checkpoint_steps=7,
    threads=2,
)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return build_shards(taste_games(30, seed=1), tmp_path_factory.mktemp("data") / "shards")


CARDINAL = dataclasses.replace(
    SMALL, network=NetworkConfig((16, 4), outcomes=True, score_from="equity"), loss="soft", epochs=2
)
"""The settings that read everything a teacher says."""


@pytest.fixture(scope="module")
def labelled(shards: Shards, tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return write_labelled_shards(shards, *taste_labels(shards), tmp_path_factory.mktemp("labelled") / "shards", "taste")


@pytest.fixture(scope="module")
def finished(shards: Shards, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of SMALL that nothing interrupted."""
    run = tmp_path_factory.mktemp("run")
    train_on_shards(shards, SMALL, run)
    return run


def weights_of(run: Path) -> tuple[bytes, bytes]:
    folder = RunFolder(run)
    return folder.model.read_bytes(), folder.last.read_bytes()


class StopAfter(SilentReporter):
    """Presses Ctrl-C after a number of steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def step(self, report: StepReport) -> None:
        if report.step == self.steps:
            signal.raise_signal(signal.SIGINT)


class Recorder(SilentReporter):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def start(self, total_steps: int, done_steps: int, train: int, held_out: int) -> None:
        self.heard.append((total_steps, done_steps, train, held_out))

    def step(self, report: StepReport) -> None:
        self.heard.append(report)

    def epoch(self, report: EpochReport) -> None:
        self.heard.append(report)

    def end(self, summary: Mapping[str, Any]) -> None:
        self.heard.append(summary)


@pytest.mark.parametrize("loss", ["pairwise", "listwise"])
@pytest.mark.parametrize("hidden", [(), (32, 8)], ids=str)
def test_twenty_decisions_are_learnt_by_heart(loss: str, hidden: tuple[int, ...], tmp_path: Path) -> None:
    game = taste_games(1, seed=8).games[0]
    first = np.flatnonzero(~game.plays.is_forced)[:20]
    short = dataclasses.replace(game, plays=game.plays.take(first), seats=game.seats[first])
    data = build_shards(TasteGames([short]), tmp_path / "shards")
    config = TrainConfig(
        network=NetworkConfig(hidden),
        loss=loss,
        epochs=60,
        batch_decisions=20,
        learning_rate=0.03 if hidden else 0.5,
        weight_decay=0.0,
        held_out=0.0,
    )
    train_on_shards(data, config, tmp_path / "run")
    log = [json.loads(line) for line in RunFolder(tmp_path / "run").log.read_text().splitlines()]
    losses = [event["loss"] for event in log if event["event"] == "epoch"]
    assert len(data) == 20
    assert losses[-1] < 0.05 < losses[0]


def test_a_taste_is_learnt_and_shown_on_games_never_seen(shards: Shards, tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, network=NetworkConfig(()), epochs=25, learning_rate=0.1, patience=0)
    config = dataclasses.replace(config, weight_decay=0.01)
    summary = train_on_shards(shards, config, tmp_path / "run")
    assert summary["agreement"] > 0.8
    assert load_model(tmp_path / "run").summary["agreement"] == summary["agreement"]


def test_equal_settings_give_equal_bytes(shards: Shards, finished: Path, tmp_path: Path) -> None:
    train_on_shards(shards, SMALL, tmp_path)
    assert weights_of(tmp_path) == weights_of(finished)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_nothing(threads: int, shards: Shards, finished: Path, tmp_path: Path) -> None:
    train_on_shards(shards, dataclasses.replace(SMALL, threads=threads), tmp_path)
    assert weights_of(tmp_path) == weights_of(finished)


def test_another_seed_gives_other_weights(shards: Shards, finished: Path, tmp_path: Path) -> None:
    train_on_shards(shards, dataclasses.replace(SMALL, seed=2), tmp_path)
    assert weights_of(tmp_path) != weights_of(finished)


def test_the_state_of_torch_is_left_as_it_was(shards: Shards, tmp_path: Path) -> None:
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    train_on_shards(shards, dataclasses.replace(SMALL, epochs=1), tmp_path)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


@pytest.mark.parametrize("steps", [1, 10, 13])
def test_resumed_after_ctrl_c_equals_uninterrupted(steps: int, shards: Shards, finished: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=f"after step {steps}; --resume"):
        train_on_shards(shards, SMALL, tmp_path, reporter=StopAfter(steps))
    with pytest.raises(Interrupted):
        train_on_shards(shards, SMALL, tmp_path, resume=True, reporter=StopAfter(steps + 4))
    train_on_shards(shards, None, tmp_path, resume=True)
    assert weights_of(tmp_path) == weights_of(finished)


def test_resumed_after_sigkill_equals_uninterrupted(shards: Shards, finished: Path, tmp_path: Path) -> None:
    """A process of its own is killed without warning in the middle of the second epoch, past its last checkpoint."""
    code = f"""
import os, signal, sys
from pathlib import Path
from backgammon.learner.data.shards import open_shards
from backgammon.learner.training.shard_training import train_on_shards
from comparison_net.training.progress import SilentReporter
from tests.test_training import SMALL
class Kill(SilentReporter):
    def step(self, report):
        if report.step == 17:
            os.kill(os.getpid(), signal.SIGKILL)
train_on_shards(open_shards(Path({str(shards.path)!r})), SMALL, Path({str(tmp_path)!r}), reporter=Kill())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    heard = Recorder()
    train_on_shards(shards, SMALL, tmp_path, resume=True, reporter=heard)
    assert heard.heard[0][1] == 14, "resumes from the checkpoint, not from the beginning"
    assert weights_of(tmp_path) == weights_of(finished)


def test_the_log_of_a_resumed_run_tells_every_step_once(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train_on_shards(shards, SMALL, tmp_path, reporter=StopAfter(16))
    folder = RunFolder(tmp_path)
    with folder.log.open("a") as log:
        log.write('{"event": "progress", "step": 18}\n{"event": "progr')  # written after the checkpoint, cut by a kill
    train_on_shards(shards, SMALL, tmp_path, resume=True)
    events = [json.loads(line) for line in folder.log.read_text().splitlines()]
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [0, 1, 2]
    assert 18 not in [event["step"] for event in events]
    assert [event["step"] for event in events] == sorted(event["step"] for event in events)


@pytest.mark.parametrize("damage", [b"\xff\xfe\n", b"[" * 100_000 + b"\n", b"3\n", b'{"step": "7"}\n'])
def test_a_damaged_log_is_kept_as_far_as_it_can_be_read(damage: bytes, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    first = b'{"event": "start", "step": 0}\n'
    folder.log.write_bytes(first + damage + first)
    folder.rewind_log(5)
    assert folder.log.read_bytes() == first


def damaged_state(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """A state with other contents and a right checksum."""
    tensors, description = read_tensors(path, STATE_KIND)
    tensors = {name: np.array(tensor) for name, tensor in tensors.items()}
    change(tensors, description["progress"])
    write_tensors(path, STATE_KIND, tensors, description)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, _: tensors["net.trunk.layers.0.weight"].fill(np.nan),
        lambda tensors, _: tensors["adam.trunk.layers.0.weight.exp_avg_sq"].fill(-1),
        lambda tensors, _: tensors["adam.trunk.layers.0.weight.exp_avg"].fill(np.inf),
        lambda tensors, _: tensors.update({"adam.trunk.layers.0.weight.exp_avg": np.zeros(3, np.float32)}),
        lambda tensors, _: tensors.pop("adam.trunk.layers.0.weight.step"),
        lambda tensors, _: tensors.update({"net.trunk.lay": tensors.pop("net.trunk.layers.0.weight")}),
        lambda tensors, _: tensors.update({"best.trunk.layers.0.weight": np.zeros((2, 2), np.float32)}),
        lambda _, progress: progress.update(epoch=-1),
        lambda _, progress: progress.update(epoch=1.5),
        lambda _, progress: progress.update(history=[]),
        lambda _, progress: progress.update(history=[3] * progress["epoch"]),
        lambda _, progress: progress.update(best_epoch=9),
        lambda _, progress: progress.update(decisions=0),
        lambda _, progress: progress.update(loss_sum=float("nan")),
        lambda _, progress: progress.update(best_figure="high"),
        lambda _, progress: progress.update(surprise=1),
    ],
)
def test_a_state_that_no_run_leaves_is_refused_whatever_its_checksum_says(
    change: Callable[[dict[str, Any], dict[str, Any]], object], shards: Shards, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train_on_shards(shards, SMALL, tmp_path, reporter=StopAfter(16))
    damaged_state(tmp_path / "state.safetensors", lambda *_: None)
    RunState(SMALL.for_domain(BOARDS), ENCODER).load(tmp_path / "state.safetensors", shards.manifest.fingerprint)
    damaged_state(tmp_path / "state.safetensors", change)
    with pytest.raises(ModelError, match=r"state\.safetensors: ") as refused:
        train_on_shards(shards, SMALL, tmp_path, resume=True)
    assert "\n" not in str(refused.value)


def test_a_finished_run_is_left_as_it_is(shards: Shards, finished: Path) -> None:
    before = weights_of(finished)
    summary = train_on_shards(shards, None, finished, resume=True)
    assert weights_of(finished) == before
    assert summary["epochs"] == 3


def test_a_run_folder_is_not_overwritten(shards: Shards, finished: Path) -> None:
    with pytest.raises(ConfigError, match="holds a run already; continue it with --resume"):
        train_on_shards(shards, SMALL, finished)


def test_nothing_to_resume_is_said(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run to resume"):
        train_on_shards(shards, SMALL, tmp_path / "nowhere", resume=True)


def test_a_run_killed_before_its_first_checkpoint_starts_over(shards: Shards, finished: Path, tmp_path: Path) -> None:
    RunFolder(tmp_path).start(SMALL.for_domain(BOARDS), BOARDS)
    train_on_shards(shards, SMALL, tmp_path, resume=True)
    assert weights_of(tmp_path) == weights_of(finished)


def test_resuming_with_other_settings_is_refused(shards: Shards, finished: Path) -> None:
    with pytest.raises(ConfigError, match=r"started with epochs = 3, not 5"):
        train_on_shards(shards, dataclasses.replace(SMALL, epochs=5), finished, resume=True)


def test_resuming_with_other_data_is_refused(finished: Path, tmp_path: Path) -> None:
    other = build_shards(taste_games(5, seed=2), tmp_path / "other")
    with pytest.raises(ModelError, match="other training data"):
        train_on_shards(other, None, finished, resume=True)


def test_a_damaged_state_is_refused(shards: Shards, tmp_path: Path) -> None:
    train_on_shards(shards, dataclasses.replace(SMALL, epochs=1), tmp_path)
    state = RunFolder(tmp_path).state
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        train_on_shards(shards, None, tmp_path, resume=True)


def test_training_stops_when_held_out_agreement_gains_no_more(shards: Shards, tmp_path: Path) -> None:
    config = dataclasses.replace(
        SMALL, epochs=60, patience=2, learning_rate=0.05, schedule="constant", average_decay=0.0
    )
    summary = train_on_shards(shards, config, tmp_path)
    assert summary["stopped_early"]
    assert summary["epochs"] == summary["best_epoch"] + 3
    assert load_model(tmp_path).summary["epoch"] == summary["best_epoch"]
    assert load_model(RunFolder(tmp_path).last).summary["epoch"] == summary["epochs"] - 1


def test_a_loss_that_explodes_is_one_line_with_the_mend(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lower learning_rate"):
        train_on_shards(shards, dataclasses.replace(SMALL, learning_rate=1e30, warmup_steps=0), tmp_path)


def test_shards_with_one_match_train_without_a_verdict(tmp_path: Path) -> None:
    single = build_shards(taste_games(1, seed=4), tmp_path / "shards")
    heard = Recorder()
    summary = train_on_shards(single, dataclasses.replace(SMALL, epochs=2), tmp_path / "run", reporter=heard)
    assert summary["agreement"] is None
    assert summary["best_epoch"] == 1, "without a verdict the newest weights are the best"


def test_shards_altered_while_training_are_noticed(tmp_path: Path) -> None:
    data = build_shards(taste_games(3, seed=4), tmp_path / "shards")
    counts = np.array(data.counts)
    counts[:] += 1
    np.save(tmp_path / "shards" / "num_candidates.npy", counts)
    with pytest.raises(DataError, match="build the shards again"):
        train_on_shards(open_shards(tmp_path / "shards", verify=False), SMALL, tmp_path / "run")


def test_every_step_and_epoch_is_reported(shards: Shards, tmp_path: Path) -> None:
    heard = Recorder()
    summary = train_on_shards(shards, SMALL, tmp_path, reporter=heard)
    total, done, num_train, num_held_out = heard.heard[0]
    assert (done, num_train + num_held_out) == (0, len(shards))
    steps = [report for report in heard.heard if isinstance(report, StepReport)]
    epochs = [report for report in heard.heard if isinstance(report, EpochReport)]
    assert [report.step for report in steps] == list(range(1, total + 1))
    assert [report.epoch for report in epochs] == [0, 1, 2]
    assert all(sum(count for _, count in report.figures["by_phase"].values()) == num_held_out for report in epochs)
    assert heard.heard[-1] == summary == json.loads(RunFolder(tmp_path).summary.read_text())


def test_the_pipeline_is_measured_on_both_sides(shards: Shards) -> None:
    rates = measure_pipeline(DecisionSource(shards), ENCODER, SMALL, seconds=0.05)
    assert rates["streamed"] > 0
    assert rates["preloaded"] > 0


def test_a_run_that_ends_tells_how_fast_its_pipeline_is(
    shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "measure_pipeline", partial(measure_pipeline, seconds=0.0))
    pipeline = train_on_shards(shards, dataclasses.replace(SMALL, epochs=1), tmp_path)["pipeline"]
    assert pipeline["streamed"] > 0
    assert pipeline["preloaded"] > 0


def test_held_out_agreement_does_not_depend_on_the_cut(shards: Shards) -> None:
    net = RunState(SMALL, ENCODER).net
    rows = shards.split(0.2)[1]
    with Stepper(DecisionSource(shards), SMALL) as stepper:
        verdict = stepper.judge(net, rows)
        singles = sum((stepper.judge(net, rows[i : i + 1]) for i in range(len(rows))), Verdict.none(6))
    assert verdict.agreed.tolist() == singles.agreed.tolist()
    assert verdict.decisions.sum() == len(rows)


def test_the_learning_rate_rises_and_falls() -> None:
    config = TrainConfig(learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(config, step, 1000) for step in range(1000)]
    assert rates[0] < 0.1
    assert max(rates) == pytest.approx(1.0, abs=1e-3)
    assert rates.index(max(rates)) in range(9, 12)
    assert rates[-1] < 1e-5
    constant = dataclasses.replace(config, schedule="constant")
    assert learning_rate(constant, 999, 1000) == 1.0
    assert learning_rate(constant, 0, 20) == pytest.approx(1 / 3), "a short run warms up for a tenth of it"


def test_training_works_outside_the_main_thread(shards: Shards, tmp_path: Path) -> None:
    thread = threading.Thread(target=train_on_shards, args=(shards, dataclasses.replace(SMALL, epochs=1), tmp_path))
    thread.start()
    thread.join(60)
    assert RunFolder(tmp_path).summary.exists()


def test_a_second_ctrl_c_stops_at_once(shards: Shards, tmp_path: Path) -> None:
    class Impatient(SilentReporter):
        def epoch(self, report: EpochReport) -> None:
            for _ in range(2 + report.epoch):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train_on_shards(shards, SMALL, tmp_path, reporter=Impatient())


def epochs_of(run: Path) -> list[dict[str, Any]]:
    lines = RunFolder(run).log.read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "epoch"]


@pytest.mark.parametrize("score_from", ["head", "equity"])
@pytest.mark.parametrize("hidden", [(), (32, 8)], ids=str)
def test_what_a_teacher_says_is_learnt(
    score_from: str, hidden: tuple[int, ...], labelled: Shards, tmp_path: Path
) -> None:
    network = NetworkConfig(hidden, outcomes=True, score_from=score_from)
    config = dataclasses.replace(CARDINAL, network=network, epochs=12, learning_rate=0.03, patience=0)
    summary = train_on_shards(labelled, dataclasses.replace(config, weight_decay=0.01), tmp_path)
    first, last = epochs_of(tmp_path)[0], epochs_of(tmp_path)[-1]
    for name in ("loss", "equity_loss", "outcome_log_loss", "outcome_brier"):
        assert last[name] < first[name], name
    assert summary["equity_loss"] < 0.5 * first["equity_loss"]
    assert summary["outcome_brier"] < 0.02
    assert summary["selected_by"] == "equity_loss"


def test_the_log_sets_what_is_remembered_beside_what_is_held_out(
    labelled: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, judged = Stepper.judge, []

    def watched(stepper: Stepper, net: CandidateNet, rows: Int64s) -> Verdict:
        judged.append(rows)
        return judge(stepper, net, rows)

    monkeypatch.setattr(Stepper, "judge", watched)
    monkeypatch.setattr(training, "MOST_SEEN", 150)
    train_on_shards(labelled, CARDINAL, tmp_path)
    last = epochs_of(tmp_path)[-1]
    train_rows, held_out_rows = DecisionSource(labelled).split(CARDINAL.held_out, CARDINAL.split_seed)
    np.testing.assert_array_equal(judged[-2], held_out_rows)
    assert len(set(judged[-1]) & set(train_rows)) == 150 == len(judged[-1])
    for losses, rows in ((last["losses"], held_out_rows), (last["trained_on"]["losses"], judged[-1])):
        counts = dict(zip(PHASES, np.bincount(labelled.phase[rows], minlength=len(PHASES)), strict=True))
        assert {name: number for name, (_, number) in losses.items()} == {n: c for n, c in counts.items() if c}
    found = np.array(list(last["losses"].values()))
    assert np.average(found[:, 0], weights=found[:, 1]) == pytest.approx(last["equity_loss"])


def test_results_alone_teach_outcomes_too(shards: Shards, tmp_path: Path) -> None:
    network = NetworkConfig((16, 4), outcomes=True)
    config = dataclasses.replace(SMALL, network=network, epochs=4, learning_rate=0.01)
    with Stepper(DecisionSource(shards), config) as stepper:
        untrained = stepper.judge(RunState(config, ENCODER).net, shards.split(0.2)[1]).figures(BOARDS)
    summary = train_on_shards(shards, config, tmp_path)
    assert summary["equity_loss"] is None
    assert summary["selected_by"] == "agreement"
    assert summary["outcome_log_loss"] < untrained["outcome_log_loss"]


def test_labels_change_nothing_for_losses_that_do_not_read_them(
    labelled: Shards, finished: Path, tmp_path: Path
) -> None:
    train_on_shards(labelled, dataclasses.replace(SMALL, select_by="agreement"), tmp_path)
    mine, theirs = load_model(tmp_path), load_model(finished)
    assert all(mine.weights[name].tobytes() == theirs.weights[name].tobytes() for name in theirs.weights)
    assert mine.data_fingerprint != theirs.data_fingerprint


@pytest.mark.parametrize(("threads", "steps"), [(1, 9), (3, 16)])
def test_outcomes_and_soft_targets_resume_to_the_same_bytes(
    threads: int, steps: int, labelled: Shards, tmp_path: Path
) -> None:
    train_on_shards(labelled, CARDINAL, tmp_path / "whole")
    config = dataclasses.replace(CARDINAL, threads=threads)
    with pytest.raises(Interrupted):
        train_on_shards(labelled, config, tmp_path / "cut", reporter=StopAfter(steps))
    train_on_shards(labelled, config, tmp_path / "cut", resume=True)
    assert weights_of(tmp_path / "cut") == weights_of(tmp_path / "whole")


@pytest.mark.parametrize("score_from", ["head", "equity"])
def test_the_verdict_is_what_it_says_it_is(score_from: str, labelled: Shards) -> None:
    """Each figure once more, decision by decision."""
    config = dataclasses.replace(CARDINAL, network=NetworkConfig((16, 4), outcomes=True, score_from=score_from))
    net = RunState(config, ENCODER).net
    rows = labelled.split(0.2)[1][:60]
    with Stepper(DecisionSource(labelled), config) as stepper:
        figures = stepper.judge(net, rows).figures(BOARDS)
    agreed, lost, log_losses, briers = [], [], [], []
    for row in rows:
        batch = make_comparisons(labelled, np.array([row]))
        assert batch.values is not None
        known = batch.outcome_targets()
        assert known is not None
        targets = known.probabilities
        with torch.no_grad():
            answers = net.answers(batch)
        best, found = int(answers.scores.argmax()), answers.probabilities().numpy()
        agreed.append(best == batch.chosen[0])
        lost.append(1000 * float(batch.values.max() - batch.values[best]))
        log_losses.append(-np.where(targets > 0, targets * np.log(np.maximum(found, 1e-30)), 0).sum(1).mean())
        briers.append(((found - targets) ** 2).sum(1).mean())
    assert figures["agreement"] == np.mean(agreed)
    assert figures["equity_loss"] == pytest.approx(np.mean(lost))
    assert figures["outcome_log_loss"] == pytest.approx(np.mean(log_losses), rel=1e-4)
    assert figures["outcome_brier"] == pytest.approx(np.mean(briers), rel=1e-4)


def test_the_best_epoch_is_the_one_with_the_least_equity_loss(labelled: Shards, tmp_path: Path) -> None:
    config = dataclasses.replace(CARDINAL, epochs=8, learning_rate=0.1, schedule="constant", patience=0)
    summary = train_on_shards(labelled, config, tmp_path)
    losses = [epoch["equity_loss"] for epoch in epochs_of(tmp_path)]
    assert summary["best_epoch"] == int(np.argmin(losses))
    assert load_model(tmp_path).summary["equity_loss"] == min(losses)


def test_equity_loss_cannot_select_where_there_are_no_equities(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no alternative of the held-out decisions has a value"):
        train_on_shards(shards, dataclasses.replace(SMALL, select_by="equity_loss"), tmp_path)


@pytest.mark.parametrize("head", ["dense", "phase"])
def test_sparsity_silences_the_first_layer(head: str, shards: Shards, tmp_path: Path) -> None:
    network = NetworkConfig(hidden=(16, 4), head=head)
    batch = make_comparisons(shards, np.arange(50))
    totals = []
    for sparsity in (0.0, 0.05):
        run = tmp_path / f"{head}-{sparsity}"
        train_on_shards(shards, dataclasses.replace(SMALL, network=network, sparsity=sparsity), run)
        totals.append(np.maximum(first_sums(load_model(run / "last.safetensors"), batch.items), 0).sum())
    assert totals[1] < 0.7 * totals[0]


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_rows_of_patterns_take_their_part_of_a_step(shards: Shards, rate: float) -> None:
    config = dataclasses.replace(
        SMALL, network=NetworkConfig((16, 4), inputs="patterns"), pattern_rate=rate, weight_decay=0.0, threads=1
    )
    net = make_net(config, ENCODER)
    before = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
    with Stepper(DecisionSource(shards), config) as stepper:
        stepper.train(net, make_optimizer(net, config), np.arange(50), 0.01)
    moved = {name: (parameter - before[name]).abs().max().item() for name, parameter in net.named_parameters()}
    # the first step of Adam moves every weight that has a gradient by the step size
    assert moved["trunk.patterns"] == pytest.approx(0.01 * rate, rel=1e-2)
    assert moved["trunk.layers.0.weight"] == pytest.approx(0.01, rel=1e-2)
