"""The first layer on positions as an embedding bag: plain torch, for devices that compiled kernels do not reach.

M candidates, F features, H units of the layer, R = 26 * 31 rows, one for each (location, count), P patterns.

    units = BASE W + bias + sum over 26 locations of (TABLE W)[location, count] + sum over the patterns shown

A candidate is a bag of 26 rows of the folded table, and of the rows of its patterns. `first_layer` gives the same
numbers on the processor in a third of the time: it starts from the position before the play and is the twin in tests.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from backgammon.learner.inputs.features import BASE, COUNT_OFFSET, NUM_COUNTS, TABLE
from backgammon.learner.inputs.patterns import MAX_PATTERNS, list_patterns
from backgammon.rules.board import NUM_LOCATIONS
from backgammon.tools.arrays import Boards, Int32s
from backgammon.tools.jit import kernel
from comparison_net.choices import ChoiceSets
from comparison_net.encoders import FirstLayer, rectify

_ROW_OF_EMPTY = (np.arange(NUM_LOCATIONS) * NUM_COUNTS + COUNT_OFFSET).astype(np.int32)


@kernel
def _fill_bags(boards: Boards, first_pattern: int, rows: Int32s, bags: Int32s) -> int:
    """Write the rows of every board's bag, one after the other, and where each bag begins; gives their number.

    Args:
        boards: int8[M, 26].
        first_pattern: row of the first pattern; below 0 for a layer without patterns.
        rows: int32, large enough.
        bags: int32[M], filled.
    """
    flat = boards.reshape(-1)
    shown = np.empty(MAX_PATTERNS, dtype=np.int32)
    number = 0
    for m in range(boards.shape[0]):
        bags[m] = number
        for location in range(26):
            rows[number] = location * 31 + boards[m, location] + 15
            number += 1
        if first_pattern >= 0:
            num_shown = list_patterns(flat, m * 26, shown)
            for k in range(num_shown):
                rows[number] = first_pattern + shown[k]
                number += 1
    return number


def bags_of(boards: Boards, first_pattern: int = -1) -> tuple[Int32s, Int32s]:
    """The rows of all bags, int32[K], and where each begins, int32[M]; arguments as for the kernel."""
    boards = np.ascontiguousarray(boards, dtype=np.int8)
    rows = np.empty(len(boards) * (NUM_LOCATIONS + (MAX_PATTERNS if first_pattern >= 0 else 0)), dtype=np.int32)
    bags = np.empty(len(boards), dtype=np.int32)
    number = _fill_bags(boards, first_pattern, rows, bags)
    return rows[:number], bags


@cache
def _constants(device: torch.device) -> tuple[Tensor, Tensor]:
    """TABLE float32[R, F] and BASE float32[F] on a device."""
    table = torch.from_numpy(np.array(TABLE).reshape(NUM_LOCATIONS * NUM_COUNTS, -1)).to(device)
    return table, torch.from_numpy(np.array(BASE)).to(device)


def bag_layer(sets: ChoiceSets, layer: FirstLayer, is_rectified: bool, pull: float) -> Tensor:
    """Units float32[M, H] on the device of the layer; arguments as for `Encoder.first_layer`.

    The sums are float32 also under an autocast: 42 rows of low precision would lose what tells candidates apart.
    """
    device = layer.weight.device
    table, base = _constants(device)
    has_autocast = torch.amp.is_autocast_available(device.type)
    with torch.autocast(device.type, enabled=False) if has_autocast else nullcontext():
        folded = table @ layer.weight.float().t()
        first_pattern = -1 if layer.patterns is None else len(folded)
        if layer.patterns is not None:
            folded = torch.cat([folded, layer.patterns.float()])
        rows, bags = (torch.from_numpy(array).to(device) for array in bags_of(sets.items, first_pattern))
        units = embedding_bag(rows, folded, bags, mode="sum") + layer.weight.float() @ base
        if layer.bias is not None:
            units = units + layer.bias.float()
        return rectify(units, pull) if is_rectified else units
