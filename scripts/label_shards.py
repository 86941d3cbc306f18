"""Let a teacher judge every candidate of a shards folder: cubeless equity and the five chances of the mover.

    python -m scripts.label_shards SHARDS --teacher gnubg:0 --out LABELLED [--workers 2]
    python -m scripts.label_shards SHARDS --teacher runs/one --ply 1 --out LABELLED

SHARDS is what `pairgammon train` leaves in RUN/shards, LABELLED can be given to `pairgammon train`. Teachers:

    gnubg:N     GNU Backgammon (PyPI package `gnubg`, extra [peers]) at N ply; for N of 1 and more the 8 best candidates
                of 0-ply within 0.16 of the top are judged at N ply (its "normal" filter), the others at 0-ply
    joint:MODEL the engine looking ahead as below, its leaves judged by it and by GNU Backgammon's 0-ply together
    MODEL       the engine with a model file or run folder that has an outcome head, or with "default", and the bear-off
                tables; --ply and --filter as in `pairgammon label`

--pruner names the small net that proposes the replies inside a look-ahead: a model, "default" for the one that ships,
or "none".

With --deepen SHARDS have labels already, and the teacher, a MODEL, looks one ply deeper where that matters, see
`scripts.deepening` (there also what --values is for). With --sample only so many decisions are judged, drawn at random:
those of self-play stand in the order of the turns, so a piece of them would hold nothing but openings.

With --choose teacher its best candidate counts as the chosen one from now on: what losses that read nothing but choices
learn, and what held-out agreement compares with. The default keeps the play of the log, which may be a better expert's;
for self-play of an older net it is not.

With --prefer the chosen candidate's equity goes up by so many points after it was judged: the choice of an expert who
errs otherwise than the teacher is evidence too (docs/experiments/student.md).

Games that are over are certain and never asked about. The work is done in parts, files that appear whole or not at all
in a folder beside LABELLED; the same command goes on after an interruption, and the result does not depend on the
number of workers.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from backgammon.engine.peers.gnubg_judge import KEPT, WITHIN, GnubgJudge
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import cumulative, final_outcomes
from backgammon.learner.data.decision_shards import best_rows, pack_probabilities, take_decisions, write_labelled_shards
from backgammon.learner.data.shard_format import LABELS
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.net.scorer import load_pruner, load_scorer
from backgammon.rules.movegen import legal_candidates
from backgammon.search import Searcher, SearchSettings
from backgammon.tools.arrays import Boards, Bools, Dice, Float32s, Float64s, Int64s, Uint16s
from backgammon.tools.errors import ConfigError, DataError, PairgammonError
from scripts.deepening import deepen
from scripts.joint_evaluator import JointEvaluator

CHUNK = 4096
"""Decisions of a part."""

JOINT = "joint:"
"""Before the name of a model: see the head of this file."""

_FIVE_POINTS = np.array([2.0, 1.0, 1.0, -1.0, -1.0])
"""Points of the five cumulative chances: a win counts from -1 to +1."""


class Teacher(Protocol):
    """Judges candidates."""

    @property
    def name(self) -> str:
        """What the shards call it."""

    @property
    def identity(self) -> str:
        """What tells its labels from those of any other teacher."""

    def chances(self, positions: Boards, dice: Dice) -> npt.NDArray[np.floating[Any]]:
        """GNU Backgammon's five cumulative probabilities of every candidate, for the player who makes the play.

        Args:
            positions: int8[B, 26], the player on roll.
            dice: int8[B, 2].

        Returns:
            float[M, 5], decision after decision in canonical order; NaN where it does not judge. Of games that are over
            nothing need be right.
        """


class GnubgTeacher:
    """GNU Backgammon at a ply."""

    def __init__(self, plies: int) -> None:
        self._plies = plies
        self._judge = GnubgJudge(plies)

    @property
    def name(self) -> str:
        """What the shards call it."""
        return f"gnubg {self._plies}-ply"

    @property
    def identity(self) -> str:
        """See `Teacher`; there is one version of the engine in `constraints.txt`."""
        return self.name

    def chances(self, positions: Boards, dice: Dice) -> Float64s:
        """See `Teacher`."""
        candidates, offsets = legal_candidates(positions, dice)
        is_open: Bools = np.any(candidates > 0, axis=1)
        found = np.full((len(candidates), 5), np.nan)
        found[is_open] = self._judge.chances(candidates[is_open], 0)
        if self._plies:
            equities = found @ _FIVE_POINTS
            deep = np.concatenate([first + _kept(equities[first:last]) for first, last in pairwise(offsets)])
            found[deep] = self._judge.chances(candidates[deep], self._plies)
        return found


def _kept(equities: Float64s) -> Int64s:
    """Rows that the filter lets through; with a game that is won at once (NaN) nothing needs a deeper look."""
    if np.isnan(equities).any():
        return np.zeros(0, dtype=np.int64)
    best: Int64s = np.argsort(-equities, kind="stable")[:KEPT]
    is_near: Bools = equities[best] >= equities[best[0]] - WITHIN
    return best[is_near]


class EngineTeacher:
    """The engine with a trained network, looking ahead."""

    def __init__(self, model: str, settings: SearchSettings, pruner: str) -> None:
        self._searcher = Searcher(make_evaluator(model, pruner), settings)

    @property
    def name(self) -> str:
        """What the shards call it."""
        return self._searcher.name

    @property
    def identity(self) -> str:
        """See `Teacher`."""
        return self._searcher.identity

    def chances(self, positions: Boards, dice: Dice) -> Float32s:
        """See `Teacher`."""
        return cumulative(self._searcher.analyse(positions, dice).outcomes)

    def deepen(self, shards: Shards, part: slice, values_only: bool) -> tuple[Float32s, Uint16s]:
        """Labels of the decisions in `part`, judged again where it matters; see `scripts.deepening`."""
        return deepen(self._searcher, shards, part, values_only)


def make_evaluator(model: str, pruner: str = "default") -> Evaluator:
    """What judges the leaves of a look-ahead: the engine with a model, or both engines together.

    Args:
        model: a model file or run folder, or "default"; with JOINT before it for both.
        pruner: a model file or run folder, "default" for the one that ships, or "none".

    Raises:
        ConfigError: the model has no outcomes.
        ModelError: no such model.
        ImportError: the package `gnubg` is missing.
    """
    name = model.removeprefix(JOINT)
    scorer = load_scorer(None if name == "default" else name)
    if not scorer.has_outcomes:
        raise ConfigError(f"{scorer.name}: gives no chances; take a model trained with network.outcomes=true")
    small = None
    if pruner != "none":
        small = load_pruner() if pruner == "default" else load_scorer(pruner)
    engine = ExactEvaluator(scorer, find_or_build(), small)
    return JointEvaluator(engine) if model != name else engine


class TeacherChoice(NamedTuple):
    """Which teacher, as the command line says it."""

    name: str
    plies: int = 0
    filter_name: str = "normal"
    chooses: bool = False
    """Its best candidates become the chosen ones."""
    deepens: bool = False
    """It looks again at labels that are there."""
    pruner: str = "default"
    """What proposes the replies inside its look-ahead, see `make_evaluator`."""
    values_only: bool = False
    """Chances that were not deepened are forgotten, see `scripts.deepening`."""
    bonus: float = 0.0
    """Points that the equity of the chosen candidate is raised by, once it is judged."""


def make_teacher(choice: TeacherChoice) -> Teacher:
    """The teacher that is chosen, see the head of this file.

    Raises:
        ConfigError: a depth or filter that does not exist, a model without outcomes, or the package is missing.
        ModelError: no such model.
    """
    plies = choice.name.removeprefix("gnubg:")
    if plies != choice.name and (choice.deepens or not plies.isdecimal()):
        raise ConfigError(f"teacher {choice.name!r}: write gnubg:0, gnubg:1 or gnubg:2; with --deepen a model")
    try:
        if plies == choice.name:
            return EngineTeacher(choice.name, SearchSettings(choice.plies, choice.filter_name), choice.pruner)
        return GnubgTeacher(int(plies))
    except ImportError as error:
        raise ConfigError("GNU Backgammon's package is missing; install it: pip install -e '.[peers]'") from error


def judge(teacher: Teacher, positions: Boards, dice: Dice) -> tuple[Float32s, Uint16s]:
    """Labels of all candidates of some decisions, float32[M] and uint16[M, 5] as in `shard_format.LABELS`.

    Args:
        teacher: judges.
        positions: int8[B, 26], the player on roll.
        dice: int8[B, 2].
    """
    candidates, _ = legal_candidates(positions, dice)
    five = np.array(teacher.chances(positions, dice), dtype=np.float64)
    is_over, certain = final_outcomes(candidates)
    five[is_over] = cumulative(certain[is_over])
    return ((five @ _FIVE_POINTS) - 1).astype(np.float32), pack_probabilities(five)


class Part(NamedTuple):
    """A piece of the work: some decisions, and the file for their labels."""

    shards: Path
    teacher: TeacherChoice
    first: int
    last: int
    file: Path


_teachers: dict[TeacherChoice, Teacher] = {}
"""Of this process: loading one takes a second."""


def label_part(part: Part) -> int:
    """Judge one part and store its labels; gives the number of its decisions."""
    if part.teacher not in _teachers:
        _teachers[part.teacher] = make_teacher(part.teacher)
    shards = open_shards(part.shards, verify=False)
    rows = slice(part.first, part.last)
    teacher = _teachers[part.teacher]
    if part.teacher.deepens:
        assert isinstance(teacher, EngineTeacher)
        equities, outcomes = teacher.deepen(shards, rows, part.teacher.values_only)
    else:
        equities, outcomes = judge(teacher, shards.boards[rows], shards.dice[rows])
    temporary = part.file.with_name(f".{part.file.stem}.{os.getpid()}.npz")
    np.savez(temporary, equities=equities, outcomes=outcomes)
    temporary.replace(part.file)
    return part.last - part.first


def make_parts(shards: Shards, choice: TeacherChoice, identity: str, folder: Path, chunk: int) -> list[Part]:
    """All parts of the work, in order; the folder is made, or found if it belongs to the same work.

    Args:
        shards: what is to be judged.
        choice: the teacher.
        identity: the teacher's.
        folder: holds the parts.
        chunk: decisions of a part.

    Raises:
        DataError: the folder holds parts of other work.
    """
    about = {"shards": shards.manifest.fingerprint, "teacher": identity, "chunk": chunk}
    if choice.deepens:
        about["deepens"] = "values" if choice.values_only else True
    file = folder / "about.json"
    if file.exists() and json.loads(file.read_text()) != about:
        raise DataError(f"{folder}: holds parts of other work; remove it or give another --out")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(about))
    starts = range(0, len(shards), chunk)
    ends = (min(start + chunk, len(shards)) for start in starts)
    return [
        Part(shards.path, choice, start, end, folder / f"{start:09d}.npz")
        for start, end in zip(starts, ends, strict=True)
    ]


def join_parts(parts: list[Part]) -> dict[str, npt.NDArray[Any]]:
    """The labels of all parts by name, as `write_labelled_shards` takes them."""

    def column(name: str) -> Iterator[npt.NDArray[Any]]:
        for part in parts:
            with np.load(part.file, allow_pickle=False) as stored:
                yield stored[name]

    return {name: np.concatenate(list(column(name))) for name in LABELS}


def label_shards(
    source: Path, choice: TeacherChoice, out: Path, workers: int, chunk: int = CHUNK, sample: int = 0
) -> Shards:
    """Judge every candidate of a shards folder and write the labelled folder, with progress on stderr.

    Args:
        source: the folder.
        choice: the teacher.
        out: the labelled folder.
        workers: processes.
        chunk: decisions of a part.
        sample: judge so many decisions, drawn at random; 0 for all.

    Raises:
        PairgammonError: anything that cannot be used.
    """
    if out.exists():
        raise DataError(f"{out}: exists already; give another folder or remove it")
    shards = open_shards(source)
    if choice.deepens and set(shards.manifest.labels) != set(LABELS):
        raise DataError(f"{source}: has no labels to deepen; judge it with --teacher gnubg:0 first")
    if sample and sample < len(shards):
        shards = _sampled(shards, sample, out.with_name(f".{out.name}.sample"))
    teacher = make_teacher(choice)
    folder = out.with_name(f".{out.name}.parts")
    parts = make_parts(shards, choice, teacher.identity, folder, chunk)
    missing = [part for part in parts if not part.file.exists()]
    started, done, total = time.monotonic(), 0, sum(part.last - part.first for part in missing)
    for number in _work(missing, workers):
        done += number
        rate = done / (time.monotonic() - started)
        print(
            f"{done:,}/{total:,} decisions, {rate:,.0f} decisions/s, {(total - done) / rate:,.0f} s left",
            file=sys.stderr,
            flush=True,
        )
    labels = join_parts(parts)
    labels["equities"][shards.offsets[:-1] + shards.chosen] += np.float32(choice.bonus)
    chosen = best_rows(shards, labels["equities"]) if choice.chooses else None
    labelled = write_labelled_shards(shards, labels["equities"], labels["outcomes"], out, teacher.name, chosen)
    shutil.rmtree(folder)
    if shards.path != source:
        shutil.rmtree(shards.path)
    return labelled


def _sampled(shards: Shards, number: int, folder: Path) -> Shards:
    """So many of the decisions, in a folder of their own that an interrupted run finds again."""
    if folder.exists():
        return open_shards(folder)
    rows = np.sort(np.random.default_rng(number).permutation(len(shards))[:number])
    return take_decisions(shards, rows, folder)


def _work(parts: list[Part], workers: int) -> Iterator[int]:
    """Do the parts, over processes if there are to be several; gives the decisions of each as it is done."""
    if workers == 1:
        yield from map(label_part, parts)
        return
    with ProcessPoolExecutor(workers) as pool:
        for future in as_completed([pool.submit(label_part, part) for part in parts]):
            yield future.result()


def main() -> int:
    """Read the options and do the work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--teacher", default="gnubg:0")
    parser.add_argument("--ply", type=int, default=0, help="depth of a MODEL's look-ahead")
    parser.add_argument("--filter", default="normal", help="which candidates a MODEL looks at deeper")
    parser.add_argument("--pruner", default="default", help="a small model for a MODEL's replies, or none")
    parser.add_argument("--deepen", action="store_true", help="a MODEL looks again at labels that are there")
    parser.add_argument("--values", action="store_true", help="forget the chances that were not deepened")
    parser.add_argument("--sample", type=int, default=0, help="judge so many decisions, drawn at random")
    parser.add_argument("--choose", choices=("keep", "teacher"), default="keep", help="whose plays count as chosen")
    parser.add_argument("--prefer", type=float, default=0.0, help="points more for the candidate that was chosen")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--chunk", type=int, default=CHUNK, help="decisions of a part")
    options = parser.parse_args()
    try:
        plies = max(options.ply, 1) if options.deepen else options.ply
        choice = TeacherChoice(
            options.teacher, plies, options.filter, options.choose == "teacher", options.deepen, options.pruner,
            options.values, options.prefer,
        )  # fmt: skip
        labelled = label_shards(options.shards, choice, options.out, options.workers, options.chunk, options.sample)
    except PairgammonError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    manifest = labelled.manifest
    print(f"{manifest.decisions:,} decisions, {manifest.candidates:,} candidates judged by {manifest.teacher}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
