"""The kinds of files that the program writes for itself: how one is made, read, and sealed again after a damage.

`scripts.corrupt_files` damages them. Whatever a checksum says, structure and values must be checked by the reader.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.analysis.error_store import ErrorStore
from backgammon.analysis.flash_cards import write_anki, write_xg_text
from backgammon.analysis.judging import judge_match
from backgammon.analysis.ranking import PlayJudge
from backgammon.analysis.report import make_report
from backgammon.evaluation.bearoff import BearoffSize
from backgammon.evaluation.bearoff.store import build, open_tables
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.learner.coach.people_model import load_people, shipped_people
from backgammon.learner.data.shard_format import FIELDS, LABELS, MANIFEST, fingerprint_of, open_array, read_manifest
from backgammon.learner.data.shards import open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.model_files import load_model, make_model, weight_shapes
from backgammon.learner.net.scorer import Scorer
from backgammon.learner.teach.line_labels import lines_of_shards, write_line_labels
from backgammon.learner.teach.self_play import GamesPlan, play_games, write_game_shards
from backgammon.learner.teach.shard_labels import LabelPlan, label_shards
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.learner.training.shard_training import train_on_shards
from backgammon.records import replay_match
from backgammon.rules.board import START
from backgammon.rules.movegen import legal_candidates
from backgammon.search import Ranker, RolloutSettings, RolloutUnit, Searcher, SearchSettings, Workshop
from backgammon.table.saved_session import SavedSession, open_session
from backgammon.table.session import Session, play_session
from backgammon.tools import kernel_cache
from backgammon.tools.errors import DataError
from backgammon.tools.jobs.result_store import ResultStore
from comparison_net.checkpoint import save_model
from comparison_net.config import TrainConfig, to_toml
from comparison_net.network_config import NetworkConfig
from comparison_net.training.loop import Interrupted
from comparison_net.training.progress import SilentReporter, StepReport
from comparison_net.training.run_folder import RunFolder
from comparison_net.training.run_state import RunState
from tests.board_nets import ENCODER
from tests.evaluators import PipEvaluator
from tests.positions import random_play_decisions

DIGEST = re.compile(rb"sha256\W+([0-9a-f]{64})")
Read = Callable[[Path], Any]


@dataclass(frozen=True)
class Kind:
    """A kind of own file.

    Attributes:
        name: for people.
        write: writes undamaged files into a folder; gives those that are to be damaged.
        read: reads what lies in the folder and gives something to compare; raises what a reader may raise.
        seal: corrects the checksum of a damaged file, as far as it still has one.
        is_sane: whether what was read from a file with a corrected checksum is such a thing at all.
        has_checksum: False of a file for people, in which another digit is another truth.
    """

    name: str
    write: Callable[[Path], list[Path]]
    read: Read
    seal: Callable[[Path], None]
    is_sane: Callable[[Any], bool]
    has_checksum: bool = True


def seal_container(path: Path) -> None:
    """The digest of a file of tensors: over all bytes, with the digest itself blanked out."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    place = DIGEST.search(content, 8, min(len(content), 8 + length))
    if place is not None:
        start, end = place.span(1)
        digest = hashlib.sha256(content[:start] + b"0" * 64 + content[end:]).hexdigest().encode()
        path.write_bytes(content[:start] + digest + content[end:])


def seal_result(path: Path) -> None:
    """The first line of a kept unit."""
    _, _, result = path.read_bytes().partition(b"\n")
    digest = hashlib.sha256(path.name.removesuffix(".result").encode() + b"\n" + result).hexdigest()
    path.write_bytes(digest.encode() + b"\n" + result)


def seal_shards(path: Path) -> None:
    """The fingerprint in the manifest, where the arrays can still be opened."""
    folder = path.parent
    try:
        manifest = read_manifest(folder)
        arrays = {name: open_array(folder, name, FIELDS[name], manifest.decisions) for name in FIELDS}
        arrays |= {name: open_array(folder, name, LABELS[name], manifest.candidates) for name in manifest.labels}
        values = manifest.to_dict() | {"fingerprint": fingerprint_of(manifest, arrays)}
    except Exception:  # whatever the damage makes of it: then there is nothing to correct
        return
    (folder / MANIFEST).write_text(json.dumps(values), encoding="utf-8")


def seal_nothing(_path: Path) -> None:
    """A file without a checksum."""


