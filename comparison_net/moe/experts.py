"""Experts of a layer as one stacked linear map, and ways to compute them.

E experts, M items, K experts of an item, H units given, W units of the last hidden layer, C outcome classes; G groups,
m tokens, c slots, d width of a token, w hidden units of a token expert.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from comparison_net.encoders import Encoder
from comparison_net.moe.algebra import SoftRouting, SparseRouting, gather, send
from comparison_net.tools import Int64s

PICKED_SIZE = 1024
"""Weights of an expert's layer from which on it is cheaper to pick the tokens that it takes than to compute all."""


class StackedLinear(nn.Module):
    """E linear maps of one shape: weight [E, out, in], bias [E, out]; started like `nn.Linear`, each expert anew."""

    def __init__(self, num_experts: int, num_in: int, num_out: int) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        bound = 1 / math.sqrt(num_in)
        self.weight = nn.Parameter(torch.empty(num_experts, num_out, num_in).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_experts, num_out).uniform_(-bound, bound))


def stacked(layers: nn.ModuleList) -> Iterator[StackedLinear]:
    """The layers of a list that holds stacked ones."""
    for layer in layers:
        assert isinstance(layer, StackedLinear)
        yield layer


class StackedScore(nn.Module):
    """E linear forms: weight [E, W], bias [E].

    Unlike the bias of a single output, that of an expert does not cancel where alternatives of one decision may belong
    to several: it ties the scales of the experts together. It starts at 0. Where they all meet the same, there is none.
    """

    def __init__(self, num_experts: int, width: int, has_bias: bool = True) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        bound = 1 / math.sqrt(width)
        self.weight = nn.Parameter(torch.empty(num_experts, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(num_experts)) if has_bias else None

    def biases(self) -> Tensor:
        """float32[E]."""
        return self.weight.new_zeros(len(self.weight)) if self.bias is None else self.bias


class ItemExperts(nn.Module):
    """Upper hidden layers, score and outcome logits of every expert, for items that each name their experts."""

    def __init__(
        self, num_experts: int, width: int, hidden: Sequence[int], num_outcomes: int, has_score: bool = True,
        is_tied: bool = True,
    ) -> None:  # fmt: skip
        """Layers of the widths in `hidden` on `width` units; a score, `num_outcomes` logits, or both.

        Experts are tied, by biases of their scores, unless no decision ever meets two of them.
        """
        super().__init__()
        self.num_experts = num_experts
        self.num_outcomes = num_outcomes
        self.layers = nn.ModuleList()
        for next_width in hidden:
            self.layers.append(StackedLinear(num_experts, width, next_width))
            width = next_width
        self.score = StackedScore(num_experts, width, is_tied) if has_score else None
        self.outcome = StackedLinear(num_experts, width, num_outcomes) if num_outcomes else None

    def forward(
        self, hidden: Tensor, experts: Tensor, gates: Tensor | None, encoder: Encoder, shift: Tensor | None = None
    ) -> Tensor:
        """Weighted sum of what an item's experts say: score (where they have one), then outcome logits.

        Args:
            hidden: float32[M, H].
            experts: int64[M, K], experts of each item.
            gates: float32[M, K]; None for ones. A gate of 0 leaves the expert out of the computation.
            encoder: computes a second layer.
            shift: float32[M, W], see `CandidateNet.score_shift`; only for one expert without a gate.

        Returns:
            float32[M, S], S = 1, C or 1 + C.
        """
        num_items, num_choices = experts.shape
        if gates is None and num_choices == 1 and len(self.layers) == 1:
            return self._of_one_layer(hidden, experts, encoder, shift)
        assert shift is None
        flat = experts.flatten()
        if gates is not None:
            flat = torch.where(gates.flatten() > 0, flat, self.num_experts)
        order = flat.argsort(stable=True)
        counts = torch.bincount(flat, minlength=self.num_experts + 1).tolist()
        rows = order // num_choices if num_choices > 1 else order
        # Rows of one expert stand together: each expert is one ordinary matrix product.
        parts = torch.split(hidden[rows], counts)
        outputs = [self.expert(number, part) for number, part in enumerate(parts[:-1]) if len(part)]
        sorted_outputs = torch.cat([*outputs, hidden.new_zeros(counts[-1], self.num_outputs)])
        inverse = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
        results = sorted_outputs[inverse].reshape(num_items, num_choices, self.num_outputs)
        return results.sum(1) if gates is None else (results * gates[..., None]).sum(1)

    def _of_one_layer(self, hidden: Tensor, experts: Tensor, encoder: Encoder, shift: Tensor | None) -> Tensor:
        """`forward` where each item asks one expert of one hidden layer.

        The heads of all experts are computed and those of the item's own picked: they are small.
        """
        (layer,) = stacked(self.layers)
        codes = experts[:, 0].cpu().numpy()
        units = encoder.second_layer(hidden, codes, layer.weight, layer.bias, shift)
        weights, biases = [], []
        if self.score is not None:
            weights.append(self.score.weight[:, None])
            biases.append(self.score.biases()[:, None])
        if self.outcome is not None and shift is None:
            weights.append(self.outcome.weight)
            biases.append(self.outcome.bias)
        result = _own_outputs(units, experts, torch.cat(weights, 1), torch.cat(biases, 1))
        if self.outcome is None or shift is None:
            return result
        plain = encoder.second_layer(hidden, codes, layer.weight, layer.bias)
        return torch.cat([result, _own_outputs(plain, experts, self.outcome.weight, self.outcome.bias)], 1)

    def merged(
        self, hidden: Tensor, shares: Tensor, owners: Int64s, encoder: Encoder, shift: Tensor | None = None
    ) -> Tensor:
        """Scores float32[M, 1] by experts of one hidden layer whose weights are averaged for each decision.

        Args:
            hidden: float32[M, H].
            shares: float32[N, E], of the experts in each decision; rows sum to 1.
            owners: int64[M], the decision of each item.
            encoder: computes a second layer.
            shift: as for `forward`.
        """
        (layer,) = stacked(self.layers)
        assert self.score is not None
        weight, bias = torch.tensordot(shares, layer.weight, 1), shares @ layer.bias
        units = encoder.second_layer(hidden, owners, weight, bias, shift)
        forms = (shares @ self.score.weight)[torch.from_numpy(owners)]
        return (units * forms).sum(1, keepdim=True)

    def expert(self, number: int, hidden: Tensor) -> Tensor:
        """Outputs of one expert, float32[M, S], on float32[M, H]."""
        for layer in stacked(self.layers):
            hidden = torch.relu(linear(hidden, layer.weight[number], layer.bias[number]))
        outputs = []
        if self.score is not None:
            one = slice(number, number + 1)
            outputs.append(linear(hidden, self.score.weight[one], self.score.biases()[one]))
        if self.outcome is not None:
            outputs.append(linear(hidden, self.outcome.weight[number], self.outcome.bias[number]))
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, 1)

    @property
    def num_outputs(self) -> int:
        """S: one for the score, one for each outcome class."""
        return (self.score is not None) + self.num_outcomes


