"""Rounds of expert iteration: the engine's own look-ahead becomes the expert that the net learns from.

A round is a folder, with the net of the round before as `model`:

    1/games       games of the net against itself, some of their plays random, as shards
    1/pruner      only where the net has its own: a small net that has learnt the choices of these games
    1/labelled    their candidates judged by the net's look-ahead
    1/set         the labelled decisions of the last rounds, and what else is to be learnt from
    1/run         a training on it, from the net of the round before

Every step appears whole or resumes: the same call goes on after an interruption at any moment, to the same bytes. The
plan lies beside the rounds, and another one is refused there.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backgammon.engine.engine_spec import PRUNER, EngineSpec
from backgammon.learner.data.decision_shards import join_shards
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.model_files import load_model
from backgammon.learner.net.packed_model import model_file
from backgammon.learner.teach.self_play import GamesPlan, play_into_shards
from backgammon.learner.teach.shard_labels import LabelPlan, label_shards
from backgammon.learner.teach.teacher import MODEL, TeacherSpec, pack_teacher
from backgammon.learner.training.shard_training import train_on_shards
from backgammon.tools.errors import ConfigError
from backgammon.tools.jobs.content import digest_of
from backgammon.tools.jobs.delivery import Delivery, is_finished
from backgammon.tools.jobs.unit_run import Progress
from backgammon.tools.jobs.work_unit import name_of
from backgammon.tools.jobs.workers import Workers
from backgammon.tools.storage import read_bounded, replace_file
from comparison_net.checkpoint import MAX_BYTES
from comparison_net.config import INDIFFERENT, TrainConfig, load_config
from comparison_net.training.device import check_device
from comparison_net.training.progress import Reporter
from comparison_net.training.run_folder import RunFolder

MAX_PLAN = 1 << 24
"""Bytes of the plan of rounds."""

NOISE = (0.0, 0.05, 0.2, 0.15, 0.0, 0.05, 0.2, 0.3, 0.0, 0.05, 0.2, 0.5, 0.0)
"""Shares of random plays, game by game: ten games as the net meets them, three of what it meets nowhere else."""
EXPERT_NOISE = (0.0, 0.0, 0.2)
"""The same in the games of another player, whose choices count."""
NO_PRUNER = "none"
OWN_PRUNER = "own"
"""The name of a small net that learns in every round from the choices of its games."""

SETTINGS = (
    "loss=soft", "epochs=3", "batch_decisions=1024", "sampled_candidates=10", "learning_rate=0.0006",
    "weight_decay=0.1", "average_decay=0.999", "outcome_weight=10.0", "held_out=0.002", "patience=0",
)  # fmt: skip
"""Of the training of a round; docs/experiments/labels.md says what they are worth."""
PATTERN_SETTINGS = ("pattern_rate=0.1",)
"""Added where the net sees patterns."""
PRUNER_SETTINGS = (
    "loss=listwise", "epochs=1", "batch_decisions=1024", "sampled_candidates=10", "learning_rate=0.004",
    "weight_decay=0.1", "average_decay=0.998", "held_out=0.002", "patience=0", "network.hidden=[64,16]",
    "network.inputs=patterns", "network.head=phase",
)  # fmt: skip
"""Of the training of a small net of a student's own."""

Shown = Callable[[str, int], AbstractContextManager[Progress]]
"""Shows the progress of a step: its title and its size; gives what is called for each unit."""


