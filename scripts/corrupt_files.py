"""Damage the program's own files in thousands of ways, and show that a reader says so or gives what was written.

    python -m scripts.corrupt_files [--count 5000] [--kind model --kind shards] [--seed 1]

Kinds (`scripts.own_files`): models, models of people, bear-off tables, shards, labelled shards, settings and log of a
training, its state, kept units of rollouts, of self-play and of labels, compiled kernels, saved sessions, the store of
errors. Each damage flips bits, overwrites, cuts, repeats or removes a stretch; in every other file the checksum is
corrected afterwards, so that structure and values must be checked too. A reader may raise the error of a mistake in its
input, or warn and make the thing again. What it gives of a damaged file must be what was written, unless the checksum
was corrected: then it must be such a thing at all, with numbers in range. Exit code 1 on any other exception, on
anything else that is given, and when the process has taken more than 1.5 GB.
"""

from __future__ import annotations

import copy
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.tools.errors import PairgammonError, PairgammonWarning
from comparison_net.tools import LearnerError
from scripts.own_files import KINDS
from scripts.own_files.kind import Kind, Read
from scripts.program import program

MAX_MEMORY = 1_500_000_000
MAX_ADDRESSES = 6 << 30
"""Of this process: what asks for more gets a MemoryError instead of the machine."""


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