BOARDS_TO_JUDGE = legal_candidates(*random_play_decisions(20, seed=3))[0]
GAMES = GamesPlan(games=2, noise=(0.5,), seed=5)
UNIT = RolloutUnit(START.tobytes(), 0, 36)
LABEL_LINES = 12


def write_model(folder: Path) -> list[Path]:
    """A small net with all heads."""
    rng = np.random.default_rng(1)
    network = NetworkConfig((16, 8), outcomes=True, score_from="sum").for_domain(BOARDS)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in weight_shapes(network).items()}
    save_model(folder / "m.safetensors", make_model(network, weights, "", {}))
    return [folder / "m.safetensors"]


def read_model(folder: Path) -> Any:
    """What the net says of some positions."""
    scores, outcomes = Scorer(load_model(folder / "m.safetensors"), "m").judge(BOARDS_TO_JUDGE)
    return scores, outcomes


def is_judgement(found: Any) -> bool:
    """Scores are numbers, outcomes chances."""
    scores, outcomes = found
    return bool(np.isfinite(scores).all() and (outcomes >= 0).all() and (np.abs(outcomes.sum(axis=1) - 1) < 1e-4).all())


def write_people(folder: Path) -> list[Path]:
    """The model of people that ships."""
    shipped_people().save(folder / "p.safetensors")
    return [folder / "p.safetensors"]


def read_people(folder: Path) -> Any:
    """Its weights."""
    return list(load_people(folder / "p.safetensors").weights.values())


def are_numbers(found: Any) -> bool:
    """Nothing but finite numbers."""
    return all(bool(np.isfinite(array).all()) for array in found)


SIZE = BearoffSize(points=3, exact_points=3, exact_checkers=3)


def write_bearoff(folder: Path) -> list[Path]:
    """Small tables."""
    return build(SIZE, folder)


def read_bearoff(folder: Path) -> Any:
    """All that the tables hold."""
    tables = open_tables(SIZE, folder).tables
    return tables.off.copy(), tables.first_off.copy(), tables.equities.copy()


def are_chances(found: Any) -> bool:
    """Chances between 0 and 1, equities between -1 and 1."""
    off, first_off, values = found
    return bool((off >= 0).all() and (off <= 1).all() and (first_off >= 0).all() and (np.abs(values) <= 1).all())


PLAYER = pack_teacher(TeacherSpec())


def write_shards_folder(folder: Path) -> list[Path]:
    """A few games."""
    write_game_shards(play_games(PLAYER, GAMES), PLAYER, GAMES, folder / "s")
    return sorted((folder / "s").iterdir())


def read_shards_folder(folder: Path) -> Any:
    """Every decision, and how they are split."""
    shards = open_shards(folder / "s")
    decisions = shards.decisions(np.arange(len(shards)))
    rows = shards.split(0.3)
    return decisions.boards, decisions.dice, decisions.chosen_rows, *rows, shards.points, shards.won, shards.phase


def are_decisions(found: Any) -> bool:
    """As many of everything; winnings that a game can have."""
    boards, dice, chosen, train, held_out, points, won, phase = found
    count = len(boards)
    sizes = {len(dice), len(chosen), len(train) + len(held_out), len(points), len(won), len(phase)}
    return sizes == {count} and bool((np.abs(points) <= 3).all() and (np.abs(won) <= 1).all() and (phase >= 0).all())


def write_labelled(folder: Path) -> list[Path]:
    """A few decisions with labels."""
    write_shards_folder(folder)
    label_shards(open_shards(folder / "s"), PLAYER, folder / "t", LabelPlan(sample=LABEL_LINES))
    return sorted((folder / "t").iterdir())


def read_labelled(folder: Path) -> Any:
    """Every decision with its labels."""
    shards = open_shards(folder / "t")
    decisions = shards.decisions(np.arange(len(shards)))
    return decisions.boards, decisions.dice, decisions.chosen_rows, shards.equities, shards.outcomes


def are_labelled(found: Any) -> bool:
    """A label for each candidate, within its range."""
    boards, dice, chosen, equities, outcomes = found
    num_candidates = len(legal_candidates(boards, dice)[0])
    is_whole = len(boards) == len(dice) == len(chosen) and len(equities) == len(outcomes) == num_candidates
    return is_whole and not bool((np.abs(equities) > 1000).any())


RUN = TrainConfig(
    NetworkConfig((16, 4), outcomes=True), loss="soft", epochs=3, batch_decisions=4, average_decay=0.9, held_out=0.2,
    threads=1,
)  # fmt: skip


