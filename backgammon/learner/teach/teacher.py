"""Who plays and judges for a net to learn from: named, and in a form that travels to any worker on any machine.

Axis legend: N decisions, M candidates of all of them.

A teacher is named by the names of who judges the leaves of its look-ahead: the engine with a model ("model", a model
file or a run folder), other models, other programs' nets ("gnubg:0"). The engine plays inside the look-ahead, which is
that of every other command: dances looked through, a share of the 0-ply value at 1 ply. "gnubg:N" alone is GNU
Backgammon at N ply, "sage:N" Open Sage. What travels are values that JSON knows, with models by the digest of their
bytes (see `tools.jobs.content`): the same teacher has the same values wherever it is.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.peers.judge_loader import load_judge
from backgammon.engine.peers.peer_evaluator import PeerEvaluator
from backgammon.engine.peers.peer_judge import PeerJudge
from backgammon.engine.peers.peer_name import PEER_JUDGES, is_peer_judge, missing_package
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import equities
from backgammon.evaluation.player import Noise
from backgammon.evaluation.strengths import MAX_PLIES
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.net.packed_model import pack_model, pack_pruner, pack_settings, unpack_settings, write_model
from backgammon.learner.net.scorer import DEFAULT_NAME, load_scorer
from backgammon.learner.teach.contested_searcher import ContestedSearcher
from backgammon.learner.teach.joint_evaluator import JointEvaluator
from backgammon.learner.teach.peer_teacher import PeerTeacher
from backgammon.learner.teach.teacher_verdict import Verdict
from backgammon.rules.decisions import Decisions
from backgammon.search import RankedCandidate, Ranker, Searcher, Workshop
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import ConfigError
from backgammon.tools.jobs.content import install_contents

MODEL = "model"
"""The name of the engine with its model."""


class Teacher(Protocol):
    """Plays, and judges candidates."""

    @property
    def name(self) -> str:
        """What shards and logs call it."""

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:
        """See `Player.choose`."""

    def teach(self, decisions: Decisions) -> Verdict:
        """Every candidate judged."""

    def rank(self, decisions: Decisions) -> list[list[RankedCandidate]]:
        """The candidates of each decision, best first."""

    @property
    def stakes_engine(self) -> Engine | None:
        """Who judges at a score and cube; None where nobody does."""


@dataclass(frozen=True)
class TeacherSpec:
    """Which teacher, as somebody says it.

    Attributes:
        names: who judges, see the module's text; the first of several is the engine that plays.
        engine: the engine; its model is what MODEL stands for.
        contested: decisions whose best two are within so many points are looked at a ply deeper; 0 for none.
        device: where the engine's net judges, see `comparison_net.config`; the generator and the small net that
            proposes replies stay on the processor.
    """

    names: tuple[str, ...] = (MODEL,)
    engine: EngineSpec = field(default_factory=EngineSpec)
    contested: float = 0.0
    device: str = "cpu"


class PackedTeacher(NamedTuple):
    """A teacher that can be sent.

    Attributes:
        values: for a message between workers.
        contents: what they name, by digest.
        name: what shards and logs call it.
        plies: the depth that decides how long it takes.
        rolls_out: it rolls out.
    """

    values: dict[str, Any]
    contents: dict[str, bytes]
    name: str
    plies: int = 0
    rolls_out: bool = False


def pack_teacher(spec: TeacherSpec) -> PackedTeacher:
    """A teacher ready to travel; it is made once here, so that a mistake shows before any work begins.

    Raises:
        ConfigError: names or settings that do not go together, or a program's package is missing.
        ModelError: no such model, or one without the chances that a look-ahead needs.
    """
    _check_names(spec)
    contents: dict[str, bytes] = {}
    engine = spec.engine
    names = [_pack_name(name, engine.model, contents) for name in spec.names]
    pruner = None if isinstance(names[0], str) else pack_pruner(engine, contents)
    values = {"names": names, "engine": pack_settings(engine, pruner), "contested": spec.contested}
    if spec.device != "cpu" and not isinstance(names[0], str):
        values["device"] = spec.device
    install_contents(contents)
    plies = PEER_JUDGES[names[0]].plies if isinstance(names[0], str) else engine.plies
    return PackedTeacher(values, contents, find_teacher(values).name, plies, engine.rollout is not None)


def find_teacher(values: Mapping[str, Any]) -> Teacher:
    """The teacher that was packed as these values; made once in each process, which must know the contents."""
    return _make_teacher(json.dumps(values, sort_keys=True))


def _check_names(spec: TeacherSpec) -> None:
    """Refuse names that do not go together.

    Raises:
        ConfigError: with the mend.
    """
    peers = [name for name in spec.names if is_peer_judge(name)]
    for name in peers:
        if name not in PEER_JUDGES:
            known = [one for one in PEER_JUDGES if one.partition(":")[0] == name.partition(":")[0]]
            raise ConfigError(f"teacher {name!r}: write {', '.join(known[:-1])} or {known[-1]}")
    if not spec.names or len(set(spec.names)) < len(spec.names):
        raise ConfigError("teachers: name each of them once")
    if spec.names == tuple(peers):
        if len(peers) > 1:
            raise ConfigError(f"{' and '.join(peers)} together: name a model first, whose look-ahead they judge for")
        if (replace(spec.engine, threads=1), spec.contested) != (EngineSpec(), 0.0):
            raise ConfigError(f"{peers[0]} looks ahead by itself: model, depth, pruner and rollout are the engine's")
    elif is_peer_judge(spec.names[0]) or any(PEER_JUDGES[name].plies for name in peers):
        raise ConfigError("several teachers: a model first, then models, gnubg:0 or sage:0, which judge the leaves")
    if spec.engine.model and MODEL not in spec.names:
        raise ConfigError(f"the model {spec.engine.model} would not be used: name the teacher {MODEL!r} too")
    if spec.engine.seconds is not None:
        raise ConfigError("a limit of time: labels must not depend on the clock; give a depth")
    if not 0 <= spec.contested <= 1:
        raise ConfigError(f"contested {spec.contested}: give points from 0 to 1")
    if spec.contested and (spec.engine.plies >= MAX_PLIES or spec.engine.rollout):
        raise ConfigError("contested decisions are looked at a ply deeper: give a depth below 3, and no rollout")


def _pack_name(name: str, model: str | None, contents: dict[str, bytes]) -> str | list[str]:
    """A peer's name as it is, a model as its digest and the name that people see."""
    if is_peer_judge(name):
        return name
    return pack_model(model if name == MODEL else name, DEFAULT_NAME, contents)


