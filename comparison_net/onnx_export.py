"""Nets as ONNX files: rows of features in, scores and outcome chances out, for runtimes without torch.

M rows, F features, H units, E experts, K experts of a row, C outcome classes.

Written operator by operator, so that a file depends on no tracer: `items` float32[M, F] to `scores` float32[M] and,
where the net has them, `outcomes` float32[M, C]. Dense nets, and mixtures over items with a hard split or a learned
gate; what exists in training only (noise, capacity) is not in the file. Needs the package onnx.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from comparison_net.checkpoint import MAX_BYTES
from comparison_net.comparator import CandidateNet
from comparison_net.encoders import FeatureEncoder
from comparison_net.network_config import GATE, SPLIT, SPLIT_GATE
from comparison_net.tools import ConfigError, Float32s, replace_file

OPSET = 17

Weights = dict[str, Float32s]


class _Graph:
    """Nodes and constants, each with a name of its own."""

    def __init__(self) -> None:
        import onnx

        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def constant(self, values: Any, dtype: str = "float32") -> str:
        """The name of a constant."""
        name = f"constant_{len(self.constants)}"
        array = np.array(values, dtype=dtype, order="C")
        self.constants[name] = self.onnx.numpy_helper.from_array(array, name)
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """The name of a new node's first output."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        outputs = [name, f"{name}_more"] if operator == "TopK" else [name]
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), outputs, **attributes))
        return name

    def linear(self, given: str, weight: Float32s, bias: Float32s | None) -> str:
        """Given @ weight.T + bias."""
        product = self.add("MatMul", given, self.constant(weight.T))
        return product if bias is None else self.add("Add", product, self.constant(bias))