class _Stop(SilentReporter):
    """Interrupts in the second epoch."""

    def step(self, report: StepReport) -> None:
        if report.epoch:
            raise Interrupted


def write_run(folder: Path) -> list[Path]:
    """The settings and the log of a training that was interrupted."""
    _begin_run(folder)
    return [folder / "run" / "config.toml", folder / "run" / "log.jsonl"]


def write_state(folder: Path) -> list[Path]:
    """Its state."""
    _begin_run(folder)
    return [folder / "run" / "state.safetensors"]


def _begin_run(folder: Path) -> None:
    write_labelled(folder)
    try:
        train_on_shards(open_shards(folder / "t"), RUN, folder / "run", reporter=_Stop())
    except Interrupted:
        return


def read_run(folder: Path) -> bytes:
    """What a training that goes on takes over of both."""
    run = RunFolder(folder / "run")
    text = to_toml(run.stored_config(BOARDS), BOARDS)
    run.rewind_log(1_000)
    return text.encode() + run.log.read_bytes()


def is_a_run(found: Any) -> bool:
    """Settings, then events."""
    return bytes(found).startswith(b"loss = ") or b"epochs = " in found


def read_state(folder: Path) -> Any:
    """Everything that decides how the training goes on."""
    state = RunState(RUN, ENCODER)
    state.load(folder / "run" / "state.safetensors", open_shards(folder / "t").manifest.fingerprint)
    moments = [moment.numpy() for entry in state.optimizer.state.values() for moment in entry.values()]
    progress = np.frombuffer(json.dumps(vars(state.progress)).encode(), np.uint8)
    return progress, *state.net.weights().values(), *state.average.weights().values(), *state.best.values(), *moments


def is_state(found: Any) -> bool:
    """Numbers, and an epoch that there can be."""
    progress = json.loads(found[0].tobytes())
    return are_numbers(found) and 0 <= progress["epoch"] == len(progress["history"])


def write_errors(folder: Path) -> list[Path]:
    """The store of errors with one match."""
    record = play_session((RandomPlayer(), PipCountPlayer()), Session(("ann", "bob"), seed=4, length=1))
    judge = PlayJudge(Ranker(Searcher(PipEvaluator(), SearchSettings(plies=0))))
    report = make_report(judge_match(record, replay_match(record), judge))
    ErrorStore(folder / "errors.sqlite").keep(report, "one", now=100.0)
    return [folder / "errors.sqlite"]


def read_errors(folder: Path) -> bytes:
    """All that is asked of it."""
    store = ErrorStore(folder / "errors.sqlite")
    matches, players = store.matches(), store.players()
    documents = [store.document(match["id"]) for match in matches]
    errors = [error for name, _ in players for error in store.errors(name)]
    rates = [store.rates(name) for name, _ in players]
    cards = [write_anki(errors), write_xg_text(errors)]
    due = [store.due(name, 200.0)[1] for name, _ in players]
    return json.dumps([matches, players, documents, rates, cards, due]).encode()


def workshop(folder: Path) -> Workshop:
    """Rolls out with a toy."""
    return Workshop(PipEvaluator(), RolloutSettings(games=36, horizon=3), folder=folder)


def write_rollout(folder: Path) -> list[Path]:
    """A kept unit of a rollout."""
    workshop(folder).results([UNIT])
    return sorted(folder.glob("*.result"))


def read_rollout(folder: Path) -> Any:
    """Its outcomes."""
    return workshop(folder).results([UNIT])


def are_outcomes(found: Any) -> bool:
    """Six numbers a game."""
    return found[0].shape == (36, 6) and found[0].dtype == np.float32 and bool(np.isfinite(found[0]).all())


def write_self_play(folder: Path) -> list[Path]:
    """Kept units of self-play."""
    play_games(PLAYER, GAMES, store=ResultStore(folder))
    return sorted(folder.glob("*.result"))


def read_self_play(folder: Path) -> Any:
    """The games."""
    found = play_games(PLAYER, GAMES, store=ResultStore(folder))
    decisions = found.decisions
    return decisions.boards, decisions.dice, decisions.chosen_rows, found.played, found.points, found.winnings


