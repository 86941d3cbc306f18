"""Models and engines in a form that travels: a model by the digest of its bytes, which reach each worker once.

What travels are values that JSON knows; the same engine has the same values wherever it is (see `tools.jobs.content`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import PRUNER, EngineSpec
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.net.scorer import DEFAULT_NAME, PRUNER_NAME
from backgammon.search import RolloutSettings
from backgammon.tools.errors import ConfigError, ModelError
from backgammon.tools.jobs.content import digest_of, find_content, install_contents
from backgammon.tools.storage import read_bounded
from comparison_net.checkpoint import MAX_BYTES, MODEL_FILE


def model_file(model: str | None, shipped: str = DEFAULT_NAME) -> Path:
    """The file of a model: a model file, that of a run folder, or None for the one that ships under that name."""
    if model is None:
        return Path(str(files("backgammon.learner.net"))) / "models" / f"{shipped}.safetensors"
    path = Path(model)
    return path / MODEL_FILE if path.is_dir() else path


def pack_model(model: str | None, shipped: str, contents: dict[str, bytes]) -> list[str]:
    """[digest, name] of a model, or of the shipped one of that name; its bytes join the contents.

    Raises:
        ModelError: it cannot be read.
    """
    return pack_file(model_file(model, shipped), contents, shipped if model is None else Path(model).stem)


def pack_file(path: Path, contents: dict[str, bytes], name: str | None = None) -> list[str]:
    """[digest, name] of a file; its bytes join the contents.

    Args:
        path: of the file.
        contents: receives them.
        name: what people see; None for that of the file, without its ending.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        content = read_bounded(path, MAX_BYTES)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror or error}); give a model file or a run folder"
        ) from error
    digest = digest_of(content)
    contents[digest] = content
    return [digest, name or path.stem]


def write_model(packed: Sequence[str], folder: Path) -> str:
    """The path of a model [digest, name], written into a folder of its own in `folder`."""
    digest, name = packed
    place = folder / digest
    place.mkdir(exist_ok=True)
    path = place / f"{name}.safetensors"
    path.write_bytes(find_content(digest))
    return str(path)


def pack_settings(spec: EngineSpec, pruner: Sequence[str] | None) -> dict[str, Any]:
    """What of an engine is no model, and its pruner [digest, name]; a worker has one thread."""
    return {**asdict(spec), "model": None, "pruner": pruner, "threads": 1}


def pack_pruner(spec: EngineSpec, contents: dict[str, bytes]) -> list[str] | None:
    """[digest, name] of the pruner of an engine; None where it has none."""
    if spec.pruner is None:
        return None
    return pack_model(None if spec.pruner == PRUNER else spec.pruner, PRUNER_NAME, contents)


def unpack_settings(settings: Mapping[str, Any], model: str, folder: Path) -> EngineSpec:
    """The engine of `pack_settings` with a model that lies somewhere; its pruner is written into `folder`."""
    pruner, rollout = settings["pruner"], settings["rollout"]
    return EngineSpec(
        **{
            **settings,
            "model": model,
            "pruner": None if pruner is None else write_model(pruner, folder),
            "rollout": None if rollout is None else RolloutSettings(**rollout),
        }
    )


class PackedEngine(NamedTuple):
    """An engine that can be sent.

    Attributes:
        values: for a message between workers.
        contents: what they name, by digest.
        plies: the depth that decides how long it takes.
    """

    values: dict[str, Any]
    contents: dict[str, bytes]
    plies: int


def pack_engine(spec: EngineSpec) -> PackedEngine:
    """An engine ready to travel.

    Raises:
        ConfigError: it has a limit of time.
        ModelError: a model cannot be read.
    """
    if spec.seconds is not None:
        raise ConfigError("--time with --workers: what they do must not depend on the clock; give a depth")
    contents: dict[str, bytes] = {}
    model = pack_model(spec.model, DEFAULT_NAME, contents)
    values = {"model": model, "settings": pack_settings(spec, pack_pruner(spec, contents))}
    install_contents(contents)
    return PackedEngine(values, contents, spec.plies)


def unpack_engine(values: Mapping[str, Any], folder: Path) -> EngineSpec:
    """The engine of `pack_engine`; its models are written into `folder`, which must last until it is built."""
    return unpack_settings(values["settings"], write_model(values["model"], folder), folder)


def find_engine(values: Mapping[str, Any]) -> Engine:
    """The engine that was packed as these values; made once in each process, which must know the contents."""
    return _make_engine(json.dumps(values, sort_keys=True))


@lru_cache(maxsize=4)
def _make_engine(text: str) -> Engine:
    with tempfile.TemporaryDirectory(prefix="pairgammon-models-") as folder:
        return build_engine(unpack_engine(json.loads(text), Path(folder)))
