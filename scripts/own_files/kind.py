"""What a kind of own file is, and how its checksum is corrected after a damage."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backgammon.learner.data.shard_format import FIELDS, LABELS, MANIFEST, fingerprint_of, open_array, read_manifest

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