def are_games(found: Any) -> bool:
    """Plays that are there, points that a game can have."""
    boards, dice, chosen, played, points, winnings = found
    sizes = {len(boards), len(dice), len(chosen), len(played), len(points)}
    return (
        len(sizes) == 1 and len(winnings) == GAMES.games and bool((np.abs(points) <= 3).all() and (chosen >= 0).all())
    )


def write_labels(folder: Path) -> list[Path]:
    """A kept unit of labels, with the shards that its lines come from."""
    write_shards_folder(folder)
    _label(folder, lambda _: shutil.copytree(folder / "l.jsonl.parts", folder / "kept"))
    return sorted((folder / "kept").glob("*.result"))


def read_labels(folder: Path) -> Any:
    """The labels."""
    shutil.copytree(folder / "kept", folder / "l.jsonl.parts")
    return _label(folder)


def _label(folder: Path, progress: Callable[[int], Any] | None = None) -> bytes:
    lines = lines_of_shards(open_shards(folder / "s"), LabelPlan(sample=LABEL_LINES))
    write_line_labels(lines, PLAYER, folder / "l.jsonl", progress=progress)
    return (folder / "l.jsonl").read_bytes()


def are_labels(found: Any) -> bool:
    """A line for each decision, with numbers."""
    lines = [json.loads(line) for line in found.splitlines()]
    return len(lines) == LABEL_LINES and all(isinstance(entry[2], float) for one in lines for entry in one["cands"])


@cache
def known_kernel() -> tuple[Path, Any]:
    """The smallest file of compiled code that this program has, and the key of its signature."""
    known = kernel_cache.kernel_folder()
    if known is None or not (found := sorted(known.glob("*/*.nbc"), key=lambda path: path.stat().st_size)):
        raise click.ClickException("no compiled kernels are kept here: run `pairgammon doctor`")
    return found[0], pickle.loads(kernel_cache._read(found[0]))[0]


def write_kernel(folder: Path) -> list[Path]:
    """A file of compiled code."""
    path, _ = known_kernel()
    (folder / path.parent.name).mkdir()
    return [Path(shutil.copy(path, folder / path.parent.name))]


def read_kernel(folder: Path) -> Any:
    """What numba gets; the machine code is not run, for whoever can correct its checksum can write any other too."""
    (path,) = folder.glob("*/*.nbc")
    files = kernel_cache._Files(path.parent, path.name.rpartition("-")[0])
    code = files.load(known_kernel()[1])
    if code is None:
        raise DataError("it is compiled again")
    return pickle.dumps(code)


def is_something(found: Any) -> bool:
    """Anything."""
    return bool(found)


def seal_kernel(path: Path) -> None:
    """The digest behind the first bytes."""
    start = len(kernel_cache._MAGIC) + kernel_cache._DIGEST_BYTES
    content = path.read_bytes()[start:]
    path.write_bytes(kernel_cache._MAGIC + kernel_cache._digest(path, content) + content)


def write_session(folder: Path) -> list[Path]:
    """A game with some actions."""
    session = SavedSession(("Ann", "Bob"), seed=8, length=5)
    for _ in range(12):
        session.throw_dice()
        session.play(0)
    session.save(folder / "s.json")
    return [folder / "s.json"]


def read_session(folder: Path) -> Any:
    """The session as text."""
    return open_session(folder / "s.json").to_text().encode()


def is_text(found: Any) -> bool:
    """JSON."""
    return isinstance(json.loads(found), dict)


KINDS = (
    Kind("model", write_model, read_model, seal_container, is_judgement),
    Kind("people", write_people, read_people, seal_container, are_numbers),
    Kind("bearoff", write_bearoff, read_bearoff, seal_container, are_chances),
    Kind("shards", write_shards_folder, read_shards_folder, seal_shards, are_decisions),
    Kind("labelled", write_labelled, read_labelled, seal_shards, are_labelled),
    Kind("run", write_run, read_run, seal_nothing, is_a_run, has_checksum=False),
    Kind("state", write_state, read_state, seal_container, is_state),
    Kind("rollout", write_rollout, read_rollout, seal_result, are_outcomes),
    Kind("self-play", write_self_play, read_self_play, seal_result, are_games),
    Kind("labels", write_labels, read_labels, seal_result, are_labels),
    Kind("kernel", write_kernel, read_kernel, seal_kernel, is_something),
    Kind("session", write_session, read_session, seal_nothing, is_text, has_checksum=False),
    Kind("errors", write_errors, read_errors, seal_nothing, is_something, has_checksum=False),
)
