"""A connection to the bus: resolve, connect, log in, send a command, read its reply, all within a deadline.

hiredis reads and writes the protocol; the sockets are the interpreter's own `_socket`. Whatever goes wrong is an
`Unreachable` that says what, and leaves the connection closed.
"""

from __future__ import annotations

import _socket
import time

from hiredis.hiredis import HiredisError, Reader, ReplyError, pack_command

RECEIVE_BYTES = 16 * 1024
MOVES = 5
"""How often one call follows a cluster from server to server; more are a cluster that does not know itself."""

DENIED = ("can't run this command", "has no permissions to run")
"""How Redis and Valkey say NOPERM to a command of a script."""

UNAUTHENTICATED = "Protocol error: unauthenticated"
"""How a server that asks for a password answers who has none and sends it much at once."""

UNASKED = "called without any password configured"
"""How a server that asks for no password answers who gives one."""

ANONYMOUS = " (it asks for a password, and the URL has none)"

OPEN = " (it asks for no password: leave it out of the URL, or protect the server)"

UNKNOWN = " (if it asks clients for a certificate, EIGHTBELLS_TLS_CERT and EIGHTBELLS_TLS_KEY name ours)"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    from eightbells.wrapper.address import Address
    from eightbells.wrapper.tls import Secured

    Word = str | bytes | int
    Socket: TypeAlias = _socket.socket | Secured


class Unreachable(Exception):
    """The bus did not answer, or not with what was asked for. `is_final`: asking again will not help."""

    def __init__(self, problem: str, *, is_final: bool = False) -> None:
        super().__init__(problem)
        self.is_final = is_final


class Connection:
    """One connection, opened when first used; every call takes at most `patience` seconds, the resolver's apart."""

    def __init__(self, address: Address, patience: float) -> None:
        self._address = self._first = address
        self.patience = patience
        self._socket: Socket | None = None
        self._reader = Reader()
        self._is_answered = False

    def call(self, *words: Word) -> Any:
        """Send one command and return its reply; an error reply is returned. Raises `Unreachable`."""
        reply = self._ask(lambda opened, end: self._exchange(opened, words, end))
        return self._ask_elsewhere(str(reply), words) if is_error(reply, "ASK") else reply

    def transact(self, commands: Sequence[tuple[Word, ...]]) -> Any:
        """Send all in one go; the server does all or nothing. Return its replies, or the error that says why not.
        Raises `Unreachable`.
        """
        return self._ask(lambda opened, end: self._exchange_all(opened, commands, end))

    def close(self) -> None:
        """Close the connection; the next call opens a new one, to the server that we were told."""
        self._disconnect()
        self._address = self._first

    def _ask(self, exchange: Callable[[Socket, float], Any]) -> Any:
        """Exchange something with the server that it is for, which in a cluster is known by asking."""
        end = time.monotonic() + self.patience
        try:
            reply = exchange(self._socket or self._open(end), end)
            for _ in range(MOVES):
                if not is_error(reply, "MOVED"):
                    break
                self._disconnect()
                self._address = find_server(str(reply), self._address)
                reply = exchange(self._open(end), end)
        except (OSError, HiredisError) as problem:
            said = f"{self._address}: {describe(problem)}{self._hint()}"
            self.close()
            raise Unreachable(said) from None
        return reply

    def _ask_elsewhere(self, reply: str, words: tuple[Word, ...]) -> Any:
        """Ask, this once, the server that the keys are on their way to."""
        other = Connection(find_server(reply, self._address), self.patience)
        try:
            other.call("ASKING")
            return other.call(*words)
        finally:
            other.close()

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._reader = Reader()
        self._is_answered = False

    def _hint(self) -> str:
        """What a server that drops us may mean: with TLS 1.3 it looks for our certificate after all else is agreed."""
        is_anonymous = self._address.is_tls and not self._address.certificate
        return UNKNOWN if is_anonymous and not self._is_answered else ""

    def _open(self, end: float) -> Socket:
        self.reach(end)
        return self.log_in(end)

    def reach(self, end: float) -> None:
        """Connect, the first half of opening. Raises OSError, `Unreachable`."""
        self._socket = self._secure(self._connect(end), end)

    def log_in(self, end: float) -> Socket:
        """Say who we are, the second half. Raises OSError, `Unreachable`."""
        address, opened = self._address, self._socket
        if opened is None:
            raise ConnectionResetError("there is no connection")
        if address.password:
            self._demand(opened, ("AUTH", *filter(None, (address.user, address.password))), end)
        if address.database:
            self._demand(opened, ("SELECT", address.database), end)
        return opened

    def _secure(self, plain: _socket.socket, end: float) -> Socket:
        if not self._address.is_tls:
            return plain
        from eightbells.wrapper.tls import secure

        plain.settimeout(remaining(end))
        return secure(plain, self._address)

    def _connect(self, end: float) -> _socket.socket:
        if self._address.path:
            return connect(_socket.AF_UNIX, self._address.path, end)
        problem = OSError("the name has no address")
        # bytes, because a str would need the idna codec, and that half a megabyte of tables
        host = self._address.host.encode()
        for family, _, _, _, where in _socket.getaddrinfo(host, self._address.port, 0, _socket.SOCK_STREAM):
            try:
                return connect(family, where, end)
            except OSError as refused:
                problem = refused
        raise problem

    def _demand(self, opened: Socket, words: Sequence[Word], end: float) -> None:
        command, reply = str(words[0]), self._exchange(opened, words, end)
        if isinstance(reply, ReplyError):
            self.close()
            hint = OPEN if UNASKED in str(reply) else ""
            raise Unreachable(f"{self._address}: {command}: {reply}{hint}", is_final=is_final(reply))

    def _exchange(self, opened: Socket, words: Sequence[Word], end: float) -> Any:
        opened.settimeout(remaining(end))
        opened.sendall(pack_command(tuple(words)))  # type: ignore[arg-type]  # its stub means one word
        return self._receive(opened, end)

    def _exchange_all(self, opened: Socket, commands: Sequence[tuple[Word, ...]], end: float) -> Any:
        packed = b"".join(pack_command(words) for words in [("MULTI",), *commands, ("EXEC",)])  # type: ignore[arg-type]
        opened.settimeout(remaining(end))
        opened.sendall(packed)
        replies = [self._receive(opened, end) for _ in range(len(commands) + 2)]
        done = replies[-1] if isinstance(replies[-1], list) else []
        return next((reply for reply in [*replies, *done] if isinstance(reply, ReplyError)), done)

    def _receive(self, opened: Socket, end: float) -> Any:
        while (reply := self._reader.gets()) is False:
            opened.settimeout(remaining(end))
            received = opened.recv(RECEIVE_BYTES)
            if not received:
                raise ConnectionResetError("the server closed the connection")
            self._reader.feed(received)
        self._is_answered = True
        return reply


