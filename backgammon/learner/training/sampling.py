"""Which candidates of a decision are learnt from, in a kernel: `comparison_net.choices.kept_items` ten times as fast.

N decisions, M candidates of all of them, K those that are kept.
"""

from __future__ import annotations

import numpy as np

from backgammon.tools.arrays import Float32s, Float64s, Int64s, Offsets
from backgammon.tools.jit import kernel


@kernel
def _keep(
    keys: Float64s, values: Float32s, offsets: Offsets, chosen_items: Int64s, limit: int, places: Int64s, kept: Int64s
) -> int:
    """Write the rows that are kept, ascending; gives their number.

    Args:
        keys: float64[M].
        values: float32[M], NaN where unknown; float32[0] without.
        offsets: int64[N + 1].
        chosen_items: int64[N].
        limit: of a decision.
        places: int64[limit], room to work in.
        kept: int64[M], filled.
    """
    number = 0
    most = limit // 2 if values.shape[0] else 0
    for d in range(offsets.shape[0] - 1):
        start, end = offsets[d], offsets[d + 1]
        if end - start <= limit:
            for item in range(start, end):
                kept[number] = item
                number += 1
            continue
        chosen = chosen_items[d]
        num_best = 0  # the first by value: places[0 .. num_best), best first, of equal ones the first
        for item in range(start, end):
            if most == 0 or np.isnan(values[item]):
                continue
            at = num_best
            while at > 0 and values[item] > values[places[at - 1]]:
                at -= 1
            if at < most:
                for k in range(min(num_best, most - 1), at, -1):
                    places[k] = places[k - 1]
                places[at] = item
                num_best = min(num_best + 1, most)
        is_in = False
        for k in range(num_best):
            is_in = is_in or places[k] == chosen
        num_fixed = num_best
        if not is_in:
            places[num_best] = chosen
            num_fixed += 1
        num_kept = num_fixed  # then the smallest keys: places[num_fixed .. num_kept), smallest first
        for item in range(start, end):
            is_fixed = False
            for k in range(num_fixed):
                is_fixed = is_fixed or places[k] == item
            if is_fixed or (num_kept == limit and (num_fixed == limit or keys[item] >= keys[places[limit - 1]])):
                continue
            at = num_kept if num_kept < limit else limit - 1
            while at > num_fixed and keys[item] < keys[places[at - 1]]:
                places[at] = places[at - 1]
                at -= 1
            places[at] = item
            num_kept = min(num_kept + 1, limit)
        for k in range(num_kept):  # ascending
            at = number + k
            while at > number and kept[at - 1] > places[k]:
                kept[at] = kept[at - 1]
                at -= 1
            kept[at] = places[k]
        number += num_kept
    return number


def keep_candidates(
    keys: Float64s, values: Float32s | None, offsets: Offsets, chosen_items: Int64s, limit: int
) -> Int64s:
    """See `comparison_net.choices.kept_items`."""
    kept = np.empty(len(keys), dtype=np.int64)
    known = np.empty(0, dtype=np.float32) if values is None else np.ascontiguousarray(values, dtype=np.float32)
    places = np.empty(limit, dtype=np.int64)
    number = _keep(keys, known, offsets, chosen_items, limit, places, kept)
    return kept[:number]