@dataclass(frozen=True)
class RoundPlan:
    """What every round is like.

    Attributes:
        games: of a round.
        player: who plays them, see `teacher`.
        noise: shares of random plays, taken in turn.
        teachers: who judge; the first is MODEL, the net of the round before.
        plies: of its look-ahead.
        contested: see `TeacherSpec`.
        sample: decisions of a round that are judged; 0 for all.
        prefer: points more for what the player chose; its choices stay the chosen ones then, else the teacher chooses.
        pruner: proposes the replies of the look-ahead: None for the small net that ships, NO_PRUNER, OWN_PRUNER, or a
            model.
        memory: rounds whose labels are learnt from; 0 for all.
        seed: other games.

    Raises:
        ConfigError: numbers out of range, or settings that do not go together.
    """

    games: int = 40_000
    player: str = MODEL
    noise: tuple[float, ...] = NOISE
    teachers: tuple[str, ...] = (MODEL,)
    plies: int = 1
    contested: float = 0.0
    sample: int = 0
    prefer: float = 0.0
    pruner: str | None = None
    memory: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        GamesPlan(self.games, self.noise, self.seed)
        LabelPlan(self.sample, prefer=self.prefer)
        if self.memory < 0 or self.plies < 1:
            raise ConfigError("improve: a look-ahead of at least 1 ply, and a memory of at least 0 rounds")
        if MODEL not in self.teachers[:1]:
            raise ConfigError(f"improve: the first teacher is {MODEL!r}, the net of the round before")
        if self.prefer and self.player == MODEL:
            raise ConfigError("--prefer is for the choices of another player than the net: name one with --player")


@dataclass(frozen=True)
class Improvement:
    """Rounds in a folder.

    Attributes:
        out: the folder.
        start: the net of round 0: a model file or run folder, None for the one that ships.
        plan: of every round.
        also: further labelled shards to learn from.
        config: settings of the training, a file; None for SETTINGS and the shape of `start`.
        settings: more of them, name=value.
        device: where the nets are while they learn, play and judge; see `TeacherSpec`.
    """

    out: Path
    start: str | None = None
    plan: RoundPlan = dataclasses.field(default_factory=RoundPlan)
    also: tuple[Path, ...] = ()
    config: Path | None = None
    settings: tuple[str, ...] = ()
    device: str = "cpu"

    def run(
        self,
        rounds: int,
        workers: Workers | None = None,
        shown: Shown | None = None,
        reporter: Reporter | None = None,
    ) -> Iterator[Path]:
        """The folder of each round's net, as soon as it is there.

        Args:
            rounds: from 1 to so many; those that are there are left alone.
            workers: play and judge; None for the calling thread.
            shown: see `Shown`; None for silence.
            reporter: of the trainings.

        Raises:
            ConfigError: another plan lives in the folder, or the training cannot be set up like that.
            DataError, ModelError: something that is named cannot be read.
        """
        if rounds < 1:
            raise ConfigError(f"{rounds} rounds: at least 1")
        model = model_file(self.start)
        self._keep_plan(model)
        labelled: list[Path] = []
        for number in range(1, rounds + 1):
            one = _Round(self, number, str(model), workers, shown or _silence)
            labelled.append(one.label(reporter))
            recent = labelled[-self.plan.memory :]
            folder = self.out / str(number)
            shards = _joined([*recent, *self.also], folder / "set")
            model = _train(shards, self._train_config(model), folder / "run", reporter)
            yield folder / "run"

    def _train_config(self, model: Path) -> TrainConfig:
        """The settings of a training that goes on from a model.

        Raises:
            ConfigError: settings that do not exist, or a model without chances.
        """
        network = load_model(model).network
        if not network.outcomes:
            raise ConfigError(f"{model}: gives no chances; improve takes a model trained with network.outcomes=true")
        own = (f"start={json.dumps(str(model))}", f"device={self.device}")
        if self.config is not None:
            return load_config(self.config, (*self.settings, *own), BOARDS)
        seen = (f"network.inputs={json.dumps(network.inputs)}", "network.outcomes=true")
        texts = (*SETTINGS, *seen, *(PATTERN_SETTINGS if network.inputs == "patterns" else ()), *self.settings, *own)
        return dataclasses.replace(load_config(None, texts, BOARDS), network=network)

    def _keep_plan(self, model: Path) -> None:
        """Write the plan, or compare it with the one that is there.

        Raises:
            ConfigError: it is another one, or this machine does not have the device.
        """
        config = self._train_config(model)  # reads the model, and says what is wrong with it
        check_device(config.device)
        described = {
            "start": digest_of(read_bounded(model, MAX_BYTES)),
            "plan": dataclasses.asdict(self.plan),
            "also": [open_shards(path, verify=False).manifest.fingerprint for path in self.also],
            "training": _described(config),
        }
        text = json.dumps(described, indent=1, sort_keys=True)
        path = self.out / "plan.json"
        if not path.exists():
            replace_file(path, text.encode() + b"\n")
            return
        try:
            stored = dict(json.loads(read_bounded(path, MAX_PLAN)))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise ConfigError(f"{path}: damaged ({error}); give another --out") from error
        for name, value in json.loads(text).items():
            if stored.get(name) != value:
                raise ConfigError(f"{path}: these rounds were begun with another {name}; give another --out")


