"""Machine operations that numba cannot express: bit scans, and loops over rows of numbers in vectors of 16.

The vector operations take flat int16, int32 or float32 arrays with element offsets; lengths are multiples of LANES,
those of `sum_rows` and its like of ROW_UNIT; rows need not be aligned. LLVM lowers the 16-lane vectors to whatever the
processor has (AVX-512, AVX, SSE, NEON). Nothing is reordered between elements, and sums run in a fixed order, so
results do not depend on threads or batches, nor on the shape of the tiles, which follows the processor.

`borrow` is for loops that call kernels: numba counts references of every array that it passes on, atomically, which
costs as much as the work itself in small kernels, and far more when the counters of two threads share a cache line.

Under NUMBA_DISABLE_JIT=1 each name is a plain Python function with the same meaning.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import codegen as _codegen
from numba.core import config as _config

from backgammon.tools.arrays import Boards, Float32s, Int8s, Int16s, Int32s, Int64s
from backgammon.tools.jit import DISABLED

_SETTINGS: Any = _config  # numba sets these names at run time, so a type checker cannot know them
_CODEGEN: Any = _codegen  # untyped


LANES = 16
"""Numbers in a vector."""

ROW_UNIT = 4 * LANES
"""Rows of the first layer are padded to a multiple of it: their sums go four vectors at a time."""

ROW_BYTES = 32
"""A board of 26 counts padded to a power of two, so that one vector holds it."""


def _compiles_for_avx512() -> bool:
    """True where numba compiles for a processor with 32 registers of 16 numbers; NUMBA_CPU_FEATURES included."""
    features = _SETTINGS.CPU_FEATURES
    return "+avx512f" in (_CODEGEN.get_host_cpu_features() if features is None else features).split(",")


# The sums of a tile must stay in registers while weights stream past. numba keeps code by processor and features, so
# what is compiled for one shape never runs with another.
TILE_ROWS, TILE_COLUMNS = (8, 2 * LANES) if _compiles_for_avx512() else (6, LANES)
"""Positions and outputs that `dense_tile` works on at once: 16 of AVX-512's 32 registers, or 12 of AVX's 16."""

HALF_ROWS = 4
"""Positions that `half_tile` works on at once: with fewer sums the latency of an addition would show."""
ROW_COLUMNS = 4 * LANES
"""Outputs that `row_tile` works on at once, for one position; `row_lane` does what remains."""

if DISABLED:

    def borrow(held: Any) -> Any:
        """An array, or a record of arrays, without reference counts: whoever called must keep the arrays alive."""
        return held

    def highest_bit(mask: int) -> int:
        """Index of the highest set bit; mask must not be 0."""
        return int(mask).bit_length() - 1

    def locations_above(boards: Boards, at: int, bound: int) -> int:
        """Mask of the locations 0..25 whose count is above `bound`, of the board that begins at `at`."""
        return sum(1 << location for location in range(26) if boards[at + location] > bound)

    def count_own(boards: Boards, at: int) -> int:
        """Sum of the counts above 0 of the board that begins at `at`."""
        return int(np.maximum(boards[at : at + 26], 0).sum())

    def count_theirs(boards: Boards, at: int) -> int:
        """Sum of the counts below 0 of the board that begins at `at`, without the sign."""
        return -int(np.minimum(boards[at : at + 26], 0).sum())

    def copy_lanes(source: Float32s, source_at: int, target: Float32s, target_at: int) -> None:
        """Copy LANES numbers."""
        target[target_at : target_at + LANES] = source[source_at : source_at + LANES]

    def rectify_lanes(
        source: Float32s, source_at: int, added: Float32s, added_at: int, target: Float32s, target_at: int
    ) -> None:
        """Set LANES numbers to the larger of a sum and 0."""
        total = source[source_at : source_at + LANES] + added[added_at : added_at + LANES]
        target[target_at : target_at + LANES] = np.maximum(total, np.float32(0))

    def copy_board(source: Int8s, source_at: int, target: Int8s, target_at: int) -> None:
        """Copy the 26 counts that begin at a place of one array to a place of another."""
        target[target_at : target_at + 26] = source[source_at : source_at + 26]

    def sum_rows(
        target: Int32s,
        target_at: int,
        base: Int32s,
        base_at: int,
        rows: Int16s,
        starts: Int64s,
        num_plus: int,
        num_minus: int,
        length: int,
    ) -> None:
        """Set target to base + the rows that begin at starts[:num_plus] - those of the num_minus starts after them."""
        total = base[base_at : base_at + length].copy()
        for number in range(num_plus):
            total += rows[starts[number] : starts[number] + length]
        for number in range(num_plus, num_plus + num_minus):
            total -= rows[starts[number] : starts[number] + length]
        target[target_at : target_at + length] = total

    def sum_rows_to_floats(
        target: Float32s,
        target_at: int,
        base: Int32s,
        base_at: int,
        rows: Int16s,
        starts: Int64s,
        num_plus: int,
        num_minus: int,
        length: int,
        floor: np.floating,
    ) -> None:
        """Set target to the larger of `sum_rows` and floor."""
        total = np.empty(length, dtype=np.int32)
        sum_rows(total, 0, base, base_at, rows, starts, num_plus, num_minus, length)
        target[target_at : target_at + length] = np.maximum(total.astype(np.float32), np.float32(floor))

    def wide_above(boards: Boards, at: int, bound: int) -> int:
        """`locations_above` for a board in a row of ROW_BYTES; what its last six bytes hold does not matter."""
        return locations_above(boards, at, bound)

    def changed_locations(left: Boards, left_at: int, right: Boards, right_at: int) -> int:
        """Mask of the locations where two boards differ, each in a row of ROW_BYTES."""
        return sum(1 << location for location in range(26) if left[left_at + location] != right[right_at + location])

    def walk_row(
        target: Int32s,
        target_at: int,
        parent: Int32s,
        parent_at: int,
        rows: Int16s,
        plus_at: int,
        minus_at: int,
        bar_at: int,
        words: Int64s,
        words_at: int,
        changed_blocks: int,
        changed_shots: int,
        patterns_at: int,
        length: int,
    ) -> None:
        """Set target to the sums after a move, from those of the position before it.

        Args:
            target: receives them from `target_at` on.
            target_at: .
            parent: has those before from `parent_at` on.
            parent_at: .
            rows: the table.
            plus_at: row to add.
            minus_at: row to subtract.
            bar_at: 0, or after a hit one more to subtract, and the row behind `plus_at` one more to add.
            words: four words of patterns before the move from `words_at` on, then the four after it: places of two
                families and what they see, then of two more (`patterns.pattern_words`).
            words_at: .
            changed_blocks: places of the first two families whose pattern is not the same.
            changed_shots: of the last two.
            patterns_at: where the rows of patterns begin, 64 for each of 26 places of each family.
            length: of a row.
        """
        total = parent[parent_at : parent_at + length] + rows[plus_at : plus_at + length]
        total -= rows[minus_at : minus_at + length]
        if bar_at:
            total += rows[plus_at + length : plus_at + 2 * length]
            total -= rows[bar_at : bar_at + length]
        for sign, at in ((1, words_at + 4), (-1, words_at)):
            for pair, changed in enumerate((changed_blocks, changed_shots)):
                places, seen = int(words[at + 2 * pair]) & int(changed), int(words[at + 2 * pair + 1])
                for bit in (bit for bit in range(58) if places >> bit & 1):
                    row = (52 * pair + bit - 6 * (bit >> 5)) * 64 + (seen >> bit & 63)
                    first = patterns_at + row * length
                    total += sign * rows[first : first + length].astype(np.int32)
        target[target_at : target_at + length] = total

    def walk_row_to_floats(
        target: Float32s,
        target_at: int,
        parent: Int32s,
        parent_at: int,
        rows: Int16s,
        plus_at: int,
        minus_at: int,
        bar_at: int,
        words: Int64s,
        words_at: int,
        changed_blocks: int,
        changed_shots: int,
        patterns_at: int,
        length: int,
        floor: np.floating,
    ) -> None:
        """Set target to the larger of `walk_row` and floor; numba reads types off a signature, so each has its own."""
        total = np.empty(length, dtype=np.int32)
        walk_row(
            total, 0, parent, parent_at, rows, plus_at, minus_at, bar_at, words, words_at, changed_blocks,
            changed_shots, patterns_at, length,
        )  # fmt: skip
        target[target_at : target_at + length] = np.maximum(total.astype(np.float32), np.float32(floor))

    def find_nonzero(values: Float32s, at: int, stride: int, num_rows: int, length: int, found: Int32s) -> int:
        """Ascending columns where one of the rows values[at + row * stride] is not +0, into `found`; their number.

        `found` has room for length + 8.
        """
        is_found = np.zeros(length, dtype=bool)
        for row in range(at, at + num_rows * stride, stride):
            is_found |= values[row : row + length].view(np.int32) != 0
        columns = np.flatnonzero(is_found)
        found[: len(columns)] = columns
        return len(columns)

    def _make_tile(num_rows: int, num_columns: int) -> Any:
        def tile(
            inputs: Float32s,
            inputs_at: int,
            input_stride: int,
            used: Int32s,
            num_used: int,
            weights: Float32s,
            weights_at: int,
            panel_stride: int,
            biases: Float32s,
            biases_at: int,
            outputs: Float32s,
            outputs_at: int,
            output_stride: int,
            floor: np.floating,
        ) -> None:
            for row in range(num_rows):
                total = biases[biases_at : biases_at + num_columns].copy()
                for k in used[:num_used]:
                    value = inputs[inputs_at + row * input_stride + k]
                    for panel in range(num_columns // LANES):
                        at = weights_at + panel * panel_stride + k * LANES
                        total[panel * LANES : (panel + 1) * LANES] += value * weights[at : at + LANES]
                at = outputs_at + row * output_stride
                outputs[at : at + num_columns] = np.maximum(total, np.float32(floor))

        return tile

    def softmax_row(
        values: Float32s, at: int, mask: int, weights: Float32s, target: Float32s, target_at: int
    ) -> np.float32:
        """Softmax of LANES values over the lanes in `mask`, 0 elsewhere, into target; gives the sum of weights * it."""
        is_in = np.array([mask >> lane & 1 == 1 for lane in range(LANES)])
        chosen = np.where(is_in, values[at : at + LANES], -np.inf)
        powers = np.exp(chosen - chosen.max()).astype(np.float32)
        shares = powers / powers.sum(dtype=np.float32)
        target[target_at : target_at + LANES] = shares
        return np.float32((shares * weights[:LANES]).sum(dtype=np.float32))

else:
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    _tools: Any = cgutils  # untyped
    _FLOAT = ir.FloatType()
    _INDEX = ir.IntType(64)
    _VECTOR = ir.VectorType(_FLOAT, LANES)
    _INTEGERS = ir.VectorType(ir.IntType(32), LANES)

    def _index(value: int) -> Any:
        return ir.Constant(_INDEX, value)

    def _data(context: Any, builder: Any, signature: Any, arguments: Any, number: int) -> Any:
        """Pointer to the first element of an array argument."""
        array = _tools.create_struct_proxy(signature.args[number])(context, builder, value=arguments[number])
        return array.data

    def _load(builder: Any, base: Any, offset: Any, kind: Any = _VECTOR) -> Any:
        value = builder.load(builder.bitcast(builder.gep(base, [offset]), kind.as_pointer()))
        value.align = 4
        return value

    def _load_integers(builder: Any, base: Any, offset: Any) -> Any:
        """A vector of int32 from int16 or int32 numbers."""
        element = base.type.pointee
        value = builder.load(builder.bitcast(builder.gep(base, [offset]), ir.VectorType(element, LANES).as_pointer()))
        value.align = element.width // 8
        return value if element.width == 32 else builder.sext(value, _INTEGERS)

    def _store(builder: Any, value: Any, base: Any, offset: Any) -> None:
        pointer = builder.bitcast(builder.gep(base, [offset]), value.type.as_pointer())
        builder.store(value, pointer).align = 4

    def _spread(builder: Any, scalar: Any) -> Any:
        """The scalar in every lane."""
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), lanes)

    def _call_llvm(builder: Any, name: str, *operands: Any) -> Any:
        """Call an LLVM intrinsic on vectors, for instance llvm.fma."""
        function_type = ir.FunctionType(_VECTOR, [_VECTOR] * len(operands))
        function = _tools.get_or_insert_function(builder.module, function_type, f"llvm.{name}.v{LANES}f32")
        return builder.call(function, operands)

    def _larger(builder: Any, left: Any, right: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", left, right), left, right)

    def _without_counts(context: Any, builder: Any, kind: Any, value: Any) -> Any:
        if isinstance(kind, types.Array):
            proxy = _tools.create_struct_proxy(kind)(context, builder, value=value)
            proxy.meminfo = _tools.get_null_value(proxy.meminfo.type)
            proxy.parent = _tools.get_null_value(proxy.parent.type)
            return proxy._getvalue()
        if isinstance(kind, types.BaseTuple):
            parts: Any = kind  # numba's tuples of types can be walked over, which its annotations do not say
            for place, part in enumerate(parts):
                bare = _without_counts(context, builder, part, builder.extract_value(value, place))
                value = builder.insert_value(value, bare, place)
        return value

    @intrinsic
    def borrow(_typing_context: Any, held: Any) -> Any:
        """An array, or a record of arrays, without reference counts: whoever called must keep the arrays alive."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _without_counts(context, builder, signature.args[0], arguments[0])

        return held(held), generate_code

    @intrinsic
    def highest_bit(_typing_context: Any, _mask: Any) -> Any:
        """Index of the highest set bit of an int64; mask must not be 0 (one machine instruction)."""

        def generate_code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            leading = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
            return builder.sub(_index(63), leading)

        return types.int64(types.int64), generate_code

    @intrinsic
    def locations_above(_typing: Any, boards: Any, _at: Any, _bound: Any) -> Any:
        """Mask of the locations 0..25 whose count is above `bound`, of the board that begins at `at`."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            half = ir.VectorType(ir.IntType(8), 16)
            data = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            bound = builder.trunc(arguments[2], ir.IntType(8))
            one = builder.insert_element(ir.Constant(half, ir.Undefined), bound, ir.Constant(ir.IntType(32), 0))
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), 16), [0] * 16)
            bounds = builder.shuffle_vector(one, ir.Constant(half, ir.Undefined), lanes)
            masks = []
            for at in (0, 10):
                value = builder.load(builder.bitcast(builder.gep(data, [_index(at)]), half.as_pointer()))
                value.align = 1
                is_above = builder.icmp_signed(">", value, bounds)
                masks.append(builder.zext(builder.bitcast(is_above, ir.IntType(16)), _INDEX))
            return builder.or_(masks[0], builder.shl(masks[1], _index(10)))

        return types.int64(boards, types.int64, types.int64), generate_code

    def _make_count(sign: int) -> Any:
        @intrinsic
        def count(_typing: Any, boards: Any, _at: Any) -> Any:
            def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                small = ir.IntType(8)
                half = ir.VectorType(small, 16)
                zero = ir.Constant(half, [0] * 16)
                data = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
                total = zero
                for at, begin in ((0, 0), (10, 6)):  # two vectors that overlap in six counts
                    value = builder.load(builder.bitcast(builder.gep(data, [_index(at)]), half.as_pointer()))
                    value.align = 1
                    if sign < 0:
                        value = builder.sub(zero, value)
                    mine = builder.select(builder.icmp_signed(">", value, zero), value, zero)
                    lanes = ir.Constant(half, [-1 if lane >= begin else 0 for lane in range(16)])
                    total = builder.add(total, builder.and_(mine, lanes))
                function_type = ir.FunctionType(small, [half])
                function = _tools.get_or_insert_function(builder.module, function_type, "llvm.vector.reduce.add.v16i8")
                return builder.zext(builder.call(function, [total]), _INDEX)

            return types.int64(boards, types.int64), generate_code

        return count

    count_own = _make_count(1)
    count_theirs = _make_count(-1)

    @intrinsic
    def copy_lanes(_typing: Any, source: Any, _source_at: Any, target: Any, _target_at: Any) -> Any:
        """Copy LANES numbers."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = _load(builder, _data(context, builder, signature, arguments, 0), arguments[1])
            _store(builder, value, _data(context, builder, signature, arguments, 2), arguments[3])
            return context.get_dummy_value()

        return types.void(source, types.int64, target, types.int64), generate_code

    @intrinsic
    def rectify_lanes(
        _typing: Any, source: Any, _source_at: Any, added: Any, _added_at: Any, target: Any, _target_at: Any
    ) -> Any:
        """Set LANES numbers to the larger of a sum and 0."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = _load(builder, _data(context, builder, signature, arguments, 0), arguments[1])
            more = _load(builder, _data(context, builder, signature, arguments, 2), arguments[3])
            total = _larger(builder, builder.fadd(value, more), ir.Constant(_VECTOR, None))
            _store(builder, total, _data(context, builder, signature, arguments, 4), arguments[5])
            return context.get_dummy_value()

        index = types.int64
        return types.void(source, index, added, index, target, index), generate_code

    @intrinsic
    def copy_board(_typing: Any, source: Any, _source_at: Any, target: Any, _target_at: Any) -> Any:
        """Copy the 26 counts that begin at a place of one array to a place of another."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            origin = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            goal = builder.gep(_data(context, builder, signature, arguments, 2), [arguments[3]])
            half = ir.VectorType(ir.IntType(8), 16)
            values = []
            for at in (0, 10):  # two vectors of 16 that overlap, both read before the first is written
                value = builder.load(builder.bitcast(builder.gep(origin, [_index(at)]), half.as_pointer()))
                value.align = 1
                values.append(value)
            for at, value in zip((0, 10), values, strict=True):
                builder.store(value, builder.bitcast(builder.gep(goal, [_index(at)]), half.as_pointer())).align = 1
            return context.get_dummy_value()

        return types.void(source, types.int64, target, types.int64), generate_code

    def _sum_rows(context: Any, builder: Any, signature: Any, arguments: Any, finish: Any) -> Any:
        """Base + rows - rows, vector by vector, stored after `finish`."""
        to = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
        first = builder.gep(_data(context, builder, signature, arguments, 2), [arguments[3]])
        table = _data(context, builder, signature, arguments, 4)
        begins = _data(context, builder, signature, arguments, 5)
        sums = [_tools.alloca_once(builder, _INTEGERS) for _ in range(ROW_UNIT // LANES)]
        with _tools.for_range_slice(builder, _index(0), arguments[8], _index(ROW_UNIT), _INDEX) as (at, _):
            places = [builder.add(at, _index(part * LANES)) for part in range(len(sums))]
            for total, place in zip(sums, places, strict=True):
                builder.store(_load_integers(builder, first, place), total)
            for first_start, count, join in (
                (begins, arguments[6], builder.add),
                (builder.gep(begins, [arguments[6]]), arguments[7], builder.sub),
            ):
                with _tools.for_range(builder, count) as loop:
                    row = builder.gep(table, [builder.load(builder.gep(first_start, [loop.index]))])
                    for total, place in zip(sums, places, strict=True):
                        value = _load_integers(builder, row, place)
                        builder.store(join(builder.load(total), value), total)
            for total, place in zip(sums, places, strict=True):
                _store(builder, finish(builder.load(total)), to, place)
        return context.get_dummy_value()

    @intrinsic
    def sum_rows(
        _typing: Any,
        target: Any,
        _target_at: Any,
        base: Any,
        _base_at: Any,
        rows: Any,
        starts: Any,
        _num_plus: Any,
        _num_minus: Any,
        _length: Any,
    ) -> Any:
        """Set target to base + the rows that begin at starts[:num_plus] - those of the num_minus starts after them."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _sum_rows(context, builder, signature, arguments, lambda total: total)

        index = types.int64
        return types.void(target, index, base, index, rows, starts, index, index, index), generate_code

    @intrinsic
    def sum_rows_to_floats(
        _typing: Any,
        target: Any,
        _target_at: Any,
        base: Any,
        _base_at: Any,
        rows: Any,
        starts: Any,
        _num_plus: Any,
        _num_minus: Any,
        _length: Any,
        _floor: Any,
    ) -> Any:
        """Set target to the larger of `sum_rows` and floor."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            floor = _spread(builder, arguments[9])

            def finish(total: Any) -> Any:
                return _larger(builder, builder.sitofp(total, _VECTOR), floor)

            return _sum_rows(context, builder, signature, arguments, finish)

        index = types.int64
        return types.void(target, index, base, index, rows, starts, index, index, index, types.float32), generate_code

    _SMALL = ir.IntType(8)
    _BOARD_ROW = ir.VectorType(_SMALL, ROW_BYTES)
    _ZERO = ir.Constant(ir.IntType(32), 0)

    def _load_board(builder: Any, data: Any, at: Any) -> Any:
        value = builder.load(builder.bitcast(builder.gep(data, [at]), _BOARD_ROW.as_pointer()))
        value.align = 1
        return value

    def _locations(builder: Any, is_in: Any) -> Any:
        """Mask of the locations 0..25 from a vector of truth values."""
        mask = builder.zext(builder.bitcast(is_in, ir.IntType(ROW_BYTES)), _INDEX)
        return builder.and_(mask, _index((1 << 26) - 1))

    @intrinsic
    def wide_above(_typing: Any, boards: Any, _at: Any, _bound: Any) -> Any:
        """`locations_above` for a board in a row of ROW_BYTES; what its last six bytes hold does not matter."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = _load_board(builder, _data(context, builder, signature, arguments, 0), arguments[1])
            bound = builder.trunc(arguments[2], _SMALL)
            nothing = ir.Constant(_BOARD_ROW, ir.Undefined)
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), ROW_BYTES), [0] * ROW_BYTES)
            bounds = builder.shuffle_vector(builder.insert_element(nothing, bound, _ZERO), nothing, lanes)
            return _locations(builder, builder.icmp_signed(">", value, bounds))

        return types.int64(boards, types.int64, types.int64), generate_code

    @intrinsic
    def changed_locations(_typing: Any, left: Any, _left_at: Any, right: Any, _right_at: Any) -> Any:
        """Mask of the locations where two boards differ, each in a row of ROW_BYTES."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            one = _load_board(builder, _data(context, builder, signature, arguments, 0), arguments[1])
            other = _load_board(builder, _data(context, builder, signature, arguments, 2), arguments[3])
            return _locations(builder, builder.icmp_signed("!=", one, other))

        return types.int64(left, types.int64, right, types.int64), generate_code

    class _Sums:
        """Sums of ROW_UNIT columns in stack slots that LLVM turns into registers."""

        def __init__(self, builder: Any) -> None:
            self._builder = builder
            self._slots = [_tools.alloca_once(builder, _INTEGERS) for _ in range(ROW_UNIT // LANES)]

        def start(self, row: Any) -> None:
            """Begin with the numbers at a pointer."""
            for part, slot in enumerate(self._slots):
                self._builder.store(_load_integers(self._builder, row, _index(part * LANES)), slot)

        def take(self, join: Any, row: Any) -> None:
            """Add or subtract the numbers at a pointer."""
            for part, slot in enumerate(self._slots):
                value = _load_integers(self._builder, row, _index(part * LANES))
                self._builder.store(join(self._builder.load(slot), value), slot)

        def finish(self, last: Any, target: Any) -> None:
            """Write `last` of the sums to a pointer."""
            for part, slot in enumerate(self._slots):
                _store(self._builder, last(self._builder.load(slot)), target, _index(part * LANES))

    def _take_patterns(builder: Any, sums: Any, join: Any, pair: int, places: Any, seen: Any, row_of: Any) -> None:
        """Add or subtract the rows of the patterns at `places`; `row_of` gives the pointer to a pattern's row."""
        left = _tools.alloca_once_value(builder, places)
        with _tools.for_range(builder, builder.ctpop(places)):
            rest = builder.load(left)
            bit = builder.cttz(rest, ir.Constant(ir.IntType(1), 1))
            builder.store(builder.and_(rest, builder.sub(rest, _index(1))), left)
            # the second family of a word begins at bit 32, its rows after the 26 places of the first
            place = builder.sub(bit, builder.mul(builder.lshr(bit, _index(5)), _index(6)))
            mask = builder.and_(builder.lshr(seen, bit), _index(63))
            number = builder.add(builder.shl(builder.add(place, _index(52 * pair)), _index(6)), mask)
            sums.take(join, row_of(number))

    def _walk(context: Any, builder: Any, signature: Any, arguments: Any, last: Any) -> Any:
        """What `walk_row` says, column by column, stored after `last`: no list of rows, no sum leaves its register."""
        to = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
        parent = builder.gep(_data(context, builder, signature, arguments, 2), [arguments[3]])
        table = _data(context, builder, signature, arguments, 4)
        plus, minus, bar = arguments[5:8]
        begin = builder.gep(_data(context, builder, signature, arguments, 8), [arguments[9]])
        words = [builder.load(builder.gep(begin, [_index(number)])) for number in range(8)]
        changed, patterns_at, length = arguments[10:12], arguments[12], arguments[13]
        sums = _Sums(builder)
        with _tools.for_range_slice(builder, _index(0), length, _index(ROW_UNIT), _INDEX) as (at, _):

            def row_at(start: Any, at: Any = at) -> Any:
                return builder.gep(table, [builder.add(start, at)])

            def row_of(number: Any) -> Any:
                return row_at(builder.add(patterns_at, builder.mul(number, length)))

            sums.start(builder.gep(parent, [at]))
            sums.take(builder.add, row_at(plus))
            sums.take(builder.sub, row_at(minus))
            with builder.if_then(builder.icmp_unsigned("!=", bar, _index(0)), likely=False):
                sums.take(builder.add, row_at(builder.add(plus, length)))
                sums.take(builder.sub, row_at(bar))
            for join, first in ((builder.add, 4), (builder.sub, 0)):
                for pair in (0, 1):
                    places = builder.and_(changed[pair], words[first + 2 * pair])
                    _take_patterns(builder, sums, join, pair, places, words[first + 2 * pair + 1], row_of)
            sums.finish(last, builder.gep(to, [at]))
        return context.get_dummy_value()

    @intrinsic
    def walk_row(
        _typing: Any,
        target: Any,
        _target_at: Any,
        parent: Any,
        _parent_at: Any,
        rows: Any,
        _plus_at: Any,
        _minus_at: Any,
        _bar_at: Any,
        words: Any,
        _words_at: Any,
        _changed_blocks: Any,
        _changed_shots: Any,
        _patterns_at: Any,
        _length: Any,
    ) -> Any:
        """Set target to the sums after a move, from those of the position before it; see the plain function above."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _walk(context, builder, signature, arguments, lambda total: total)

        index = types.int64
        numbers = (index,) * 4
        return types.void(target, index, parent, index, rows, *numbers[:3], words, index, *numbers), generate_code

    @intrinsic
    def walk_row_to_floats(
        _typing: Any,
        target: Any,
        _target_at: Any,
        parent: Any,
        _parent_at: Any,
        rows: Any,
        _plus_at: Any,
        _minus_at: Any,
        _bar_at: Any,
        words: Any,
        _words_at: Any,
        _changed_blocks: Any,
        _changed_shots: Any,
        _patterns_at: Any,
        _length: Any,
        _floor: Any,
    ) -> Any:
        """Set target to the larger of `walk_row` and floor."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            floor = _spread(builder, arguments[14])
            return _walk(
                context, builder, signature, arguments,
                lambda total: _larger(builder, builder.sitofp(total, _VECTOR), floor),
            )  # fmt: skip

        index = types.int64
        numbers = (index,) * 4
        form = types.void(target, index, parent, index, rows, *numbers[:3], words, index, *numbers, types.float32)
        return form, generate_code

    _EIGHT = ir.VectorType(ir.IntType(32), 8)
    # The lanes of each mask of 8 bits in ascending order, then zeros: a list without a branch for each bit.
    _LANES_OF_MASK = [[lane for lane in range(8) if mask >> lane & 1] for mask in range(256)]
    _LANES_OF_MASK_BYTES = bytes(lane for lanes in _LANES_OF_MASK for lane in [*lanes, *[0] * (8 - len(lanes))])

    @intrinsic
    def find_nonzero(
        _typing: Any, values: Any, _at: Any, _stride: Any, _num_rows: Any, _length: Any, found: Any
    ) -> Any:
        """Ascending columns where one of the rows values[at + row * stride] is not +0, into `found`; their number.

        `found` has room for length + 8.
        """

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            first = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            stride, num_rows, length = arguments[2:5]
            target = _data(context, builder, signature, arguments, 5)
            small = ir.IntType(8)
            data = ir.Constant(ir.ArrayType(small, len(_LANES_OF_MASK_BYTES)), bytearray(_LANES_OF_MASK_BYTES))
            lanes_of = builder.bitcast(
                _tools.global_constant(builder, "lanes_of_mask", data), ir.VectorType(small, 8).as_pointer()
            )
            number = _tools.alloca_once_value(builder, _index(0))
            bits = [_tools.alloca_once(builder, _EIGHT) for _ in range(LANES // 8)]
            with _tools.for_range_slice(builder, _index(0), length, _index(LANES), _INDEX) as (at, _):
                for part in bits:
                    builder.store(ir.Constant(_EIGHT, [0] * 8), part)
                with _tools.for_range(builder, num_rows) as loop:
                    row = builder.gep(first, [builder.add(at, builder.mul(loop.index, stride))])
                    for place, part in enumerate(bits):
                        value = _load(builder, row, _index(8 * place), _EIGHT)
                        builder.store(builder.or_(builder.load(part), value), part)
                for place, part in enumerate(bits):
                    is_used = builder.icmp_unsigned("!=", builder.load(part), ir.Constant(_EIGHT, [0] * 8))
                    mask = builder.bitcast(is_used, small)
                    entry = builder.load(builder.gep(lanes_of, [builder.zext(mask, _INDEX)]))
                    entry.align = 8
                    start = builder.trunc(builder.add(at, _index(8 * place)), ir.IntType(32))
                    nothing = ir.Constant(_EIGHT, ir.Undefined)
                    one = builder.insert_element(nothing, start, ir.Constant(ir.IntType(32), 0))
                    starts = builder.shuffle_vector(one, nothing, ir.Constant(_EIGHT, [0] * 8))
                    so_far = builder.load(number)
                    _store(builder, builder.add(builder.zext(entry, _EIGHT), starts), target, so_far)
                    count = builder.zext(builder.ctpop(mask), _INDEX)
                    builder.store(builder.add(so_far, count), number)
            return builder.load(number)

        index = types.int64
        return types.int64(values, index, index, index, index, found), generate_code

    def _make_tile(num_rows: int, num_columns: int) -> Any:
        num_vectors = num_columns // LANES

        @intrinsic
        def tile(
            _typing: Any,
            inputs: Any,
            _inputs_at: Any,
            _input_stride: Any,
            used: Any,
            _num_used: Any,
            weights: Any,
            _weights_at: Any,
            _panel_stride: Any,
            biases: Any,
            _biases_at: Any,
            outputs: Any,
            _outputs_at: Any,
            _output_stride: Any,
            _floor: Any,
        ) -> Any:
            def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                given = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
                places = _data(context, builder, signature, arguments, 3)
                matrix = builder.gep(_data(context, builder, signature, arguments, 5), [arguments[6]])
                bias = builder.gep(_data(context, builder, signature, arguments, 8), [arguments[9]])
                result = builder.gep(_data(context, builder, signature, arguments, 10), [arguments[11]])
                input_stride, num_used, panel_stride = arguments[2], arguments[4], arguments[7]
                output_stride, floor = arguments[12], _spread(builder, arguments[13])
                rows = [builder.gep(given, [builder.mul(input_stride, _index(row))]) for row in range(num_rows)]
                panels = [builder.gep(matrix, [builder.mul(panel_stride, _index(part))]) for part in range(num_vectors)]
                # Sums live in stack slots that LLVM turns into registers.
                sums = [[_tools.alloca_once(builder, _VECTOR) for _ in range(num_vectors)] for _ in range(num_rows)]
                for part in range(num_vectors):
                    value = _load(builder, bias, _index(part * LANES))
                    for row in range(num_rows):
                        builder.store(value, sums[row][part])
                with _tools.for_range(builder, num_used) as loop:
                    k = builder.zext(builder.load(builder.gep(places, [loop.index])), _INDEX)
                    at = builder.mul(k, _index(LANES))
                    columns = [_load(builder, panel, at) for panel in panels]
                    for row in range(num_rows):
                        value = _spread(builder, builder.load(builder.gep(rows[row], [k])))
                        for part in range(num_vectors):
                            total = _call_llvm(builder, "fma", value, columns[part], builder.load(sums[row][part]))
                            builder.store(total, sums[row][part])
                        # No instruction, but loads stay on their side of it: left alone, LLVM unrolls the loop and
                        # loads the values of two rounds early, and then sums are spilled.
                        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], True)
                for row in range(num_rows):
                    at = builder.mul(output_stride, _index(row))
                    for part in range(num_vectors):
                        total = _larger(builder, builder.load(sums[row][part]), floor)
                        _store(builder, total, result, builder.add(at, _index(part * LANES)))
                return context.get_dummy_value()

            index = types.int64
            signature = types.void(
                inputs, index, index, used, index, weights, index, index, biases, index, outputs, index, index,
                types.float32,
            )  # fmt: skip
            return signature, generate_code

        return tile

    def _reduce(builder: Any, total: Any, join: Any) -> Any:
        """One number from all lanes: halves joined with each other until one is left."""
        width = LANES
        while width > 1:
            width //= 2
            undefined = ir.Constant(total.type, ir.Undefined)
            halves = [
                builder.shuffle_vector(
                    total,
                    undefined,
                    ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(begin, begin + width))),
                )
                for begin in (0, width)
            ]
            total = join(*halves)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    def _constant(value: float) -> Any:
        return ir.Constant(_VECTOR, [float(np.float32(value))] * LANES)

    def _power(builder: Any, exponents: Any) -> Any:
        """The exponential function for exponents of at most 0: a power of two by its bits, the rest by a series."""
        scaled = builder.fmul(exponents, _constant(1.4426950408889634))
        scaled = _larger(builder, scaled, _constant(-126.0))
        whole = _call_llvm(builder, "rint", scaled)
        rest = builder.fmul(builder.fsub(scaled, whole), _constant(0.6931471805599453))
        value = _constant(1 / 5040)
        for divisor in (720, 120, 24, 6, 2, 1, 1):  # Taylor, |rest| <= 0.35: the next term is below 1e-8
            value = _call_llvm(builder, "fma", value, rest, _constant(1 / divisor))
        bits = builder.add(builder.fptosi(whole, _INTEGERS), ir.Constant(_INTEGERS, [127] * LANES))
        bits = builder.shl(bits, ir.Constant(_INTEGERS, [23] * LANES))
        return builder.fmul(value, builder.bitcast(bits, _VECTOR))

    @intrinsic
    def softmax_row(_typing: Any, values: Any, _at: Any, _mask: Any, weights: Any, target: Any, _target_at: Any) -> Any:
        """Softmax of LANES values over the lanes in `mask`, 0 elsewhere, into target; gives the sum of weights * it."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            row = _load(builder, _data(context, builder, signature, arguments, 0), arguments[1])
            mask = builder.bitcast(builder.trunc(arguments[2], ir.IntType(LANES)), ir.VectorType(ir.IntType(1), LANES))
            chosen = builder.select(mask, row, _constant(-np.inf))
            highest = _reduce(builder, chosen, lambda left, right: _larger(builder, left, right))
            powers = _power(builder, builder.fsub(chosen, _spread(builder, highest)))
            powers = builder.select(mask, powers, _constant(0.0))
            shares = builder.fdiv(powers, _spread(builder, _reduce(builder, powers, builder.fadd)))
            _store(builder, shares, _data(context, builder, signature, arguments, 4), arguments[5])
            points = _load(builder, _data(context, builder, signature, arguments, 3), _index(0))
            return _reduce(builder, builder.fmul(shares, points), builder.fadd)

        index = types.int64
        return types.float32(values, index, index, weights, target, index), generate_code


# Outputs [rows, columns] = max(biases[columns] + inputs[rows, K] @ weights[K, columns], floor), by the inputs k in
# `used` alone, in their order; where the others are 0 in all rows that leaves the results what they are. Weights come
# in panels of LANES columns, each [K, LANES]; strides are in elements.
dense_tile = _make_tile(TILE_ROWS, TILE_COLUMNS)
narrow_tile = dense_tile if TILE_COLUMNS == LANES else _make_tile(TILE_ROWS, LANES)
half_tile = _make_tile(HALF_ROWS, TILE_COLUMNS)
row_tile = _make_tile(1, ROW_COLUMNS)
row_lane = _make_tile(1, LANES)
