"""Weights on disk: safetensors files that say what they are, written whole or not at all, refused when a bit is wrong.

A file holds named tensors and one metadata entry, "pairgammon", a JSON text with the kind of file, its format version,
a SHA-256 digest and the description. The digest is taken over every byte of the file with the digest itself blanked
out, so neither a tensor, a name nor a digit of the description can change unnoticed (the container alone accepts any
flipped bit).

Two kinds: a *model* (weights only, small; what players load, without torch) and the *state* of a training run (see
`run_state`). Equal contents give equal bytes: there is no time stamp and no path inside.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from comparison_net.domain import Domain
from comparison_net.moe.shapes import head_shapes, mixture_shapes
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import ModelError, replace_file

Tensors = dict[str, npt.NDArray[Any]]

FORMAT_VERSION = 1
MODEL_KIND = "pairgammon-model"
MODEL_FILE = "model.safetensors"
"""Name of the model inside a run folder."""
MAX_BYTES = 1 << 30
"""Larger files are refused; no more of one is ever read, whatever the system says of its size."""
MAX_WEIGHT = 1e4
"""A weight beyond it is no result of training: sums of such numbers leave the range where a score means anything."""

_ENTRY = "pairgammon"
_BLANK = "0" * 64
_MAX_HEADER = 1 << 24
_PIECE = 1 << 20
_TEMPERATURE = "head.temperature"
_MAX_TEMPERATURE = 30.0
"""Of the logarithm that the file holds: its exponential must be a float32 in either direction."""
_PATTERNS = "trunk.patterns"


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network as it travels: weights, and everything needed to use them and to know where they come from.

    Attributes:
        network: shape of the network.
        weights: float32 parameters by name, as `CandidateNet.weights` gives them.
        data_fingerprint: that of the data it was trained on.
        summary: deterministic figures of the training: loss, epochs, steps, held-out agreement.
        feature_version: coding of the items that the weights expect, see `Domain.version`.
    """

    network: NetworkConfig
    weights: Mapping[str, npt.NDArray[np.float32]]
    data_fingerprint: str
    summary: Mapping[str, Any]
    feature_version: str


