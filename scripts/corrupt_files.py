"""Damage the program's own files in thousands of ways, and show that a reader says so or gives what was written.

    python -m scripts.corrupt_files [--count 5000] [--kind model --kind shards] [--seed 1]

Kinds: models, models of people, bear-off tables, shards, kept units of rollouts, of self-play and of labels, compiled
kernels, saved sessions. Each damage flips bits, overwrites, cuts, repeats or removes a stretch; in every other file the
checksum is corrected afterwards, so that structure and values must be checked too. A reader may raise the error of a
mistake in its input, or warn and make the thing again. What it gives of a damaged file must be what was written, unless
the checksum was corrected: then it must be such a thing at all, with numbers in range. Exit code 1 on any other
exception, on anything else that is given, and when the process has taken more than 1.5 GB.
"""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import re
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.evaluation.bearoff import BearoffSize
from backgammon.evaluation.bearoff.store import build, open_tables
from backgammon.learner.coach.people_model import load_people, shipped_people
from backgammon.learner.data.shard_format import FIELDS, MANIFEST, fingerprint_of, open_array, read_manifest
from backgammon.learner.data.shards import open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.net.model_files import load_model, make_model, weight_shapes
from backgammon.learner.net.scorer import Scorer
from backgammon.learner.teach.line_labels import lines_of_shards, write_line_labels
from backgammon.learner.teach.self_play import GamesPlan, play_games, write_game_shards
from backgammon.learner.teach.shard_labels import LabelPlan
from backgammon.learner.teach.teacher import TeacherSpec, pack_teacher
from backgammon.rules.board import START
from backgammon.rules.movegen import legal_candidates
from backgammon.search import RolloutSettings, RolloutUnit, Workshop
from backgammon.table.saved_session import SavedSession, open_session
from backgammon.tools import kernel_cache
from backgammon.tools.errors import DataError, PairgammonError, PairgammonWarning
from backgammon.tools.jobs.result_store import ResultStore
from comparison_net.checkpoint import save_model
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import LearnerError
from scripts.program import program
from tests.evaluators import PipEvaluator
from tests.positions import random_play_decisions

MAX_MEMORY = 1_500_000_000
MAX_ADDRESSES = 6 << 30
"""Of this process: what asks for more gets a MemoryError instead of the machine."""
DIGEST = re.compile(rb"[0-9a-f]{64}")
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


def as_bytes(*parts: Any) -> bytes:
    """Arrays as something to compare."""
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """Another content: bits flipped, bytes overwritten, a stretch cut out, repeated or moved, the end cut off."""
    data = bytearray(content)
    size = len(data)
    # half of the damages fall into the beginning, where the structure is
    span = size if rng.random() < 0.5 else min(size, 2048)
    at = int(rng.integers(span))
    length = int(min(size - at, 1 + rng.geometric(0.05)))
    way = int(rng.integers(7))
    if way == 0:
        data[at] ^= 1 << int(rng.integers(8))
    elif way == 1:
        data[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
    elif way == 2:
        del data[at : at + length]
    elif way == 3:
        data[at:at] = data[at : at + length]
    elif way == 4:
        del data[at:]
    elif way == 5:
        data[at : at + 4] = np.array([rng.choice([np.nan, np.inf, 1e38, -1e9])], dtype="<f4").tobytes()
    else:
        for place in rng.integers(0, size, 8):
            data[int(place)] ^= 1 << int(rng.integers(8))
    return bytes(data)


def seal_container(path: Path) -> None:
    """The digest of a file of tensors: over all bytes, with the digest itself blanked out."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    place = DIGEST.search(content, 8, min(len(content), 8 + length))
    if place is not None:
        blank = content[: place.start()] + b"0" * 64 + content[place.end() :]
        digest = hashlib.sha256(blank).hexdigest().encode()
        path.write_bytes(content[: place.start()] + digest + content[place.end() :])


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
    Kind("rollout", write_rollout, read_rollout, seal_result, are_outcomes),
    Kind("self-play", write_self_play, read_self_play, seal_result, are_games),
    Kind("labels", write_labels, read_labels, seal_result, are_labels),
    Kind("kernel", write_kernel, read_kernel, seal_kernel, is_something),
    Kind("session", write_session, read_session, seal_nothing, is_text, has_checksum=False),
)


def compared(found: Any) -> bytes:
    """What was read, as bytes."""
    return found if isinstance(found, bytes) else as_bytes(*found)


def corrupt(kind: Kind, count: int, seed: int) -> Counter[str]:
    """Damage files of a kind and read them; how many readings ended how. Faults are printed."""
    rng = np.random.default_rng(seed)
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="corrupt-files-") as name:
        whole = Path(name) / "whole"
        whole.mkdir()
        files = [path.relative_to(whole) for path in kind.write(whole)]
        written = compared(_fresh(whole, kind.read))
        for number in range(count):
            is_sealed = number % 2 == 1 or not kind.has_checksum
            folder = Path(name) / "damaged"
            shutil.copytree(whole, folder)
            path = folder / files[int(rng.integers(len(files)))]
            content = path.read_bytes()
            path.write_bytes(damage(content, rng))
            if is_sealed:
                kind.seal(path)
            end = _end(kind, folder, written, is_sealed)
            ends[end.partition("\n")[0]] += 1
            if end not in ("refused", "as written", "other numbers, checksum corrected"):
                click.echo(f"{kind.name} {number}: {end}", err=True)
            shutil.rmtree(folder)
    return ends


def _fresh(whole: Path, read: Read) -> Any:
    """What is read of a copy: reading may tidy up."""
    copied = whole.with_name("copy")
    shutil.copytree(whole, copied)
    found = copy.deepcopy(read(copied))
    shutil.rmtree(copied)
    return found


def _end(kind: Kind, folder: Path, written: bytes, is_sealed: bool) -> str:
    """How the reading of a damaged file ends."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", PairgammonWarning)
            found = kind.read(folder)
    except (PairgammonError, LearnerError) as error:
        return "refused" if str(error).count("\n") == 0 else f"FAULT: more than one line\n{error}"
    except Exception:
        return "FAULT: an exception\n" + traceback.format_exc(limit=-4)
    if compared(found) == written:
        return "as written"
    if not is_sealed:
        return "FAULT: something else was read"
    try:
        return "other numbers, checksum corrected" if kind.is_sane(found) else "FAULT: numbers out of range"
    except (ValueError, KeyError, TypeError, LookupError) as error:
        return f"FAULT: no such thing was read\n{error!r}"


@program(__doc__)
@click.option("--count", type=click.IntRange(1), default=5000, help="Damages of each kind.", show_default=True)
@click.option("--kind", "names", multiple=True, type=click.Choice([kind.name for kind in KINDS]), help="Only these.")
@click.option("--seed", type=int, default=1, show_default=True)
def main(count: int, names: tuple[str, ...], seed: int) -> None:
    """Damage, read, report."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    num_faults = 0
    for kind in KINDS:
        if names and kind.name not in names:
            continue
        ends = corrupt(kind, count, seed)
        num_faults += sum(number for end, number in ends.items() if end.startswith("FAULT"))
        click.echo(f"{kind.name:10s}" + ", ".join(f"{end}: {number:,}" for end, number in sorted(ends.items())))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    click.echo(f"{num_faults} faults, at most {memory / 1e9:.2f} GB")
    sys.exit(1 if num_faults or memory > MAX_MEMORY else 0)


if __name__ == "__main__":
    main()
