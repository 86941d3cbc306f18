"""Mixtures of experts in the comparison net: an algebra, seven routers, phase routers, experts, upcycling.

A *router* decides which expert (sub-network) computes which token; what a *token* is decides which routers make sense,
because at play time the score of a candidate must depend on that candidate alone, never on its rivals or the batch:

    tokens           routers                                    why
    positions        dense, phase, phase-soft, phase-learned,   every position has its own gate, so a candidate's
                     softmax-token, sinkhorn-token              score is its own; capacity and Sinkhorn's plan exist in
                                                                training only, to keep the experts busy alike
    26 locations     softmax-token, sinkhorn-token,             the group is ONE board: tokens compete for experts
    of one board     softmax-expert, sinkhorn-expert,           inside it, and no other board has a say; so capacity,
                     sparse-expert, soft, us, us-free           expert choice and slots may stay at play time

Expert choice, Soft MoE and USMoE are refused for positions: who is taken would depend on who else asks.

Modules: `settings` (names and ranges), `algebra` (dispatch D and combine B), one module for each family of routers
(`token_choice`, `expert_choice`, `soft`, `unified`, with the plans of `transport`), `balance` (auxiliary losses),
`codes` (hard phase codes and gate features of a board), `experts`, `position_mixture` and `token_mixture` (the two
kinds of nets), `mixed` (what they share), `upcycle`; `evaluator` (play time, numpy alone), `shapes` and `cost` (counted
from the settings), `spread` (load in progress lines and logs), `inspection` and `picture` (`pairgammon inspect`). Of
these only `algebra`, the routers, `balance`, `experts`, `mixed`, the nets and `upcycle` import torch.
"""
