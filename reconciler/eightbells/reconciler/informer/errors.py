"""Why the API of the cluster gave no answer that can be used; each message says what, where, and the remedy.

ClusterError           anything of the below
├── Unavailable        not reached, cut, late, or it cannot now (429, 5xx); no credentials; `retry_after` in seconds
├── Unauthorized       the credentials are refused (401), also those that were just made anew
├── Forbidden          they are good and not enough (403)
├── NotFound           there is no such object (404)
├── Expired            the version, or the list's next page, is too old (410)
└── Refused            any other status
"""

import msgspec
from msgspec import Struct


class ClusterError(Exception):
    """The API gave no answer that can be used. `retry_after` is seconds, where it asks for some."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ClusterError):
    """It may answer later."""


class Unauthorized(ClusterError):
    """It does not know who we are."""


class Forbidden(ClusterError):
    """It knows, and does not let us."""


class NotFound(ClusterError):
    """There is no such object."""


class Expired(ClusterError):
    """What was asked for is too old: list again."""


class Refused(ClusterError):
    """It answers with a status that means none of these."""


BY_STATUS: dict[int, type[ClusterError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    410: Expired,
    429: Unavailable,
}


class Status(Struct):
    """A Status as the API gives it, in an answer and in a stream."""

    message: str | None = None
    reason: str | None = None
    code: int | None = None


def error_of(status: int, body: bytes, what: str, retry_after: float | None = None) -> ClusterError:
    """Return the error that an answer to `what` ("GET /api/…") means; the words are the API's own."""
    try:
        said = msgspec.json.decode(body, type=Status).message
    except (msgspec.MsgspecError, ValueError, RecursionError):  # a proxy's page, perhaps
        said = body[:200].decode("utf-8", "replace")
    found = BY_STATUS.get(status, Unavailable if status >= 500 else Refused)
    return found(f"{what}: {status} {(said or '').strip()}".rstrip(), retry_after)
