"""Players in a form that travels to any worker on any machine: values that JSON knows, models by their digest."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from backgammon.evaluation.player import Player
from backgammon.learner.net.packed_model import pack_engine, pack_file, unpack_engine, write_model
from backgammon.learner.players.player_spec import PlayerSpec, build_cube_seat, build_player
from backgammon.table.cube_seat import CubeSeat
from backgammon.tools.jobs.content import install_contents


class PackedPlayer(NamedTuple):
    """A player that can be sent.

    Attributes:
        values: for a message between workers.
        contents: what they name, by digest.
        name: what reports call it.
        plies: the depth that decides how long it takes.
    """

    values: dict[str, Any]
    contents: dict[str, bytes]
    name: str
    plies: int


def pack_player(spec: PlayerSpec, has_cube: bool = False) -> PackedPlayer:
    """A player ready to travel; it is made once here, so that a mistake shows before any work begins.

    Args:
        spec: what it is made of; a worker gives it one thread.
        has_cube: it is to turn a cube.

    Raises:
        ConfigError: a limit of time, or see `build_player` and `build_cube_seat`.
        ModelError, PeerError: see there.
    """
    engine = None if spec.engine is None else pack_engine(spec.engine)
    contents = {} if engine is None else dict(engine.contents)
    values = {
        "kind": spec.kind,
        "name": pack_file(Path(spec.name), contents) if spec.is_file else spec.name,
        "engine": None if engine is None else engine.values,
        "seed": spec.seed,
    }
    install_contents(contents)
    player = find_cube_seat(values).player if has_cube else find_player(values)
    return PackedPlayer(values, contents, player.name, _depth(spec))


def find_player(values: Mapping[str, Any]) -> Player:
    """The player that was packed as these values; made once in each process, which must know the contents."""
    return _make_player(json.dumps(values, sort_keys=True))


def find_cube_seat(values: Mapping[str, Any]) -> CubeSeat:
    """The same with the cube."""
    return _make_cube_seat(json.dumps(values, sort_keys=True))


@lru_cache(maxsize=4)
def _make_player(text: str) -> Player:
    with tempfile.TemporaryDirectory(prefix="pairgammon-models-") as folder:
        return build_player(_unpack(text, Path(folder)))


@lru_cache(maxsize=4)
def _make_cube_seat(text: str) -> CubeSeat:
    with tempfile.TemporaryDirectory(prefix="pairgammon-models-") as folder:
        return build_cube_seat(_unpack(text, Path(folder)))


def _depth(spec: PlayerSpec) -> int:
    """Plies of look-ahead."""
    if spec.kind == "peer" and spec.name != "pubeval":
        return int(spec.name.rpartition(":")[2])
    return 0 if spec.engine is None else spec.engine.plies


def _unpack(text: str, folder: Path) -> PlayerSpec:
    """The specification of packed values in JSON; models are written into `folder`."""
    values = json.loads(text)
    name, engine = values["name"], values["engine"]
    name = name if isinstance(name, str) else write_model(name, folder)
    spec = PlayerSpec(values["kind"], name, seed=values["seed"])
    return spec if engine is None else replace(spec, engine=unpack_engine(engine, folder))
