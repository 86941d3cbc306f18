"""Load on the HTTP server of `pairgammon serve-http`, on loopback: who is answered, how soon, and what it costs.

    python -m scripts.load_http [--clients 200] [--requests 100] [--drippers 500] [--seconds 60] [--total 50000]

Three rounds against one server process: many clients at once, half of them with a new connection for each request;
connections that drip a byte a second and come back when they are closed, while ten clients go on asking; and requests
for memory. Each answer is compared with the first one. Exit code 1 when a request is unanswered or wrong, when the 99th
percentile is beyond 2 seconds, when a dripping connection outlives its time or when memory grows by more than a
twentieth.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from backgammon.protocols.http_guard import HttpLimits
from scripts.program import program

TARGET = "/move?die1=3&die2=1&p24=2&p19=-5&p17=-3&p13=5&p12=-5&p8=3&p6=5&p1=-2"
WORST_P99 = 2.0
PATIENCE = 60.0
GROWTH = 1.05
"""Memory after all requests by memory after the first tenth of them."""


@dataclass
class Server:
    """The server under load."""

    process: subprocess.Popen[str]
    port: int
    answer: bytes = b""

    def memory(self) -> int:
        """Resident bytes; 0 where the system does not tell."""
        path = Path(f"/proc/{self.process.pid}/status")
        found = re.search(r"VmRSS:\s+(\d+) kB", path.read_text(encoding="ascii")) if path.exists() else None
        return int(found[1]) << 10 if found else 0


@dataclass
class Tally:
    """What became of requests."""

    seconds: list[float] = field(default_factory=list)
    unanswered: Counter[str] = field(default_factory=Counter)
    wrong: int = 0

    def __str__(self) -> str:
        if not self.seconds:
            return f"0 answered, {self.unanswered.total()} unanswered"
        median, p99 = np.quantile(self.seconds, [0.5, 0.99])
        count = f"{len(self.seconds):,} answered, {self.unanswered.total()} unanswered, {self.wrong} wrong"
        count += f" ({dict(self.unanswered)})" if self.unanswered else ""
        return f"{count}; median {1000 * median:.0f} ms, p99 {1000 * p99:.0f} ms, max {1000 * max(self.seconds):.0f} ms"

    @property
    def is_good(self) -> bool:
        """True when every request has got its answer in time."""
        has_all = bool(self.seconds) and not self.unanswered and not self.wrong
        return has_all and float(np.quantile(self.seconds, 0.99)) < WORST_P99


async def fetch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """One request on an open connection; the body of its answer."""
    writer.write(f"GET {TARGET} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    if not head.startswith(b"HTTP/1.1 200 ") or length is None:
        raise OSError(head.split(b"\r\n")[0].decode("latin-1"))
    return await reader.readexactly(int(length[1]))


async def client(server: Server, requests: int, keeps: bool, tally: Tally) -> None:
    """Ask again and again, on one connection or on a new one each time."""
    reader = writer = None
    for _ in range(requests):
        start = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                if writer is None or reader is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                body = await fetch(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            tally.unanswered[f"{type(error).__name__} {error}"] += 1
            reader = writer = None
            continue
        tally.seconds.append(time.perf_counter() - start)
        server.answer = server.answer or body
        tally.wrong += body != server.answer
        if not keeps:
            writer.close()
            reader = writer = None
    if writer is not None:
        writer.close()


async def many(server: Server, clients: int, requests: int) -> Tally:
    """`clients` at once, every second one with a connection for each request."""
    tally = Tally()
    await asyncio.gather(*(client(server, requests, number % 2 == 0, tally) for number in range(clients)))
    return tally


async def drip(server: Server, until: float, ages: list[float]) -> None:
    """Send a byte a second of a request that never ends; when closed, begin again."""
    while time.monotonic() < until:
        start = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            end = asyncio.ensure_future(reader.read())
            while not end.done() and time.monotonic() < until:
                writer.write(b"x")
                await asyncio.wait([end], timeout=1)
            if end.done():
                ages.append(time.monotonic() - start)
            end.cancel()
            writer.close()
        except OSError:
            ages.append(time.monotonic() - start)


async def siege(server: Server, drippers: int, seconds: float) -> tuple[Tally, list[float]]:
    """Dripping connections, and ten clients that go on asking; also the ages at which connections were closed."""
    tally, ages = Tally(), list[float]()
    until = time.monotonic() + seconds
    besiegers = [asyncio.create_task(drip(server, until, ages)) for _ in range(drippers)]
    await asyncio.sleep(1)
    while time.monotonic() < until:
        await asyncio.gather(*(client(server, 1, keeps=False, tally=tally) for _ in range(10)))
        await asyncio.sleep(0.05)
    await asyncio.gather(*besiegers)
    return tally, ages


@dataclass(frozen=True)
class Load:
    """What the server has to bear.

    Attributes:
        clients: at once, in the first round.
        requests: of each of them.
        drippers: connections that drip a byte a second, in the second round.
        seconds: for which they come back.
        total: requests of the third round.
    """

    clients: int
    requests: int
    drippers: int
    seconds: float
    total: int


def check(server: Server, load: Load) -> bool:
    """Run the three rounds and print what they found; False when one of them failed."""
    tally = asyncio.run(many(server, load.clients, load.requests))
    print(f"{load.clients} clients x {load.requests} requests: {tally}", flush=True)
    is_good = tally.is_good
    limit = HttpLimits().client_seconds
    tally, ages = asyncio.run(siege(server, load.drippers, load.seconds))
    oldest = max(ages, default=0.0)
    print(f"{load.drippers} dripping connections for {load.seconds:g} s: {len(ages):,} closed,")
    print(f"  the oldest after {oldest:.1f} s (limit {limit:g} s); others meanwhile: {tally}", flush=True)
    is_good &= tally.is_good and len(ages) >= load.drippers * (load.seconds // (limit + 5))
    is_good &= oldest < limit + 5
    tenth = max(load.total // 10 // 20, 1)
    asyncio.run(many(server, 20, tenth))
    before = server.memory()
    tally = asyncio.run(many(server, 20, 9 * tenth))
    after = server.memory()
    print(f"{load.total:,} requests: {tally}")
    print(f"  memory after a tenth of them {before / 2**20:.1f} MB, after all {after / 2**20:.1f} MB")
    return is_good and tally.is_good and after <= before * GROWTH


@program(__doc__)
@click.option("--clients", default=200, show_default=True)
@click.option("--requests", default=100, show_default=True)
@click.option("--drippers", default=500, show_default=True)
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--total", default=50_000, show_default=True)
@click.pass_context
def main(ctx: click.Context, clients: int, requests: int, drippers: int, seconds: float, total: int) -> None:
    """Start a server, load it; exit code 1 when it did not stand."""
    load = Load(clients, requests, drippers, seconds, total)
    command = [sys.executable, "-c", "from backgammon.cli import main; main()", "serve-http", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+)/move", process.stdout.readline())
            assert found is not None, "the server has not started"
            ctx.exit(0 if check(Server(process, int(found[1])), load) else 1)
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
