"""A teacher's labels as JSON lines: every candidate of any decisions judged by search or rollout, in units.

Axis legend: N decisions, M candidates of all of them.

    {"id": ..., "dice": ..., "plies": 2, "n": 16, "cands": [[ID after, play, equity, ply, [five chances]], ...]}

Candidates come best first: those judged at the full depth (or rolled out), then the others at 0-ply. Equities are of
the mover, cubeless points; the five chances are GNU Backgammon's cumulative ones. Lines with "xgid" are labelled as
`rank` answers them, with score and cube. Other keys of a decision are handed
on. Rollouts add "rollout": {"games": [...], "errors": [...]}, games and standard errors of the first candidates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from backgammon.evaluation.outcome import cumulative
from backgammon.learner.data.line_ranking import NumberedLine, read_decisions, split_stakes
from backgammon.learner.data.shards import Shards
from backgammon.learner.data.stakes_labels import parse_stakes_label
from backgammon.learner.data.stakes_lines import answer_at_stakes, stakes_record
from backgammon.learner.teach.shard_labels import DECISIONS_OF_UNIT, LabelPlan, sampled_rows
from backgammon.learner.teach.teacher import PackedTeacher, Teacher, find_teacher
from backgammon.notation.gnu_id import position_ids
from backgammon.notation.play_text import format_play
from backgammon.records.formats.decision_line import DecisionLine
from backgammon.records.formats.label_lines import parse_label_line
from backgammon.rules.board import swap
from backgammon.rules.decision import Decision
from backgammon.rules.decisions import Decisions
from backgammon.search import RankedCandidate
from backgammon.tools.arrays import Boards, Float32s
from backgammon.tools.errors import DataError, ModelError, NotationError, PairgammonError
from backgammon.tools.jobs.delivery import Delivery
from backgammon.tools.jobs.message import pack_message, unpack_columns, unpack_message
from backgammon.tools.jobs.unit_run import Progress, do_units
from backgammon.tools.jobs.work_unit import WorkUnit, name_of, unit_of
from backgammon.tools.jobs.workers import Workers
from backgammon.tools.packed import open_unpacked, packed_as_named
from backgammon.tools.storage import replace_file

TASK_VERSION = 2
LINES_OF_UNIT = 512
"""At most; fewer for a teacher that looks deep."""
ROLLED_LINES_OF_UNIT = 2
"""Of rollouts: some seconds each."""

Notice = Callable[[str], None]

_OWN_KEYS = ("best", "candidates", "plies", "n", "cands", "rollout")
"""Keys of a decision that a label replaces."""


def label_lines(
    lines: Iterable[NumberedLine],
    teacher: PackedTeacher,
    workers: Workers | None = None,
    skip: Notice | None = None,
) -> Iterator[bytes]:
    """The labels of the lines, some at a time, nothing kept.

    Args:
        lines: decisions as `rank` reads them.
        teacher: judges.
        workers: None for the calling thread.
        skip: called with a message for each line that cannot be used; None stops at the first.

    Raises:
        NotationError: a line that cannot be used, and nothing to be done with it; the units before it have been given.
    """
    yield from _labels(list(_parts(lines, teacher)), teacher, workers, skip, None, None)


def write_line_labels(
    lines: Iterable[NumberedLine],
    teacher: PackedTeacher,
    out: Path,
    workers: Workers | None = None,
    skip: Notice | None = None,
    progress: Progress | None = None,
) -> int:
    """Write the labels of the lines to `out`, packed if its name ends in .xz or .gz; goes on where it was interrupted.

    Args:
        lines: see `label_lines`.
        teacher: judges.
        out: replaced if it is there.
        workers: None for the calling thread; the result does not depend on them.
        skip: see `label_lines`.
        progress: called for each unit with its lines.

    Returns:
        The number of labelled decisions.

    Raises:
        NotationError: see `label_lines`.
        DataError: a kept unit is damaged.
        OSError: the file cannot be written.
    """
    parts = list(_parts(lines, teacher))
    digest = hashlib.sha256(b"\n".join(text for part in parts for _, text in part)).hexdigest()
    delivery = Delivery(out, name_of({"lines": digest, "teacher": teacher.values}), replaces=True)
    if not delivery.is_done:
        content = b"".join(_labels(parts, teacher, workers, skip, delivery, progress))
        draft = delivery.draft
        replace_file(draft, packed_as_named(out, content))
        delivery.finish(draft)
    with open_unpacked(out) as file:
        return sum(1 for _ in file)


def lines_of_shards(shards: Shards, plan: LabelPlan) -> Iterator[NumberedLine]:
    """The unforced decisions of a shards folder that the plan draws, as lines that name their game."""
    rows = sampled_rows(np.flatnonzero(np.array(shards.counts) > 1), plan)
    for first in range(0, len(rows), LINES_OF_UNIT):
        decisions = shards.decisions(rows[first : first + LINES_OF_UNIT])
        ids, played = position_ids(decisions.boards), position_ids(swap(decisions.afters))
        for place, (name, after) in enumerate(zip(ids, played, strict=True)):
            unit = shards.manifest.units[int(decisions.unit[place])]
            record = {"game": unit, "id": name, "dice": decisions.dice[place].tolist(), "played": after}
            yield first + place + 1, json.dumps(record).encode()


def label_unit(message: bytes) -> bytes:
    """A task: labels of some lines, and what is wrong with those that cannot be used."""
    told, arrays = unpack_message(message)
    texts = list(enumerate(arrays["lines"].tobytes().split(b"\n")))
    teacher = find_teacher(told["teacher"])
    plain, with_stakes, problems = split_stakes(texts)
    decisions, boards, others = read_decisions([texts[place] for place in plain])
    problems |= {plain[place]: problem for place, problem in others.items()}
    found = label_decisions(teacher, [line for _, line in decisions], boards)
    by_place = dict(zip((plain[place] for place, _ in decisions), found, strict=True))
    engine = teacher.stakes_engine
    if engine is None:
        refusal = ModelError(f'{teacher.name} judges plays without a cube: "xgid" lines are labelled by one model')
        problems |= {place: refusal for place, _ in with_stakes}
    else:
        answers = answer_at_stakes(engine, [line for _, line in with_stakes])
        by_place |= dict(zip((place for place, _ in with_stakes), answers, strict=True))
    labels = b"".join(by_place[place] for place in sorted(by_place))
    unusable = [[place, str(problem)] for place, problem in sorted(problems.items())]
    return pack_message({"problems": unusable}, {"labels": np.frombuffer(labels, dtype=np.uint8)})


def label_decisions(teacher: Teacher, decisions: Sequence[DecisionLine], boards: Boards) -> list[bytes]:
    """One labelled line, with line feed, for each of N decisions with boards int8[N, 26]."""
    if not decisions:
        return []
    choices = Decisions.make(boards, np.array([line.roll for line in decisions], dtype=np.int8))
    ranked = teacher.rank(choices)
    ids = position_ids(swap(choices.candidates))
    lines = []
    for index, line in enumerate(decisions):
        start, stop = choices.offsets[index : index + 2].tolist()
        decision = choices.one(index)
        record = {key: value for key, value in line.record.items() if key not in _OWN_KEYS}
        record["id"], record["dice"] = line.position_id, list(line.roll)
        lines.append(_label_text({**record, **_label(decision, ranked[index], ids[start:stop])}))
    return lines


def _parts(lines: Iterable[NumberedLine], teacher: PackedTeacher) -> Iterator[list[NumberedLine]]:
    """The lines of each unit."""
    size = ROLLED_LINES_OF_UNIT if teacher.rolls_out else min(LINES_OF_UNIT, DECISIONS_OF_UNIT[teacher.plies])
    source = iter(lines)
    while part := list(islice(source, size)):
        yield part


def _unit(part: Sequence[NumberedLine], teacher: PackedTeacher) -> WorkUnit:
    texts = np.frombuffer(b"\n".join(text.replace(b"\n", b" ") for _, text in part), dtype=np.uint8)
    return unit_of(label_unit, TASK_VERSION, pack_message({"teacher": teacher.values}, {"lines": texts}), len(part))


def _labels(
    parts: Sequence[Sequence[NumberedLine]],
    teacher: PackedTeacher,
    workers: Workers | None,
    skip: Notice | None,
    delivery: Delivery | None,
    progress: Progress | None,
) -> Iterator[bytes]:
    """The labels of each part, found or made.

    Raises:
        NotationError: a line that cannot be used, and `skip` is None.
    """
    units = (_unit(part, teacher) for part in parts)
    store = None if delivery is None else delivery.store
    for part, result in zip(parts, do_units(units, workers, store, teacher.contents, progress), strict=True):
        problems, labels = _result(part, result)
        for place, problem in problems:
            message = f"line {part[place][0]}: {problem}"
            if skip is None:
                raise NotationError(message)
            skip(message)
        yield labels


def _result(part: Sequence[NumberedLine], result: bytes) -> tuple[list[tuple[int, str]], bytes]:
    """What is wrong with lines of a part, by place, and the labels of the others.

    Raises:
        DataError: it is no result of this part: a unit that was kept may have a right checksum and no sense.
    """
    told, arrays = unpack_columns(result, {"labels": ("uint8", ())})
    labels = arrays["labels"].tobytes()
    try:
        problems = [(int(place), str(problem)) for place, problem in told["problems"]]
        lines = labels.splitlines()
        for line in lines:
            record = stakes_record(line)
            if record is None:
                parse_label_line(line)
            else:
                parse_stakes_label(record, "")
    except (KeyError, TypeError, ValueError, PairgammonError) as error:
        raise DataError(f"a kept unit holds no labels ({error}); delete its folder and run again") from error
    if len(lines) + len(problems) != len(part) or not all(0 <= place < len(part) for place, _ in problems):
        raise DataError(f"a kept unit holds {len(lines)} labels for {len(part)} lines; delete its folder and run again")
    return problems, labels


def _label(decision: Decision, ranked: list[RankedCandidate], ids: Sequence[str]) -> dict[str, object]:
    """What a label adds to a decision."""
    label: dict[str, object] = {"plies": max(one.ply for one in ranked), "n": len(ranked)}
    rolled = [one for one in ranked if one.games]
    if rolled:
        errors = [round(float(one.standard_error or 0.0), 6) for one in rolled]
        label["rollout"] = {"games": [one.games for one in rolled], "errors": errors}
    chances = possible_chances(cumulative(np.stack([one.outcomes for one in ranked]))).tolist()
    label["cands"] = [
        [
            ids[one.row],
            format_play(decision.plays[one.row]),
            round(one.equity, 6),
            one.ply,
            [round(chance, 6) for chance in five],
        ]
        for one, five in zip(ranked, chances, strict=True)
    ]
    return label


def possible_chances(five: Float32s) -> Float32s:
    """Cumulative chances float32[M, 5] moved to what can be: a rollout's, luck subtracted, may be beyond."""
    win = np.clip(five[:, 0], 0, 1)
    gammon = np.clip(five[:, 1], 0, win)
    lost_gammon = np.clip(five[:, 3], 0, 1 - win)
    others = np.clip(five[:, 2], 0, gammon), lost_gammon, np.clip(five[:, 4], 0, lost_gammon)
    found: Float32s = np.stack([win, gammon, *others], axis=1)
    return found


def _label_text(record: dict[str, object]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"
