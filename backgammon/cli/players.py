"""Players by the names that the command line takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backgammon.cli.depth import Depth
from backgammon.cli.screen import say
from backgammon.evaluation.strengths import FULL, LEVEL_NAMES, MAX_PLIES

if TYPE_CHECKING:
    from backgammon.evaluation.player import Player
    from backgammon.learner.players.player_spec import PlayerSpec

PLAYER_HELP = (
    "random, pipcount, model (the one that ships with the package), or the path of a run or checkpoint; a model may "
    "have @N behind it, for N plies of look-ahead, or a level: model:casual plays like people do, without look-ahead "
    "(beginner, casual, intermediate, advanced, expert; full is the model itself). With the extra [peers] also gnubg:N "
    "(GNU Backgammon at N ply) and pubeval, with [sage] sage:N (Open Sage). as:FILE chooses like the player that "
    "`coach` learnt, as:people:N like people who lose N by the rating of the levels (4 to 15)"
)

AS = "as:"
"""Before the file of a player's model."""

_WITH_PLIES = re.compile(rf"(.+)@([0-{MAX_PLIES}])")
_WITH_LEVEL = re.compile(rf"(.+):({'|'.join(LEVEL_NAMES)})|(model):(.*)")


def is_model(text: str) -> bool:
    """True of a player that looks as deeply as --ply, --time and --rollout say: a model, not at a depth or level."""
    from backgammon.engine.peers import is_peer

    if text in ("random", "pipcount") or text.startswith(AS) or is_peer(text):
        return False
    level = _WITH_LEVEL.fullmatch(text)
    return _WITH_PLIES.fullmatch(text) is None and (level is None or FULL in (level[2], level[4]))


def player_spec(text: str, threads: int | None = None, depth: Depth | None = None, seed: int = 0) -> PlayerSpec:
    """The player that `text` names; see PLAYER_HELP.

    Args:
        text: a name or a path.
        threads: for a model, or processes of another program; None takes every processor this process may use.
        depth: how deeply a model looks; an @N or a level in `text` counts more.
        seed: 0 or greater, of what a model at a level misjudges.

    Raises:
        ConfigError: a level that does not exist, or a depth that cannot be.
    """
    from backgammon.engine.levels import find_level
    from backgammon.engine.peers import is_peer
    from backgammon.learner.players.player_spec import PlayerSpec
    from backgammon.tools.errors import ConfigError
    from backgammon.tools.processors import usable_processors

    workers = threads or usable_processors()
    if text == "random":
        return PlayerSpec("random")
    if text == "pipcount":
        return PlayerSpec("pipcount")
    if is_peer(text):
        return PlayerSpec("peer", text, threads=workers)
    if text.startswith(AS):
        return PlayerSpec("mimic", text.removeprefix(AS), threads=workers)
    match = _WITH_LEVEL.fullmatch(text)
    if match is not None and (match[2] or match[4]) != FULL:
        model, level = match[1] or match[3], find_level(match[2] or match[4])
        if model in ("random", "pipcount") or _WITH_PLIES.fullmatch(model):
            raise ConfigError(f"{model}:{level.name}: levels are for models, without look-ahead (model:{level.name})")
        return PlayerSpec("level", level.name, Depth().spec(None if model == "model" else model, workers), seed)
    text, plies = split_plies(text.removesuffix(f":{FULL}"))
    if plies is not None:
        depth = (depth or Depth()).at(plies)
    return PlayerSpec("engine", engine=(depth or Depth()).spec(None if text == "model" else text, workers))


def make_player(text: str, threads: int | None = None, depth: Depth | None = None, seed: int = 0) -> Player:
    """The player that `text` names, built; arguments as those of `player_spec`.

    Raises:
        ModelError: neither a name nor a usable checkpoint, or one without outcomes where it is to look ahead or to
            play at a level.
        ConfigError, PeerError: a level or a program that does not exist, or a program that does not start.
    """
    from backgammon.learner.players.player_spec import build_player

    return build_player(player_spec(text, threads, depth, seed), lambda line: say(line, err=True))


def split_plies(text: str) -> tuple[str, int | None]:
    """A player's name and the N of an @N behind it, None where there is none."""
    match = _WITH_PLIES.fullmatch(text)
    return (text, None) if match is None else (match[1], int(match[2]))


def warm_up(player: Player) -> None:
    """One choice from the starting position, so that kernels are compiled."""
    import numpy as np

    from backgammon.rules.board import START

    player.choose(START[None].copy(), np.array([[3, 1]], dtype=np.int8), np.zeros(1, dtype=np.uint64))