def export_onnx(net: CandidateNet, path: Path, means: Any = None, scales: Any = None) -> None:
    """Write a net that reads rows of features.

    Args:
        net: with a `FeatureEncoder`.
        path: where to.
        means: float[F], taken off the features first; None for none.
        scales: float[F], by which they are divided then.

    Raises:
        ConfigError: onnx is not installed, or a net whose arithmetic is not that of this file.
    """
    try:
        import onnx
    except ImportError as error:
        raise ConfigError("ONNX is not installed: pip install onnx") from error
    is_plain = isinstance(net.encoder, FeatureEncoder) and not net.config.asks_decision
    if not is_plain or net.config.tokens == "locations" or ":" in net.config.head:
        raise ConfigError(f"a net with head {net.config.head!r} on {net.domain.version} cannot be written as ONNX")
    graph, weights = _Graph(), net.weights()
    items = "items"
    if means is not None:
        items = graph.add("Sub", items, graph.constant(means))
    if scales is not None:
        items = graph.add("Div", items, graph.constant(scales))
    scores, logits = (_dense if not net.config.is_mixture else _mixture)(graph, net, weights, items)
    chances = None if logits is None else graph.add("Softmax", logits, axis=1)
    if net.config.ranks_by_value:
        assert chances is not None
        assert net.domain.outcomes is not None
        values = np.array(net.domain.outcomes.values) * np.exp(-weights["head.temperature"][0])
        expected = graph.add("MatMul", chances, graph.constant(values[:, None]))
        scores = expected if scores is None else graph.add("Add", scores, expected)
    assert scores is not None
    flat = graph.constant([-1], "int64")
    graph.nodes.append(onnx.helper.make_node("Reshape", [scores, flat], ["scores"]))
    outputs = [onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["M"])]
    if chances is not None:
        graph.nodes.append(onnx.helper.make_node("Identity", [chances], ["outcomes"]))
        width = net.domain.num_outcomes
        outputs.append(onnx.helper.make_tensor_value_info("outcomes", onnx.TensorProto.FLOAT, ["M", width]))
    given = onnx.helper.make_tensor_value_info("items", onnx.TensorProto.FLOAT, ["M", net.domain.num_features])
    body = onnx.helper.make_graph(graph.nodes, "comparison_net", [given], outputs, list(graph.constants.values()))
    model = onnx.helper.make_model(body, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    assert len(content) <= MAX_BYTES
    replace_file(path, content)


def _dense(graph: _Graph, net: CandidateNet, weights: Weights, items: str) -> tuple[str | None, str | None]:
    """Scores [M, 1] and outcome logits of the dense net."""
    hidden = items
    for index in range(len(net.config.hidden)):
        prefix = f"trunk.layers.{index}."
        hidden = graph.add("Relu", graph.linear(hidden, weights[f"{prefix}weight"], weights[f"{prefix}bias"]))
    scores = graph.linear(hidden, weights["head.score.weight"], None) if net.config.has_score else None
    if not net.config.outcomes:
        return scores, None
    return scores, graph.linear(hidden, weights["head.outcome.weight"], weights["head.outcome.bias"])


def _mixture(graph: _Graph, net: CandidateNet, weights: Weights, items: str) -> tuple[str | None, str | None]:
    """Scores [M, 1] and outcome logits of a mixture over items: all experts, weighted by their gates."""
    hidden = graph.linear(items, weights["trunk.layers.0.weight"], weights["trunk.layers.0.bias"])
    first = graph.add("Relu", hidden)
    gates = _gates(graph, net, weights, items, first)
    units, index = graph.add("Unsqueeze", first, graph.constant([0], "int64")), 0  # [1, M, H], then [E, M, W]
    while (name := f"experts.layers.{index}.weight") in weights:
        product = graph.add("MatMul", units, graph.constant(weights[name].transpose(0, 2, 1)))
        bias = graph.constant(weights[f"experts.layers.{index}.bias"][:, None])
        units, index = graph.add("Relu", graph.add("Add", product, bias)), index + 1
    matrices, biases = [], []
    if net.config.has_score:
        matrices.append(weights["experts.score.weight"][:, None])
        biases.append(weights["experts.score.bias"][:, None])
    if net.config.outcomes:
        matrices.append(weights["experts.outcome.weight"])
        biases.append(weights["experts.outcome.bias"])
    product = graph.add("MatMul", units, graph.constant(np.concatenate(matrices, 1).transpose(0, 2, 1)))
    said = graph.add("Add", product, graph.constant(np.concatenate(biases, 1)[:, None]))  # [E, M, S]
    by_row = graph.add("Transpose", said, perm=[1, 0, 2])
    weighted = graph.add("Mul", by_row, graph.add("Unsqueeze", gates, graph.constant([2], "int64")))
    result = graph.add("ReduceSum", weighted, graph.constant([1], "int64"), keepdims=0)
    if "skip.weight" in weights:
        result = graph.add("Add", result, graph.linear(first, weights["skip.weight"], None))
    columns = np.arange(net.config.has_score + net.domain.num_outcomes * net.config.outcomes)
    scores = graph.add("Gather", result, graph.constant([0], "int64"), axis=1) if net.config.has_score else None
    if not net.config.outcomes:
        return scores, None
    last = graph.constant(columns[-net.domain.num_outcomes :], "int64")
    return scores, graph.add("Gather", result, last, axis=1)


def _gates(graph: _Graph, net: CandidateNet, weights: Weights, items: str, first: str) -> str:
    """Weight of every expert for every row, [M, E]."""
    config, kind, num_experts = net.config, net.config.kind(net.domain), net.config.num_experts(net.domain)
    assert isinstance(net.encoder, FeatureEncoder)
    depth, switch = graph.constant([num_experts], "int64"), graph.constant([0.0, 1.0])
    if kind == SPLIT:
        column = graph.constant(net.encoder.split_columns[config.split], "int64")
        codes = graph.add("Cast", graph.add("Gather", "items", column, axis=1), to=graph.onnx.TensorProto.INT64)
        return graph.add("OneHot", codes, depth, switch, axis=-1)
    given = first
    if kind in (GATE, SPLIT_GATE):
        given = graph.add("Gather", items, graph.constant(net.encoder.gate_columns, "int64"), axis=1)
    shares = graph.add("Softmax", graph.linear(given, weights["gate.weight"], weights.get("gate.bias")), axis=1)
    kept = f"{graph.add('TopK', shares, graph.constant([config.choices], 'int64'), axis=1)}_more"
    one_hot = graph.add("OneHot", kept, depth, switch, axis=-1)
    mask = graph.add("ReduceSum", one_hot, graph.constant([1], "int64"), keepdims=0)
    gates = graph.add("Mul", shares, mask)
    if config.renormalise or kind in (GATE, SPLIT_GATE):
        gates = graph.add("Div", gates, graph.add("ReduceSum", gates, graph.constant([1], "int64"), keepdims=1))
    return gates