def _own_outputs(units: Tensor, experts: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Outputs float32[M, S] of the expert of each item, int64[M, 1], by weight [E, S, W] and bias [E, S]."""
    num_outputs = weight.shape[1]
    every = linear(units, weight.flatten(0, 1), bias.flatten())
    return every.gather(1, experts * num_outputs + torch.arange(num_outputs, device=experts.device))


class TokenExperts(nn.Module):
    """Experts of tokens: d to w rectified units to d."""

    def __init__(self, num_experts: int, width: int, hidden: int) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        self.layers = nn.ModuleList(
            [StackedLinear(num_experts, width, hidden), StackedLinear(num_experts, hidden, width)]
        )

    def forward(self, tokens: Tensor, routing: SparseRouting | SoftRouting) -> Tensor:
        """Results float32[G, m, d] of tokens float32[G, m, d]."""
        if isinstance(routing, SoftRouting):
            return self.on_slots(tokens, routing.dispatch, routing.combine)
        first, _ = stacked(self.layers)
        num_experts, hidden, width = first.weight.shape
        if num_experts > 1 and hidden * width >= PICKED_SIZE:
            return self.picked(tokens, routing.gates, routing.slots >= 0)
        return self.weighted(tokens, routing.gates)

    def on_slots(self, tokens: Tensor, dispatch: Tensor, combine: Tensor) -> Tensor:
        """The algebra as it is written: send, compute the slots, gather."""
        inputs = send(tokens, dispatch)
        groups, n, c, width = inputs.shape
        by_expert = inputs.transpose(0, 1).reshape(n, groups * c, width)
        first, second = stacked(self.layers)
        units = torch.relu(torch.baddbmm(first.bias[:, None], by_expert, first.weight.transpose(1, 2)))
        outputs = torch.baddbmm(second.bias[:, None], units, second.weight.transpose(1, 2))
        return gather(outputs.reshape(n, groups, c, width).transpose(0, 1), combine)

    def picked(self, tokens: Tensor, gates: Tensor, is_taken: Tensor) -> Tensor:
        """The same sum as `weighted`, each expert computed for the tokens that it takes, bool[G, m, n], alone."""
        first, second = stacked(self.layers)
        groups, m, width = tokens.shape
        by_expert = is_taken.flatten(0, 1).T
        rows = by_expert.nonzero()[:, 1]
        given = tokens.reshape(groups * m, width)[rows]
        parts = torch.split(given, by_expert.sum(1).tolist())
        outputs = [
            linear(torch.relu(linear(part, first.weight[e], first.bias[e])), second.weight[e], second.bias[e])
            for e, part in enumerate(parts)
        ]
        weighted = torch.cat(outputs) * gates.flatten(0, 1).T[by_expert][:, None]
        return tokens.new_zeros(groups * m, width).index_add(0, rows, weighted.to(tokens.dtype)).reshape_as(tokens)

    def weighted(self, tokens: Tensor, gates: Tensor) -> Tensor:
        """Sum of the experts weighted by gates float32[G, m, n]: the same for a sparse routing, without its slots.

        All experts are computed for all tokens: at these sizes two full matrix products are faster than picking rows.
        """
        first, second = stacked(self.layers)
        n, hidden, width = first.weight.shape
        units = torch.relu(linear(tokens, first.weight.reshape(n * hidden, width), first.bias.flatten()))
        weighted = (units.reshape(*gates.shape, hidden) * gates[..., None]).flatten(2)
        return weighted @ second.weight.transpose(1, 2).reshape(n * hidden, width) + gates @ second.bias
