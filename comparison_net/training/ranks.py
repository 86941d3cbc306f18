"""Several processes that train one net together, as `torchrun` starts them: each computes some parts of every step.

    torchrun --standalone --nproc-per-node 2 -m backgammon train SHARDS --out RUN --set threads=1

The gradients of the parts are added in the order of the parts, whoever computed them: a process takes the sum of those
before it, adds its own one after the other, and hands it on; the last one tells everybody. So the weights are those of
one process, to the byte, on one kind of processor. (`DistributedDataParallel` adds in an order that depends on their
number.) Every process judges for itself and makes the same step; the first alone writes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
import torch.distributed
from torch import Tensor

from comparison_net.tools import ConfigError


@dataclass(frozen=True)
class Ranks:
    """A process among those that train together.

    Attributes:
        rank: its number, from 0.
        count: of processes.
        device: where the numbers are that they exchange.
    """

    rank: int = 0
    count: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        """True of the one that writes."""
        return self.rank == 0

    def block(self, number: int) -> range:
        """The parts, of `number` in order, that this process computes; the first has some wherever there are any."""
        return range(-(-self.rank * number // self.count), -(-(self.rank + 1) * number // self.count))

    def receive(self, like: Sequence[Tensor]) -> None:
        """Fill tensors with what the process before this one hands on."""
        for tensor in like:
            torch.distributed.recv(tensor, self.rank - 1)

    def hand_on(self, tensors: Sequence[Tensor]) -> None:
        """Give tensors to the process behind this one, if there is one."""
        if self.rank + 1 < self.count:
            for tensor in tensors:
                torch.distributed.send(tensor, self.rank + 1)

    def tell_all(self, tensors: Sequence[Tensor]) -> None:
        """Make tensors those of the last process."""
        for tensor in tensors:
            torch.distributed.broadcast(tensor, self.count - 1)

    def any(self, flag: bool) -> bool:
        """True where the flag of some process is."""
        if self.count == 1:
            return flag
        found = torch.tensor([float(flag)], device=self.device)
        torch.distributed.all_reduce(found, torch.distributed.ReduceOp.MAX)
        return bool(found.item())

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            torch.distributed.barrier()


@cache
def ranks_here(device: str) -> Ranks:
    """This process among those that `torchrun` started; alone where it was started by itself.

    Args:
        device: of the training; of several GPUs each process takes one.

    Raises:
        ConfigError: the others cannot be found.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Ranks()
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"WORLD_SIZE is {count}, but the other processes are not found ({error})") from error
    return Ranks(torch.distributed.get_rank(), count, "cuda" if device == "cuda" else "cpu")
