"""Experts of a layer as one stacked linear map, and two ways to compute them.

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

    Unlike the bias of a single output, that of an expert does not cancel: it ties the scales of the experts together,
    since candidates of one decision may belong to several. It starts at 0.
    """

    def __init__(self, num_experts: int, width: int) -> None:
        """Fresh weights from torch's current generator."""
        super().__init__()
        bound = 1 / math.sqrt(width)
        self.weight = nn.Parameter(torch.empty(num_experts, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(num_experts))


class ItemExperts(nn.Module):
    """Upper hidden layers, score and outcome logits of every expert, for items that each name their experts."""

    def __init__(
        self, num_experts: int, width: int, hidden: Sequence[int], num_outcomes: int, has_score: bool = True
    ) -> None:
        """Layers of the widths in `hidden` on `width` units; a score, `num_outcomes` logits, or both."""
        super().__init__()
        self.num_experts = num_experts
        self.num_outcomes = num_outcomes
        self.layers = nn.ModuleList()
        for next_width in hidden:
            self.layers.append(StackedLinear(num_experts, width, next_width))
            width = next_width
        self.score = StackedScore(num_experts, width) if has_score else None
        self.outcome = StackedLinear(num_experts, width, num_outcomes) if num_outcomes else None

    def forward(self, hidden: Tensor, experts: Tensor, gates: Tensor | None, encoder: Encoder) -> Tensor:
        """Weighted sum of what an item's experts say: score (where they have one), then outcome logits.

        Args:
            hidden: float32[M, H].
            experts: int64[M, K], experts of each item.
            gates: float32[M, K]; None for ones. A gate of 0 leaves the expert out of the computation.
            encoder: computes a second layer.

        Returns:
            float32[M, S], S = 1, C or 1 + C.
        """
        num_items, num_choices = experts.shape
        if gates is None and num_choices == 1 and len(self.layers) == 1:
            return self._of_one_layer(hidden, experts, encoder)
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
        inverse = torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))
        results = sorted_outputs[inverse].reshape(num_items, num_choices, self.num_outputs)
        return results.sum(1) if gates is None else (results * gates[..., None]).sum(1)

    def _of_one_layer(self, hidden: Tensor, experts: Tensor, encoder: Encoder) -> Tensor:
        """`forward` where each item asks one expert of one hidden layer.

        The heads of all experts are computed and those of the item's own picked: they are small.
        """
        (layer,) = stacked(self.layers)
        hidden = encoder.second_layer(hidden, experts[:, 0].numpy(), layer.weight, layer.bias)
        weights, biases = [], []
        if self.score is not None:
            weights.append(self.score.weight[:, None])
            biases.append(self.score.bias[:, None])
        if self.outcome is not None:
            weights.append(self.outcome.weight)
            biases.append(self.outcome.bias)
        every = linear(hidden, torch.cat(weights, 1).flatten(0, 1), torch.cat(biases, 1).flatten())
        places = experts * self.num_outputs + torch.arange(self.num_outputs)
        return every.gather(1, places)

    def expert(self, number: int, hidden: Tensor) -> Tensor:
        """Outputs of one expert, float32[M, S], on float32[M, H]."""
        for layer in stacked(self.layers):
            hidden = torch.relu(linear(hidden, layer.weight[number], layer.bias[number]))
        outputs = []
        if self.score is not None:
            one = slice(number, number + 1)
            outputs.append(linear(hidden, self.score.weight[one], self.score.bias[one]))
        if self.outcome is not None:
            outputs.append(linear(hidden, self.outcome.weight[number], self.outcome.bias[number]))
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, 1)

    @property
    def num_outputs(self) -> int:
        """S: one for the score, one for each outcome class."""
        return (self.score is not None) + self.num_outcomes


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

    def weighted(self, tokens: Tensor, gates: Tensor) -> Tensor:
        """Sum of the experts weighted by gates float32[G, m, n]: the same for a sparse routing, without its slots.

        All experts are computed for all tokens: at these sizes two full matrix products are faster than picking rows.
        """
        first, second = stacked(self.layers)
        n, hidden, width = first.weight.shape
        units = torch.relu(linear(tokens, first.weight.reshape(n * hidden, width), first.bias.flatten()))
        weighted = (units.reshape(*gates.shape, hidden) * gates[..., None]).flatten(2)
        return weighted @ second.weight.transpose(1, 2).reshape(n * hidden, width) + gates @ second.bias
