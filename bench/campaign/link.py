"""A network between one host and the server, which can be cut, slow, silent, half closed or lose an answer."""

import asyncio
import socket
import struct
import threading
from collections import Counter
from pathlib import Path

CHUNK = 65536


class Link:
    """A port on loopback that leads to the server's socket; `mode` says how well."""

    def __init__(self, target: Path) -> None:
        self.mode = "open"
        self.counts: Counter[str] = Counter()
        self.port = 0
        self._target = target
        self._writers: dict[asyncio.StreamWriter, str] = {}
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        if not self._started.wait(10):
            raise RuntimeError("The link did not come up")

    def set(self, mode: str) -> None:
        """Change how well it leads: open, cut, slow, silent, half or swallow."""
        self.mode = mode
        if mode == "cut":
            self._loop.call_soon_threadsafe(self._drop)
        if mode == "half":
            self._loop.call_soon_threadsafe(self._half_close)

    def heal(self) -> None:
        """Be open again; what was silent, half closed or had lost something is cut, as a network's end would."""
        broken = self.mode in ("silent", "half", "swallow")
        self.mode = "open"
        if broken:
            self._loop.call_soon_threadsafe(self._drop)

    def close(self) -> None:
        """End it."""
        self.mode = "open"
        self._loop.call_soon_threadsafe(self._drop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        # All ends were dropped, so whoever carries comes to an end.
        if pending := asyncio.all_tasks(self._loop):
            self._loop.run_until_complete(asyncio.wait(pending, timeout=2))
        self._loop.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "cut":
            self.counts["refused"] += 1
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_unix_connection(str(self._target))
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer: "answer", back: "question"}
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        for end in (writer, back):
            self._writers.pop(end, None)
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                await self._obstacle()
                if self._writers.get(writer) == "shut":
                    continue
                if self.mode == "swallow" and self._writers.get(writer) == "answer":
                    self.counts["swallowed"] += 1
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            # An end that is closed closes the other, too.
            if self.mode != "half" and not writer.is_closing():
                writer.close()

    async def _obstacle(self) -> None:
        if self.mode == "slow":
            self.counts["delayed"] += 1
            await asyncio.sleep(0.15)
        while self.mode == "silent":
            self.counts["held"] += 1
            await asyncio.sleep(0.05)

    def _drop(self) -> None:
        for writer in list(self._writers):
            self.counts["dropped"] += 1
            _reset(writer)

    def _half_close(self) -> None:
        for writer, direction in list(self._writers.items()):
            if direction == "answer" and not writer.is_closing():
                self.counts["half"] += 1
                self._writers[writer] = "shut"
                writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close an end as a network does that fails: without a farewell."""
    if writer.get_extra_info("socket").family == socket.AF_INET:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
