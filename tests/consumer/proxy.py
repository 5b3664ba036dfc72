"""A way to the server on which a reply can be lost: the request was done, and who made it never learns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on in both directions; `lost` counts the replies that it did not."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._marked: bytes | None = None
        self.url = ""
        self.lost = 0

    def lose_reply_to(self, word: bytes) -> None:
        """Cut the connection where the reply to the next request with this word would have come."""
        self._marked = word

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, until either side closes it."""
        up_reader, up_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        cut = asyncio.Event()
        passing = [
            asyncio.create_task(self._pass_requests(reader, up_writer, cut)),
            asyncio.create_task(self._pass_replies(up_reader, writer, cut)),
        ]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        writer.close()
        up_writer.close()
        await asyncio.gather(*passing, writer.wait_closed(), up_writer.wait_closed(), return_exceptions=True)

    async def _pass_requests(self, reader: asyncio.StreamReader, up: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while data := await reader.read(1 << 20):
            if self._marked and self._marked in data:
                self._marked = None
                cut.set()
            up.write(data)
            await up.drain()

    async def _pass_replies(self, up: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while data := await up.read(1 << 20):
            if cut.is_set():
                self.lost += 1
                return
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def between(url: str) -> AsyncIterator[Proxy]:
    """A proxy in front of a server on TCP."""
    proxy = Proxy(url)
    served: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(proxy.serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as listener:
        proxy.url = f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}/0"
        yield proxy
        # Whoever used it has closed its connections by now.
        await asyncio.gather(*served)
