"""Shards from decisions that are arrays already: self-play, labelled files, other shards with a teacher's labels.

D decisions, M candidates of all of them together, in the canonical order of the move generator.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.evaluation.outcome import Outcomes, cumulative
from backgammon.learner.data.shard_format import FIELDS, LABELS, NOT_JUDGED, PROBABILITY_UNIT, Manifest
from backgammon.learner.data.shards import Shards, open_shards, write_shards
from backgammon.records.decision_set import DecisionSet
from backgammon.rules import ragged
from backgammon.rules.phase import phase_codes
from backgammon.tools.arrays import Float32s, Int32s, Int64s, Uint16s
from backgammon.tools.errors import DataError
from backgammon.tools.storage import new_folder

_INDICES = {"unit": "units", "player": "players"}
"""Fields that are indices into names of the manifest."""


@dataclass(frozen=True)
class Origin:
    """Where decisions come from, for the manifest.

    Attributes:
        sources: names of the files.
        report: what there is to say about the reading, or the playing.
        teacher: who judged the candidates.
    """

    sources: tuple[str, ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)
    teacher: str = ""


def pack_outcomes(outcomes: Outcomes) -> Uint16s:
    """Outcomes float32[M, 6] in the form of the labels, uint16[M, 5]; NaN in a row: not judged."""
    return pack_probabilities(cumulative(outcomes))


def pack_probabilities(five: npt.NDArray[np.floating[Any]]) -> Uint16s:
    """GNU Backgammon's five probabilities, float[M, 5], in the form of the labels, uint16[M, 5]; NaN: not judged."""
    is_judged = ~np.isnan(five).any(axis=-1)
    packed = np.full(five.shape, NOT_JUDGED, dtype=np.uint16)
    packed[is_judged] = np.rint(np.clip(five[is_judged], 0, 1) * PROBABILITY_UNIT)
    return packed


def write_decisions(found: DecisionSet, out: Path, origin: Origin | None = None, keeps_forced: bool = False) -> Shards:
    """Write decisions into a new shards folder and open it.

    Forced plays and dances are left out as a rule: there is nothing to compare. With `keeps_forced` they stay, each
    with its one candidate, for the outcomes alone: a net that has never seen a position after a dance misjudges it by
    half a point, and look-ahead meets one in every tenth reply.

    Raises:
        DataError: nothing to learn from, or `out` exists or cannot be written.
    """
    origin = origin or Origin()
    kept = np.flatnonzero(~found.decisions.is_forced | keeps_forced)
    if not len(kept):
        raise DataError(f"there is no decision to learn from ({len(found)} forced plays)")
    num_left_out = len(found) - len(kept)
    found = found.take(kept)
    decisions = found.decisions
    units, unit = _number([found.unit_names[number] for number in decisions.unit.tolist()])
    players, player = _number(found.players)
    columns: dict[str, npt.NDArray[Any]] = {
        "boards": decisions.boards,
        "dice": decisions.dice,
        "chosen": decisions.chosen_rows,
        "counts": decisions.counts,
        "points": found.points,
        "won": np.sign(found.points),
        "unit": unit,
        "game": unit,
        "player": player,
        "phase": phase_codes(decisions.boards),
    }
    arrays = {name: values.astype(FIELDS[name][0]) for name, values in columns.items()}
    labels = _label_arrays(found)
    manifest = Manifest(
        decisions=len(decisions),
        games=len(units),
        forced=num_left_out,
        units=units,
        players=players,
        sources=origin.sources,
        report=dict(origin.report),
        labels=tuple(labels),
        candidates=len(decisions.candidates) if labels else 0,
        teacher=origin.teacher if labels else "",
    )
    return write_shards(out, manifest, arrays | labels)


def _label_arrays(found: DecisionSet) -> dict[str, npt.NDArray[Any]]:
    """The labels as shards keep them; chances only if there are any."""
    if found.labels is None:
        return {}
    outcomes = pack_probabilities(found.labels.chances)
    has_outcomes = bool((outcomes[:, 0] != NOT_JUDGED).any())
    return {"equities": found.labels.equities, **({"outcomes": outcomes} if has_outcomes else {})}


def _number(names: Sequence[str]) -> tuple[tuple[str, ...], Int32s]:
    """The different names, in order of appearance, and the index of each into them."""
    numbers: dict[str, int] = {}
    indices = np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), dtype=np.int32, count=len(names))
    return tuple(numbers), indices


def write_labelled_shards(
    source: Shards,
    equities: Float32s | None,
    outcomes: Uint16s | None,
    out: Path,
    teacher: str,
    chosen: npt.NDArray[np.integer[Any]] | None = None,
) -> Shards:
    """The decisions of `source` with labels for all their candidates, in a new folder.

    Args:
        source: the decisions; labels that they have are replaced.
        equities: float32[M], see `shard_format.LABELS`; None for none.
        outcomes: uint16[M, 5], see `shard_format.LABELS`; None for none.
        out: folder to create.
        teacher: who judged, for people.
        chosen: int[D], rows that count as chosen from now on; None leaves them.

    Raises:
        DataError: labels of another length or type, none at all, chosen rows that are no candidates, or `out` exists or
            cannot be written.
    """
    total = int(source.offsets[-1])
    labels: dict[str, npt.NDArray[Any]] = {}
    for name, values in (("equities", equities), ("outcomes", outcomes)):
        if values is None:
            continue
        dtype, shape = LABELS[name]
        if values.shape != (total, *shape) or values.dtype != np.dtype(dtype):
            raise DataError(f"{name} are {values.dtype}{list(values.shape)}, {dtype}{[total, *shape]} is needed")
        labels[name] = values
    if not labels:
        raise DataError("neither equities nor outcomes: there is nothing to add")
    fields = {name: getattr(source, name) for name in FIELDS}
    if chosen is not None:
        if chosen.shape != (len(source),) or (chosen < 0).any() or (chosen >= source.counts).any():
            raise DataError(f"chosen rows must be one of the candidates of each of the {len(source)} decisions")
        fields["chosen"] = chosen.astype(np.int32)
    manifest = dataclasses.replace(source.manifest, labels=tuple(labels), candidates=total, teacher=teacher)
    return write_shards(out, manifest, {**fields, **labels})


