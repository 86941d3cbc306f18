"""Every candidate of shards judged by a teacher, in units that anybody may do.

Axis legend: D decisions, M candidates of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from backgammon.learner.data.decision_shards import best_rows, take_decisions, write_labelled_shards
from backgammon.learner.data.shards import Shards
from backgammon.learner.teach.teacher import PackedTeacher, find_teacher
from backgammon.learner.teach.teacher_verdict import labels_of
from backgammon.rules.decisions import Decisions
from backgammon.tools.arrays import Float32s, Int64s, Uint16s
from backgammon.tools.errors import ConfigError, DataError
from backgammon.tools.jobs.delivery import Delivery
from backgammon.tools.jobs.message import pack_message, unpack_columns, unpack_message
from backgammon.tools.jobs.unit_run import Progress, do_units
from backgammon.tools.jobs.work_unit import WorkUnit, name_of, unit_of
from backgammon.tools.jobs.workers import Workers

TASK_VERSION = 1
_MOST_POINTS = 3.001
"""That a play can be worth, cube apart; rounding included."""
DECISIONS_OF_UNIT = {0: 8192, 1: 4096, 2: 512, 3: 32}
"""By plies of the teacher: some seconds."""


@dataclass(frozen=True)
class LabelPlan:
    """What becomes of decisions on their way to labels.

    Attributes:
        sample: judge so many, drawn at random, since those of self-play stand in the order of the games; 0 for all.
        seed: of the drawing.
        teacher_chooses: its best candidates count as the chosen ones from now on; else the play of the log, or what the
            player preferred, stays. That may be a better expert's, for self-play of an older net it is not.
        prefer: points that the equity of the chosen candidate is raised by, once it is judged: the choice of an expert
            who errs otherwise than the teacher is evidence too (docs/experiments/student.md).

    Raises:
        ConfigError: a number out of range.
    """

    sample: int = 0
    seed: int = 1
    teacher_chooses: bool = False
    prefer: float = 0.0

    def __post_init__(self) -> None:
        if self.sample < 0 or self.seed < 0 or not 0 <= self.prefer <= 6:
            raise ConfigError(f"{self}: a sample and a seed of at least 0, and 0 to 6 points for what was chosen")


def shard_units(shards: Shards, rows: Int64s, teacher: PackedTeacher) -> Iterator[WorkUnit]:
    """The units of the decisions in `rows`, int64[K], in order."""
    size = DECISIONS_OF_UNIT[teacher.plies]
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        arrays = {name: np.array(getattr(shards, name)[part]) for name in ("boards", "dice", "chosen")}
        message = pack_message({"teacher": teacher.values}, arrays)
        yield unit_of(label_unit, TASK_VERSION, message, len(part))


def label_unit(message: bytes) -> bytes:
    """A task: labels of some decisions; what was chosen is judged as deeply as the best."""
    told, arrays = unpack_message(message)
    decisions = Decisions.make(arrays["boards"], arrays["dice"], arrays["chosen"])
    verdict = find_teacher(told["teacher"]).teach(decisions)
    equities, outcomes = labels_of(verdict)
    return pack_message({}, {"equities": equities, "outcomes": outcomes})


def label_shards(
    source: Shards,
    teacher: PackedTeacher,
    out: Path,
    plan: LabelPlan | None = None,
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> None:
    """Judge the candidates of a shards folder into a new, labelled one; goes on where it was interrupted.

    Args:
        source: the decisions; labels that they have are replaced.
        teacher: judges.
        out: the labelled folder.
        plan: None for all decisions as they are.
        workers: None for the calling thread; the result does not depend on them.
        progress: called for each unit with its decisions.

    Raises:
        DataError: `out` exists, or a kept unit is damaged.
    """
    plan = plan or LabelPlan()
    work = name_of({"shards": source.manifest.fingerprint, "teacher": teacher.values, "plan": asdict(plan)})
    delivery = Delivery(out, work)
    if delivery.is_done:
        return
    rows = sampled_rows(np.arange(len(source)), plan)
    equities, outcomes = _judge(source, rows, teacher, delivery, workers, progress)
    taken = source
    if len(rows) < len(source):
        taken = take_decisions(source, rows, delivery.draft.with_name("sample"))
    equities[taken.offsets[:-1] + taken.chosen] += np.float32(plan.prefer)
    chosen = best_rows(taken, equities) if plan.teacher_chooses else None
    draft = delivery.draft
    write_labelled_shards(taken, equities, outcomes, draft, teacher.name, chosen)
    delivery.finish(draft)


def sampled_rows(rows: Int64s, plan: LabelPlan) -> Int64s:
    """Those of `rows`, int64[K] ascending, that the plan draws."""
    if not plan.sample or plan.sample >= len(rows):
        return rows
    return np.sort(np.random.default_rng(plan.seed).permutation(rows)[: plan.sample])


def _judge(
    source: Shards,
    rows: Int64s,
    teacher: PackedTeacher,
    delivery: Delivery,
    workers: Workers | None,
    progress: Progress | None,
) -> tuple[Float32s, Uint16s]:
    """Labels of the candidates of decisions `rows`, found or made."""
    units = shard_units(source, rows, teacher)
    equities, outcomes = [], []
    for result in do_units(units, workers, delivery.store, teacher.contents, progress):
        _, arrays = unpack_columns(result, {"equities": ("float32", ()), "outcomes": ("uint16", (5,))})
        equities.append(arrays["equities"])
        outcomes.append(arrays["outcomes"])
    found = np.concatenate(equities), np.concatenate(outcomes)
    num_candidates = int(source.counts[rows].sum())
    is_sane = not (np.abs(found[0]) > _MOST_POINTS).any()  # NaN: not judged
    if not is_sane or {len(part) for part in found} != {num_candidates}:
        raise DataError("kept units do not hold labels of these decisions; delete their folder and run again")
    return found
