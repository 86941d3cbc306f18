"""Machine operations that numba cannot express: bit scans, and loops over rows of numbers in vectors of 16.

The vector operations take flat int32 or float32 arrays with element offsets; lengths are multiples of LANES, rows
need not be aligned. LLVM lowers the 16-lane vectors to whatever the processor has (AVX-512, AVX, SSE, NEON). Nothing
is reordered between elements, and sums run in a fixed order, so results do not depend on threads or batches.

`borrow` is for loops that call kernels: numba counts references of every array that it passes on, atomically, which
costs as much as the work itself in small kernels, and far more when the counters of two threads share a cache line.

Under NUMBA_DISABLE_JIT=1 each name is a plain Python function with the same meaning.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from backgammon.jit import DISABLED

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]

LANES = 16
"""Numbers in a vector: row lengths are padded to a multiple of it."""

TILE_ROWS = 8
"""Positions that `dense_tile` works on at once; with 2 * LANES columns its sums fill half of the AVX-512 registers."""

TILE_COLUMNS = 2 * LANES
"""Outputs that `dense_tile` computes at once: layer widths are padded to a multiple of it."""

if DISABLED:

    def borrow(array: Any) -> Any:
        """The array without its reference count: whoever called must keep the array itself alive."""
        return array

    def highest_bit(mask: int) -> int:
        """Index of the highest set bit; mask must not be 0."""
        return int(mask).bit_length() - 1

    def locations_above(boards: npt.NDArray[np.int8], at: int, bound: int) -> int:
        """Mask of the locations 0..25 whose count is above `bound`, of the board that begins at `at`."""
        return sum(1 << location for location in range(26) if boards[at + location] > bound)

    def copy_board(source: npt.NDArray[np.int8], target: npt.NDArray[np.int8]) -> None:
        """Copy 26 counts, int8[>= 26] each."""
        target[:26] = source[:26]

    def copy_board_at(
        source: npt.NDArray[np.int8], source_at: int, target: npt.NDArray[np.int8], target_at: int
    ) -> None:
        """Copy 26 counts between places of flat arrays."""
        target[target_at : target_at + 26] = source[source_at : source_at + 26]

    def sum_rows(
        target: Integers,
        target_at: int,
        base: Integers,
        rows: Integers,
        starts: npt.NDArray[np.int64],
        num_rows: int,
        length: int,
    ) -> None:
        """Set target to base + the rows that begin at starts[:num_rows]; length in TILE_COLUMNS."""
        total = base[:length].copy()
        for number in range(num_rows):
            total += rows[starts[number] : starts[number] + length]
        target[target_at : target_at + length] = total

    def step_row(
        target: Integers,
        target_at: int,
        parent: Integers,
        parent_at: int,
        steps: Integers,
        plus_at: int,
        minus_at: int,
        length: int,
    ) -> None:
        """Set target to parent + steps[plus] - steps[minus]."""
        total = parent[parent_at : parent_at + length] + steps[plus_at : plus_at + length]
        target[target_at : target_at + length] = total - steps[minus_at : minus_at + length]

    def step_and_scale_row(
        target: Floats,
        target_at: int,
        parent: Integers,
        parent_at: int,
        steps: Integers,
        plus_at: int,
        minus_at: int,
        length: int,
        scale: np.floating,
        floor: np.floating,
    ) -> None:
        """Set target to max(scale * (parent + steps[plus] - steps[minus]), floor)."""
        total = parent[parent_at : parent_at + length] + steps[plus_at : plus_at + length]
        total = (total - steps[minus_at : minus_at + length]).astype(np.float32)
        target[target_at : target_at + length] = np.maximum(np.float32(scale) * total, np.float32(floor))

    def dense_tile(
        inputs: Floats,
        inputs_at: int,
        input_stride: int,
        num_inputs: int,
        weights: Floats,
        weights_at: int,
        weight_stride: int,
        biases: Floats,
        biases_at: int,
        outputs: Floats,
        outputs_at: int,
        output_stride: int,
        floor: np.floating,
    ) -> None:
        """Set outputs[8, 32] to max(biases[32] + inputs[8, K] @ weights[K, 32], floor); strides in elements."""
        for row in range(TILE_ROWS):
            total = biases[biases_at : biases_at + TILE_COLUMNS].copy()
            for k in range(num_inputs):
                at = weights_at + k * weight_stride
                total += inputs[inputs_at + row * input_stride + k] * weights[at : at + TILE_COLUMNS]
            at = outputs_at + row * output_stride
            outputs[at : at + TILE_COLUMNS] = np.maximum(total, np.float32(floor))

    def dot_row(left: Floats, left_at: int, right: Floats, right_at: int, length: int) -> float:
        """Sum of left * right, in LANES partial sums that are then added pairwise."""
        total = np.zeros(LANES, dtype=np.float32)
        for at in range(0, length, LANES):
            total += left[left_at + at : left_at + at + LANES] * right[right_at + at : right_at + at + LANES]
        width = LANES
        while width > 1:
            width //= 2
            total = total[:width] + total[width : 2 * width]
        return float(total[0])

    def softmax_row(values: Floats, at: int, mask: int, weights: Floats, target: Floats, target_at: int) -> np.float32:
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

    @intrinsic
    def borrow(_typing_context: Any, array: Any) -> Any:
        """The array without its reference count: whoever called must keep the array itself alive."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            proxy = _tools.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
            proxy.meminfo = _tools.get_null_value(proxy.meminfo.type)
            proxy.parent = _tools.get_null_value(proxy.parent.type)
            return proxy._getvalue()

        return array(array), generate_code

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

    def _copy_counts(builder: Any, origin: Any, goal: Any) -> None:
        """26 bytes as two vectors of 16 that overlap, both read before the first is written."""
        half = ir.VectorType(ir.IntType(8), 16)
        values = []
        for at in (0, 10):
            value = builder.load(builder.bitcast(builder.gep(origin, [_index(at)]), half.as_pointer()))
            value.align = 1
            values.append(value)
        for at, value in zip((0, 10), values, strict=True):
            builder.store(value, builder.bitcast(builder.gep(goal, [_index(at)]), half.as_pointer())).align = 1

    @intrinsic
    def copy_board(_typing: Any, source: Any, target: Any) -> Any:
        """Copy 26 counts, int8[>= 26] each."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            origin = _data(context, builder, signature, arguments, 0)
            _copy_counts(builder, origin, _data(context, builder, signature, arguments, 1))
            return context.get_dummy_value()

        return types.void(source, target), generate_code

    @intrinsic
    def copy_board_at(_typing: Any, source: Any, _source_at: Any, target: Any, _target_at: Any) -> Any:
        """Copy 26 counts between places of flat arrays."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            origin = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            goal = builder.gep(_data(context, builder, signature, arguments, 2), [arguments[3]])
            _copy_counts(builder, origin, goal)
            return context.get_dummy_value()

        return types.void(source, types.int64, target, types.int64), generate_code

    @intrinsic
    def sum_rows(
        _typing: Any, target: Any, _target_at: Any, base: Any, rows: Any, starts: Any, _num_rows: Any, _length: Any
    ) -> Any:
        """Set target to base + the rows that begin at starts[:num_rows]; length in TILE_COLUMNS."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            first = _data(context, builder, signature, arguments, 2)
            table = _data(context, builder, signature, arguments, 3)
            begins = _data(context, builder, signature, arguments, 4)
            sums = [_tools.alloca_once(builder, _INTEGERS) for _ in range(2)]
            with _tools.for_range_slice(builder, _index(0), arguments[6], _index(TILE_COLUMNS), _INDEX) as (at, _):
                places = [builder.add(at, _index(half * LANES)) for half in range(2)]
                for half in range(2):
                    builder.store(_load(builder, first, places[half], _INTEGERS), sums[half])
                with _tools.for_range(builder, arguments[5]) as loop:
                    row = builder.gep(table, [builder.load(builder.gep(begins, [loop.index]))])
                    for half in range(2):
                        value = _load(builder, row, places[half], _INTEGERS)
                        builder.store(builder.add(builder.load(sums[half]), value), sums[half])
                for half in range(2):
                    _store(builder, builder.load(sums[half]), to, places[half])
            return context.get_dummy_value()

        index = types.int64
        return types.void(target, index, base, rows, starts, index, index), generate_code

    def _step(context: Any, builder: Any, signature: Any, arguments: Any, at: Any) -> Any:
        """Parent + steps[plus] - steps[minus] for one vector of the arguments that both step functions begin with."""
        start = builder.gep(_data(context, builder, signature, arguments, 2), [arguments[3]])
        rows = _data(context, builder, signature, arguments, 4)
        plus = builder.gep(rows, [arguments[5]])
        minus = builder.gep(rows, [arguments[6]])
        total = builder.add(_load(builder, start, at, _INTEGERS), _load(builder, plus, at, _INTEGERS))
        return builder.sub(total, _load(builder, minus, at, _INTEGERS))

    @intrinsic
    def step_row(
        _typing: Any,
        target: Any,
        _target_at: Any,
        parent: Any,
        _parent_at: Any,
        steps: Any,
        _plus_at: Any,
        _minus_at: Any,
        _length: Any,
    ) -> Any:
        """Set target to parent + steps[plus] - steps[minus]."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            with _tools.for_range_slice(builder, _index(0), arguments[7], _index(LANES), _INDEX) as (at, _):
                _store(builder, _step(context, builder, signature, arguments, at), to, at)
            return context.get_dummy_value()

        index = types.int64
        return types.void(target, index, parent, index, steps, index, index, index), generate_code

    @intrinsic
    def step_and_scale_row(
        _typing: Any,
        target: Any,
        _target_at: Any,
        parent: Any,
        _parent_at: Any,
        steps: Any,
        _plus_at: Any,
        _minus_at: Any,
        _length: Any,
        _scale: Any,
        _floor: Any,
    ) -> Any:
        """Set target to max(scale * (parent + steps[plus] - steps[minus]), floor)."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            to = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            scale = _spread(builder, arguments[8])
            floor = _spread(builder, arguments[9])
            with _tools.for_range_slice(builder, _index(0), arguments[7], _index(LANES), _INDEX) as (at, _):
                total = builder.sitofp(_step(context, builder, signature, arguments, at), _VECTOR)
                _store(builder, _larger(builder, builder.fmul(total, scale), floor), to, at)
            return context.get_dummy_value()

        index = types.int64
        signature = types.void(target, index, parent, index, steps, index, index, index, types.float32, types.float32)
        return signature, generate_code

    @intrinsic
    def dense_tile(
        _typing: Any,
        inputs: Any,
        _inputs_at: Any,
        _input_stride: Any,
        _num_inputs: Any,
        weights: Any,
        _weights_at: Any,
        _weight_stride: Any,
        biases: Any,
        _biases_at: Any,
        outputs: Any,
        _outputs_at: Any,
        _output_stride: Any,
        _floor: Any,
    ) -> Any:
        """Set outputs[8, 32] to max(biases[32] + inputs[8, K] @ weights[K, 32], floor); strides in elements."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            matrix = builder.gep(_data(context, builder, signature, arguments, 4), [arguments[5]])
            bias = builder.gep(_data(context, builder, signature, arguments, 7), [arguments[8]])
            result = builder.gep(_data(context, builder, signature, arguments, 9), [arguments[10]])
            input_stride, num_inputs, weight_stride = arguments[2], arguments[3], arguments[6]
            output_stride = arguments[11]
            # Sums live in stack slots that LLVM turns into registers: 8 rows by 2 vectors.
            sums = [[_tools.alloca_once(builder, _VECTOR) for _ in range(2)] for _ in range(TILE_ROWS)]
            for half in range(2):
                value = _load(builder, bias, _index(half * LANES))
                for row in range(TILE_ROWS):
                    builder.store(value, sums[row][half])
            with _tools.for_range(builder, num_inputs) as loop:
                start = builder.mul(loop.index, weight_stride)
                columns = [_load(builder, matrix, builder.add(start, _index(half * LANES))) for half in range(2)]
                for row in range(TILE_ROWS):
                    at = builder.add(builder.mul(input_stride, _index(row)), loop.index)
                    value = _spread(builder, builder.load(builder.gep(given, [at])))
                    for half in range(2):
                        total = _call_llvm(builder, "fma", value, columns[half], builder.load(sums[row][half]))
                        builder.store(total, sums[row][half])
            floor = _spread(builder, arguments[12])
            for row in range(TILE_ROWS):
                at = builder.mul(output_stride, _index(row))
                for half in range(2):
                    total = _larger(builder, builder.load(sums[row][half]), floor)
                    _store(builder, total, result, builder.add(at, _index(half * LANES)))
            return context.get_dummy_value()

        index = types.int64
        signature = types.void(
            inputs, index, index, index, weights, index, index, biases, index, outputs, index, index, types.float32
        )
        return signature, generate_code

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

    @intrinsic
    def dot_row(_typing: Any, left: Any, _left_at: Any, right: Any, _right_at: Any, _length: Any) -> Any:
        """Sum of left * right, in LANES partial sums that are then added pairwise."""

        def generate_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            first = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
            second = builder.gep(_data(context, builder, signature, arguments, 2), [arguments[3]])
            slot = _tools.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * LANES))
            with _tools.for_range_slice(builder, _index(0), arguments[4], _index(LANES), _INDEX) as (at, _):
                total = _call_llvm(
                    builder, "fma", _load(builder, first, at), _load(builder, second, at), builder.load(slot)
                )
                builder.store(total, slot)
            return _reduce(builder, builder.load(slot), builder.fadd)

        index = types.int64
        return types.float32(left, index, right, index, index), generate_code
