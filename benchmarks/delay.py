"""A line to a server on this machine that takes its time: a TCP proxy that holds every byte for half a round trip."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"
_BLOCK = 1 << 18


@contextmanager
def delayed(port: int, round_trip_s: float) -> Iterator[int]:
    """Give a port on loopback that leads to another one, with a delay and no limit of bandwidth."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there_reader, there_writer = await asyncio.open_connection(HOST, port)
            await asyncio.gather(
                _carry(reader, there_writer, round_trip_s / 2), _carry(there_reader, writer, round_trip_s / 2)
            )

        server = await asyncio.start_server(connect, HOST, 0)
        ports.append(server.sockets[0].getsockname()[1])
        started.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        serving = loop.create_task(serve())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.gather(serving, *asyncio.all_tasks(loop), return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait()
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Pass bytes on, each block at its own time."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take() -> None:
        while block := await reader.read(_BLOCK):
            queue.put_nowait((loop.time() + delay_s, block))
        queue.put_nowait((loop.time() + delay_s, b""))

    async def give() -> None:
        while True:
            due, block = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not block:
                writer.close()
                return
            writer.write(block)
            await writer.drain()

    try:
        await asyncio.gather(take(), give())
    except (ConnectionError, asyncio.CancelledError):
        writer.close()