def connect(family: int, where: Any, end: float) -> _socket.socket:
    """Return a connected socket; what is sent goes out at once."""
    connection = _socket.socket(family, _socket.SOCK_STREAM)
    try:
        connection.settimeout(remaining(end))
        connection.connect(where)
        if family != _socket.AF_UNIX:
            connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def remaining(end: float) -> float:
    """Return the seconds to the deadline. Raises TimeoutError when there are none."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def describe(problem: Exception) -> str:
    """Return the problem in the words of the system, or of the library."""
    return (problem.strerror if isinstance(problem, OSError) else None) or str(problem) or type(problem).__name__


def find_server(reply: str, asked: Address) -> Address:
    """Return the server that a cluster's `MOVED 3999 10.0.0.7:6381` names; without a host it is on the one asked."""
    host, _, port = reply.split(" ")[2].rpartition(":")
    return asked.moved(asked.host if host in ("", "?") else host.strip("[]"), int(port))


def is_error(reply: Any, *codes: str) -> bool:
    """Whether the server replied with an error of this code."""
    return isinstance(reply, ReplyError) and str(reply).partition(" ")[0] in codes


def is_final(reply: ReplyError) -> bool:
    """Whether the server will say the same the next time: it does not know us, or does not let us."""
    is_refused = is_error(reply, "WRONGPASS", "NOPERM") or UNASKED in str(reply)
    return is_refused or is_denied(str(reply)) or wants_password(reply)


def wants_password(reply: ReplyError) -> bool:
    """Whether the server speaks to nobody who has not logged in, and we have not."""
    return is_error(reply, "NOAUTH") or UNAUTHENTICATED in str(reply)


def is_denied(problem: str) -> bool:
    """Whether a script failed because its user may not do what it does."""
    return any(words in problem for words in DENIED)