class _Round:
    """One round: its games and labels."""

    def __init__(
        self, improvement: Improvement, number: int, model: str, workers: Workers | None, shown: Shown
    ) -> None:
        self._folder = improvement.out / str(number)
        self._number = number
        self._model = model
        self._plan = improvement.plan
        self._device = improvement.device
        self._workers = workers
        self._shown = shown

    def label(self, reporter: Reporter | None) -> Path:
        """Games and labels; the labelled shards."""
        plan, out = self._plan, self._folder / "labelled"
        games = self._play()
        engine = EngineSpec(self._model, plan.plies, pruner=self._pruner(games, reporter))
        teacher = pack_teacher(TeacherSpec(plan.teachers, engine, plan.contested, self._device))
        label_plan = LabelPlan(plan.sample, teacher_chooses=not plan.prefer, prefer=plan.prefer)
        if not is_finished(out):
            size = min(plan.sample or len(games), len(games))
            with self._shown(f"round {self._number}: labels by {teacher.name}", size) as progress:
                label_shards(games, teacher, out, label_plan, self._workers, progress)
        return out

    def _play(self) -> Shards:
        """The games of the round."""
        out = self._folder / "games"
        if is_finished(out):
            return open_shards(out)
        plan = GamesPlan(self._plan.games, self._plan.noise, 1000 * self._plan.seed + self._number)
        spec = EngineSpec(self._model if self._plan.player == MODEL else None)
        player = pack_teacher(TeacherSpec((self._plan.player,), spec, device=self._device))
        with self._shown(f"round {self._number}: games of {player.name}", plan.games) as progress:
            play_into_shards(player, plan, out, self._workers, progress)
        return open_shards(out)

    def _pruner(self, games: Shards, reporter: Reporter | None) -> str | None:
        """What proposes the replies, see `EngineSpec`."""
        if self._plan.pruner != OWN_PRUNER:
            return None if self._plan.pruner == NO_PRUNER else self._plan.pruner or PRUNER
        config = load_config(None, (*PRUNER_SETTINGS, f"device={self._device}"), BOARDS)
        return str(_train(games, config, self._folder / "pruner", reporter))


def _joined(sources: Sequence[Path], out: Path) -> Shards:
    """Shards as they are, or several joined in a folder of their own."""
    if len(sources) == 1:
        return open_shards(sources[0])
    opened = [open_shards(path) for path in sources]
    if not is_finished(out):
        delivery = Delivery(out, name_of({"joined": [one.manifest.fingerprint for one in opened]}))
        if not delivery.is_done:
            draft = delivery.draft
            join_shards(opened, draft)
            delivery.finish(draft)
    return open_shards(out)


def _train(shards: Shards, config: TrainConfig, run: Path, reporter: Reporter | None) -> Path:
    """The model of a training, begun, gone on with, or found."""
    folder = RunFolder(run)
    if not folder.summary.exists():
        train_on_shards(shards, config, run, folder.is_started, reporter)
    return folder.model


def _described(config: TrainConfig) -> dict[str, Any]:
    """What of a configuration decides the weights, but for the net that it starts from, as JSON has it."""
    described: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return {name: value for name, value in described.items() if name not in ("start", *INDIFFERENT)}


def _silence(_title: str, _size: int) -> AbstractContextManager[Progress]:
    return nullcontext(lambda _: None)
