"""Mixtures of experts in the comparison net: an algebra, seven routers, hard splits, experts, upcycling.

A *router* decides which expert (sub-network) computes which token; what a *token* is decides which routers make sense,
because the score of an alternative must depend on that alternative alone, never on its rivals or the batch:

    tokens           routers                                    why
    whole items      dense, split, gate, split-gate,            every item has its own gate, so its score is its own;
    ("positions")    softmax-token, sinkhorn-token              capacity and Sinkhorn's plan exist in training only, to
                                                                keep the experts busy alike
    the places of    softmax-token, sinkhorn-token,             the group is ONE item: tokens compete for experts
    one item         softmax-expert, sinkhorn-expert,           inside it, and no other item has a say; so capacity,
    ("locations")    sparse-expert, soft, us, us-free           expert choice and slots may stay at play time

Expert choice, Soft MoE and USMoE are refused for whole items: who is taken would depend on who else asks.

Modules: `algebra` (dispatch D and combine B), one module for each family of routers (`token_choice`, `expert_choice`,
`soft`, `unified`, with the plans of `transport`), `balance` (auxiliary losses), `experts`, `item_mixture` and
`token_mixture` (the two kinds of nets), `upcycle`; `shapes` and `cost` (counted from the settings), `spread` (load in
progress lines and logs). `shapes`, `cost`, `spread` and `transport` do without torch.
"""
