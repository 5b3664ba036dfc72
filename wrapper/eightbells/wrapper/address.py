"""Where the bus is: a URL of redis://, rediss:// or unix://, taken apart without urllib.

`redis://[user[:password]@]host[:port][/db]` and `unix://[user[:password]@]/path[?db=n]`; user and password are
percent-encoded, as everywhere. What else a query says is for other clients.
"""

from __future__ import annotations

PORT = 6379


class BadAddress(ValueError):
    """A URL is not one: says what is wrong and what is expected, and never repeats the password."""


class Address:
    """A server and how to log in; `path` is a unix socket, and then host and port are empty.

    With `is_tls`, `ca` is the file of the authorities that are trusted ('': the image's); `certificate` and `key` are
    the files that say who we are.
    """

    __slots__ = ("ca", "certificate", "database", "host", "is_tls", "key", "password", "path", "port", "user")

    def __init__(self, *, host: str = "", port: int = PORT, path: str = "", is_tls: bool = False) -> None:
        self.host = host
        self.port = port
        self.path = path
        self.is_tls = is_tls
        self.user = ""
        self.password = ""
        self.database = 0
        self.ca = self.certificate = self.key = ""

    def moved(self, host: str, port: int) -> Address:
        """Return another server that one logs in to as to this one."""
        other = Address(host=host, port=port, is_tls=self.is_tls)
        for name in ("user", "password", "database", "ca", "certificate", "key"):
            setattr(other, name, getattr(self, name))
        return other

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


def parse_address(url: str) -> Address:
    """Return the address. Raises `BadAddress`."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("redis", "rediss", "unix"):
        raise BadAddress("it does not begin with redis://, rediss:// or unix://")
    rest, _, query = rest.partition("?")
    login, _, place = rest.rpartition("@")
    address = _socket_path(place) if scheme == "unix" else _host(place, is_tls=scheme == "rediss")
    user, _, password = login.partition(":")
    address.user, address.password = unquote(user), unquote(password)
    told = [pair.removeprefix("db=") for pair in query.split("&") if pair.startswith("db=")]
    database = told[0] if told else ("" if scheme == "unix" else place.partition("/")[2])
    address.database = _number(database or "0", "database")
    return address


def unquote(text: str) -> str:
    """Return the text with every %XX decoded; a % that is none stays."""
    first, *rest = text.split("%")
    decoded = first.encode("utf-8", "surrogateescape")
    for part in rest:
        try:
            decoded += bytes.fromhex(part[:2]) + part[2:].encode("utf-8", "surrogateescape")
        except ValueError:
            decoded += b"%" + part.encode("utf-8", "surrogateescape")
    return decoded.decode("utf-8", "surrogateescape")


def _socket_path(place: str) -> Address:
    if not place.startswith("/"):
        raise BadAddress("a unix:// URL needs an absolute path, as in unix:///run/redis.sock")
    return Address(path=unquote(place))


def _host(place: str, *, is_tls: bool) -> Address:
    where = place.partition("/")[0]
    host, separator, port = where.rpartition(":")
    if not separator or where.endswith("]"):
        host, port = where, ""
    host = host.strip("[]")
    if not host:
        raise BadAddress("it names no host, as in redis://redis.example:6379/0")
    return Address(host=host, port=_number(port or str(PORT), "port"), is_tls=is_tls)


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise BadAddress(f"its {what} is not a number of 0 to 65535")
    return int(text)
