"""The second layer on units that are not zero, against `linear` of every candidate's own expert."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import linear

from backgammon.learner.training.second_layer import second_layer


@pytest.mark.parametrize("is_shifted", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.03, 0.4, 1.0])
@pytest.mark.parametrize(("num_experts", "num_units", "width"), [(1, 1, 1), (1, 33, 7), (6, 64, 32), (3, 50, 5)])
def test_values_and_gradients_are_those_of_the_dense_layer(
    num_experts: int, num_units: int, width: int, share: float, is_shifted: bool
) -> None:
    rng = np.random.default_rng([num_experts, num_units, int(100 * share)])
    num_rows = 203
    # Runs of one expert, as candidates of a decision have, and some that stand alone.
    codes = np.sort(rng.integers(0, num_experts, num_rows))
    codes[::17] = rng.integers(0, num_experts, len(codes[::17]))
    values = rng.normal(size=(num_rows, num_units)).astype(np.float32)
    values[rng.random(values.shape) >= share] = 0.0
    units = torch.relu(torch.from_numpy(values)).requires_grad_()
    weight = torch.from_numpy(rng.normal(size=(num_experts, width, num_units)).astype(np.float32)).requires_grad_()
    bias = torch.from_numpy(rng.normal(size=(num_experts, width)).astype(np.float32)).requires_grad_()
    slopes = torch.from_numpy(rng.integers(-3, 4, (num_rows, width)).astype(np.float32))
    shift = torch.from_numpy(rng.normal(size=(num_rows, width)).astype(np.float32)).requires_grad_()
    found = second_layer(units, codes, weight, bias, shift if is_shifted else None)
    plain = torch.stack(
        [linear(row, weight[code], bias[code]) for row, code in zip(units, codes.tolist(), strict=True)]
    )
    expected = torch.relu(plain + shift if is_shifted else plain)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    learnt = [units, weight, bias, *([shift] if is_shifted else [])]
    mine = torch.autograd.grad((found * slopes).sum(), learnt)
    dense = torch.autograd.grad((expected * slopes).sum(), learnt)
    # What a rectified unit that is zero would get is stopped below it, so nobody asks for it.
    torch.testing.assert_close(mine[0], dense[0] * (units > 0), rtol=0, atol=1e-4)
    # The fused optimiser read a transposed gradient in the order of its memory, and training ran away.
    assert all(gradient.is_contiguous() for gradient in mine)
    for one, other in zip(mine[1:], dense[1:], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-5 * max(float(other.abs().max()), 1.0))


def test_no_candidates_give_no_units() -> None:
    units, weight, bias = torch.zeros(0, 8), torch.zeros(2, 4, 8), torch.zeros(2, 4)
    assert second_layer(units, np.zeros(0, dtype=np.int64), weight, bias).shape == (0, 4)