def best_rows(source: Shards, equities: Float32s) -> Int32s:
    """int32[D], the judged candidate of each decision with the highest equity; where none was judged, the chosen one.

    Args:
        source: the decisions.
        equities: float32[M], see `shard_format.LABELS`.
    """
    is_judged = ~np.isnan(ragged.largest(equities, source.offsets))
    return np.where(is_judged, ragged.best(equities, source.offsets), source.chosen).astype(np.int32)


def take_decisions(source: Shards, rows: Int64s, out: Path) -> Shards:
    """Some decisions of a folder with their labels, in a new one; units and players keep their numbers.

    Args:
        source: the folder.
        rows: int64[K], different decisions, ascending.
        out: folder to create.

    Raises:
        DataError: `out` exists or cannot be written.
    """
    places = source.places(rows)
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(source, name)[rows] for name in FIELDS}
    arrays |= {name: getattr(source, name)[places] for name in source.manifest.labels}
    candidates = len(places) if source.manifest.labels else 0
    report = {"taken": len(rows), "of": source.manifest.fingerprint, **dict(source.manifest.report)}
    manifest = dataclasses.replace(source.manifest, decisions=len(rows), candidates=candidates, report=report)
    return write_shards(out, manifest, arrays)


def join_shards(sources: Sequence[Shards], out: Path) -> Shards:
    """All decisions of several folders, one after the other, in a new one; units of one name become one.

    Where only some have labels, the candidates of the others count as not judged.

    Raises:
        DataError: `out` exists or cannot be written.
    """
    labels = tuple(name for name in LABELS if any(name in source.manifest.labels for source in sources))
    teachers = dict.fromkeys(source.manifest.teacher for source in sources if source.manifest.teacher)
    manifest = Manifest(
        decisions=sum(len(source) for source in sources),
        games=sum(source.manifest.games for source in sources),
        forced=sum(source.manifest.forced for source in sources),
        units=_all_names(sources, "units"),
        players=_all_names(sources, "players"),
        sources=_all_names(sources, "sources"),
        report={"joined": [dict(source.manifest.report) for source in sources]},
        labels=labels,
        candidates=sum(int(source.offsets[-1]) for source in sources) if labels else 0,
        teacher=", ".join(teachers),
    )
    return write_shards(out, manifest, _Joined(sources, manifest))


def _all_names(sources: Sequence[Shards], field_name: str) -> tuple[str, ...]:
    """The different names in a field of the manifests, in order of appearance."""
    return tuple(dict.fromkeys(name for source in sources for name in getattr(source.manifest, field_name)))


class _Joined(Mapping[str, npt.NDArray[Any]]):
    """The arrays of several folders joined, each made when it is asked for: all at once could fill the memory."""

    def __init__(self, sources: Sequence[Shards], manifest: Manifest) -> None:
        self._sources = sources
        self._manifest = manifest

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        parts: list[npt.NDArray[Any]] = []
        first_game = 0
        for source in self._sources:
            values = getattr(source, name)
            if values is None:
                values = _not_judged(name, int(source.offsets[-1]))
            elif name in _INDICES:
                values = self._renumbered(source, name, values)
            elif name == "game":
                values = values + np.int32(first_game)
                first_game += source.manifest.games
            parts.append(values)
        return np.concatenate(parts)

    def _renumbered(self, source: Shards, name: str, values: Int32s) -> Int32s:
        """Indices into the joined names."""
        numbers = {text: number for number, text in enumerate(getattr(self._manifest, _INDICES[name]))}
        table = np.array([numbers[text] for text in getattr(source.manifest, _INDICES[name])], dtype=np.int32)
        return table[values]

    def __iter__(self) -> Iterator[str]:
        return iter((*FIELDS, *self._manifest.labels))

    def __len__(self) -> int:
        return len(FIELDS) + len(self._manifest.labels)


def _not_judged(name: str, num_candidates: int) -> npt.NDArray[Any]:
    """Labels that say nothing."""
    dtype, shape = LABELS[name]
    return np.full((num_candidates, *shape), np.nan if name == "equities" else NOT_JUDGED, dtype=dtype)


def copy_shards(source: Shards, out: Path) -> Shards:
    """The same folder at another place; on the same disk the files are shared, so that it costs no room.

    Raises:
        DataError: `out` exists or cannot be written.
    """
    if out.exists():
        raise DataError(f"{out}: exists already; give another folder or remove it")
    try:
        with new_folder(out) as partial:
            shutil.copytree(source.path, partial, copy_function=_link_or_copy, dirs_exist_ok=True)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error})") from error
    return open_shards(out)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