@lru_cache(maxsize=4)
def _make_teacher(text: str) -> Teacher:
    """The teacher of packed values in JSON."""
    values = json.loads(text)
    names, settings = values["names"], values["engine"]
    if isinstance(names[0], str):
        return PeerTeacher(_load_peer(names[0]))
    with tempfile.TemporaryDirectory(prefix="pairgammon-models-") as place:
        folder = Path(place)
        paths = {number: write_model(name, folder) for number, name in enumerate(names) if isinstance(name, list)}
        others = [
            load_scorer(paths[number]) if number in paths else PeerEvaluator(_load_peer(names[number]))
            for number in range(len(names))[1:]
        ]
        unpacked = unpack_settings(settings, paths[0], folder)
        engine = build_engine(unpacked) if "device" not in values else _build_on(values["device"], unpacked)
    return EngineTeacher(engine, others, values["contested"])


def _load_peer(name: str) -> PeerJudge:
    """The program of a name.

    Raises:
        ConfigError: its package is missing.
    """
    try:
        return load_judge(PEER_JUDGES[name])
    except ImportError as error:
        raise ConfigError(missing_package(name)) from error


def _build_on(device: str, spec: EngineSpec) -> Engine:
    """An engine whose net is on a device; only this needs torch."""
    from backgammon.learner.training.device_evaluator import build_device_engine

    return build_device_engine(spec, device)


class EngineTeacher:
    """The engine looking ahead, and others that judge its leaves beside it."""

    def __init__(self, engine: Engine, others: Sequence[Evaluator] = (), contested: float = 0.0) -> None:
        """Put it together.

        Args:
            engine: plays and judges.
            others: judge the leaves too.
            contested: see `TeacherSpec`.

        Raises:
            ModelError: the network gives no chances, and more than its choices is asked for.
        """
        if others or contested:
            engine.evaluator.require_outcomes()
        self._engine = engine
        self._player: Engine | Ranker = engine
        self._ranker = _join(engine, others) if engine.has_outcomes else None
        if self._ranker is not None and contested:
            deeper = _join(engine.at(plies=engine.spec.plies + 1), others).searcher
            self._ranker = Ranker(ContestedSearcher(self._ranker.searcher, deeper, contested))
        if self._ranker is not None and (others or contested):
            self._player = self._ranker

    @property
    def name(self) -> str:
        """What shards and logs call it."""
        return f"{self._engine.net_name} 0-ply" if self._ranker is None else self._ranker.name

    @property
    def stakes_engine(self) -> Engine | None:
        """The engine where it alone judges, and gives chances."""
        return self._engine if self._player is self._engine and self._engine.has_outcomes else None

    def choose(self, boards: Boards, dice: Dice, noise: Noise | None = None) -> Int64s:
        """Rows int64[N] of the best candidates."""
        return self._player.choose(boards, dice, noise)

    def teach(self, decisions: Decisions) -> Verdict:
        """See `Teacher.teach`.

        Raises:
            ModelError: the network gives no chances.
        """
        ranker = self._judge
        analysis = ranker.searcher.analyse_decisions(decisions)
        if not analysis.plies.any():
            return Verdict(analysis, analysis.equities)
        return Verdict(analysis, equities(ranker.evaluator.judge_plays(decisions).outcomes))

    def rank(self, decisions: Decisions) -> list[list[RankedCandidate]]:
        """See `Teacher.rank`; what the look-ahead judges at its full depth is rolled out if that was asked for."""
        return self._judge.rank(decisions)

    @property
    def _judge(self) -> Ranker:
        """What judges.

        Raises:
            ModelError: the network gives no chances.
        """
        self._engine.evaluator.require_outcomes()
        assert self._ranker is not None
        return self._ranker


def _join(engine: Engine, others: Sequence[Evaluator]) -> Ranker:
    """The engine's ranker, its leaves judged by others too."""
    if not others:
        return engine.ranker
    joint, rollout = JointEvaluator(engine.evaluator, others), engine.spec.rollout
    searcher = Searcher(joint, engine.searcher.settings)
    return Ranker(searcher, None if rollout is None else Workshop(joint, rollout))
