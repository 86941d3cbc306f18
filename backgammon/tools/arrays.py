"""Names of arrays that say what is in them: the dtype, or what the rows are; the shape stands where they are used.

N rows, M candidates of N decisions, 26 locations of a board.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Int8s = npt.NDArray[np.int8]
Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Uint8s = npt.NDArray[np.uint8]
Uint16s = npt.NDArray[np.uint16]
Uint64s = npt.NDArray[np.uint64]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]

Boards = Int8s
"""int8[N, 26]: positions in the form of `rules.board`."""
Dice = Int8s
"""int8[N, 2]: rolls, 1 to 6."""
Offsets = Int64s
"""int64[N + 1]: group i are the rows offsets[i] to offsets[i + 1] of another array."""