def weight_shapes(network: NetworkConfig, domain: Domain) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of a network.

    Raises:
        ConfigError: see `NetworkConfig.for_domain`.
    """
    network = network.for_domain(domain)
    if network.is_mixture:
        return mixture_shapes(network, domain)
    shapes: dict[str, tuple[int, ...]] = {}
    if network.num_patterns(domain):
        shapes[_PATTERNS] = (network.num_patterns(domain), network.hidden[0])
    width = domain.num_features
    for index, next_width in enumerate(network.hidden):
        shapes[f"trunk.layers.{index}.weight"] = (next_width, width)
        shapes[f"trunk.layers.{index}.bias"] = (next_width,)
        width = next_width
    if network.context:
        shapes["decision.weight"] = (network.hidden[1], network.hidden[0])
    if network.ranks_by_value:
        shapes[_TEMPERATURE] = (1,)
    return shapes | head_shapes(network, width, domain.num_outcomes if network.outcomes else 0)


def save_model(path: Path, model: Model, is_compact: bool = False) -> None:
    """Write a model file, replacing an old one only when the new one is complete.

    Args:
        path: where to.
        model: what.
        is_compact: round the patterns, nine tenths of a model that sees them, to float16. They are small, and a net
            that is compiled for play rounds them further; a run goes on from a model that was not rounded.

    Raises:
        ModelError: the file cannot be written.
    """
    description = {
        "network": dataclasses.asdict(model.network),
        "feature_version": model.feature_version,
        "data_fingerprint": model.data_fingerprint,
        "summary": dict(model.summary),
    }
    weights: Tensors = dict(model.weights)
    if is_compact and _PATTERNS in weights:
        weights[_PATTERNS] = weights[_PATTERNS].astype(np.float16)
    write_tensors(path, MODEL_KIND, weights, description)


def load_model(path: Path, domain: Domain) -> Model:
    """Read and check a model: a file, or a run folder that holds one.

    Args:
        path: where it lies.
        domain: what it must have been made for.

    Raises:
        ModelError: missing, foreign, damaged, of another format, or made for another coding of the items.
    """
    file = path / MODEL_FILE if path.is_dir() else path
    tensors, description = read_tensors(file, MODEL_KIND)
    if _PATTERNS in tensors and tensors[_PATTERNS].dtype == np.float16:
        tensors[_PATTERNS] = tensors[_PATTERNS].astype(np.float32)
    version = description.get("feature_version")
    if version != domain.version:
        raise ModelError(
            f"{file}: made for input coding {version!r}, this program has {domain.version!r}; train the model again"
        )
    try:
        shape = dict(description["network"])
        network = NetworkConfig(**{**shape, "hidden": tuple(shape["hidden"])})
        model = Model(network, tensors, str(description["data_fingerprint"]), dict(description["summary"]), version)
        expected = weight_shapes(network, domain)
    except Exception as error:
        raise ModelError(f"{file}: its description cannot be used ({error}); train the model again") from error
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected or any(tensor.dtype != np.float32 for tensor in tensors.values()):
        raise ModelError(f"{file}: holds {found}, its description needs float32 {expected}; train the model again")
    check_weights(file, tensors)
    return model


def check_weights(file: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    """Refuse numbers that no training gives: a digest shows damage, not sense.

    Raises:
        ModelError: a weight is not finite, or larger than MAX_WEIGHT; says which.
    """
    for name, tensor in tensors.items():
        largest = _MAX_TEMPERATURE if name == _TEMPERATURE else MAX_WEIGHT
        is_wrong = ~(np.abs(tensor) <= largest)  # NaN is neither
        if is_wrong.any():
            place = np.unravel_index(int(np.argmax(is_wrong)), tensor.shape)
            raise ModelError(
                f"{file}: {name}{[int(index) for index in place]} is {tensor[place]:g}, where a weight lies within "
                f"+-{largest:g}; copy it again or train the model again"
            )


def write_tensors(path: Path, kind: str, tensors: Tensors, description: Mapping[str, Any]) -> None:
    """Write a file of `kind` with its digest: a temporary file in the same folder, flushed to disk, then renamed.

    Raises:
        ModelError: the file cannot be written.
    """
    head = {"kind": kind, "format_version": FORMAT_VERSION, "sha256": _BLANK}
    # One metadata entry only: safetensors writes several in an order that differs from run to run.
    text = json.dumps({**head, "description": description}, sort_keys=True)
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    content = safetensors.numpy.save(contiguous, {_ENTRY: text})
    content = content.replace(_BLANK.encode(), hashlib.sha256(content).hexdigest().encode(), 1)
    try:
        replace_file(path, content)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror or error})") from error


def read_tensors(path: Path, kind: str) -> tuple[Tensors, dict[str, Any]]:
    """The tensors and the description of a file of `kind`, every byte verified.

    Raises:
        ModelError: missing, too large, no such file, another kind or version, or altered.
    """
    content, entry = _read_content(path)
    if entry.get("kind") != kind:
        raise ModelError(f"{path}: is a {entry.get('kind')!r} file, not {kind!r}")
    if entry.get("format_version") != FORMAT_VERSION:
        raise ModelError(
            f"{path}: format version {entry.get('format_version')}, this program reads {FORMAT_VERSION}; "
            "train the model again"
        )
    digest = str(entry.get("sha256")).encode()
    if hashlib.sha256(content.replace(digest, _BLANK.encode(), 1)).hexdigest().encode() != digest:
        raise ModelError(f"{path}: damaged, its SHA-256 does not match; copy it again or train the model again")
    try:
        return safetensors.numpy.load(content), dict(entry["description"])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: damaged ({error}); copy it again or train the model again") from error


def _read_content(path: Path) -> tuple[bytes, dict[str, Any]]:
    """All bytes of a file and our metadata entry; the header is looked at before the rest is read.

    Raises:
        ModelError: missing, no file, too large, or not ours.
    """
    try:
        if not (path.is_file() or not path.exists()):
            raise ModelError(f"{path}: is no file; give a model file or a run folder")
        with path.open("rb") as file:
            content = file.read(8)
            length = int.from_bytes(content, "little")
            content += file.read(length if length <= _MAX_HEADER else 0)
            entry = _read_entry(path, content)
            parts, size = [content], len(content)
            while size <= MAX_BYTES and (part := file.read(_PIECE)):
                parts.append(part)
                size += len(part)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror or error}); give a model file or a run folder"
        ) from error
    except ValueError as error:  # a name with a zero character, which a file of settings can hold
        raise ModelError(f"{str(path)!r}: is no name of a file; give a model file or a run folder") from error
    if size > MAX_BYTES:
        raise ModelError(f"{path}: more than the {MAX_BYTES:,} bytes that a model may have")
    return b"".join(parts), entry


def _read_entry(path: Path, content: bytes) -> dict[str, Any]:
    """Our metadata entry from the header: 8 bytes of length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    try:
        if len(content) < 8 or length > len(content) - 8:
            raise ValueError("the header is longer than the file")
        entry = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_ENTRY])
        if not isinstance(entry, dict):
            raise TypeError("the description is not an object")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{path}: not a pairgammon file, or damaged ({type(error).__name__}: {error})") from error
    return entry
