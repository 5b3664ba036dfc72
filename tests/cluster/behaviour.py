"""The ways in which a registry answers for an image, as clients see them. Pure: answers are values."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from tests.cluster.distribution import Answer, Cut
from tests.cluster.oci import Blob, Image, as_json, make_index

RETRY_AFTER = 2
"""Seconds that a 429 asks for."""
FOREIGN = "s390x"
"""An architecture that no machine of ours has."""
JSON = "application/json"


class Behaviour(Enum):
    """What happens when somebody asks for an image."""

    WELL = auto()
    UNAUTHORIZED = auto()
    """401, with a token for everybody that is not enough, as Docker Hub does."""
    LOGIN_REQUIRED = auto()
    """401 to all who do not say the image's user name and password."""
    TOKEN_UNAVAILABLE = auto()
    """401, and the server of the tokens answers 500."""
    FORBIDDEN = auto()
    NOT_FOUND = auto()
    TOO_MANY_REQUESTS = auto()
    """429, with Retry-After."""
    SERVER_ERROR = auto()
    UNAVAILABLE = auto()
    HANG = auto()
    """No answer, until it is told to behave otherwise or the registry stops."""
    RESET = auto()
    """RST instead of an answer."""
    WRONG_PLATFORM = auto()
    """An index without this machine's architecture."""
    MISSING_BLOB = auto()
    """A manifest whose last layer is not there."""


class Refusal(NamedTuple):
    """An error in the words of the distribution API."""

    status: int
    code: str
    message: str

    def answer(self, **headers: str) -> Answer:
        """As it is sent; in the headers' names `_` means `-`."""
        error = {"code": self.code, "message": self.message, "detail": None}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(self.status, as_json(JSON, {"errors": [error]}), named)


UNAUTHORIZED = Refusal(401, "UNAUTHORIZED", "authentication required")
TOO_MANY = Refusal(429, "TOOMANYREQUESTS", "you have reached your pull rate limit")
REFUSALS = {
    Behaviour.FORBIDDEN: Refusal(403, "DENIED", "requested access to the resource is denied"),
    Behaviour.NOT_FOUND: Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"),
    Behaviour.SERVER_ERROR: Refusal(500, "UNKNOWN", "unknown error"),
    Behaviour.UNAVAILABLE: Refusal(503, "UNAVAILABLE", "service unavailable"),
}
NO_BLOB = Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
NO_NAME = Refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
NO_TOKEN = Refusal(500, "UNKNOWN", "unknown error")
HELLO = Answer(200, as_json(JSON, {}))
TOKEN = Answer(200, as_json(JSON, {"token": "for-everybody", "expires_in": 300}))


@dataclass
class Entry:
    """One image in a registry, and how it behaves: for ever, or for so many requests more and then well."""

    repository: str
    tag: str
    image: Image
    behaviour: Behaviour
    failures: int | None = None
    login: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def contents(self) -> Mapping[str, Blob]:
        """Everything that can be had by digest."""
        image = self.image
        blobs = (image.manifest, make_index(image.manifest, FOREIGN), image.config, *image.layers)
        return {blob.digest: blob for blob in blobs}

    def means(self, repository: str, reference: str) -> bool:
        """Whether this is what a tag or a digest in a repository names."""
        return repository == self.repository and (reference == self.tag or reference in self.contents)

    def step(self) -> Behaviour:
        """How it behaves for this one request; the failures are counted down."""
        if self.failures == 0:
            self.behaviour, self.failures = Behaviour.WELL, None
        elif self.failures:
            self.failures -= 1
        return self.behaviour

    def answer(self, behaviour: Behaviour, reference: str, host: str, authorization: str | None) -> Answer | Cut:
        """What is sent for a tag or a digest by a registry that behaves so."""
        match behaviour:
            case Behaviour.HANG:
                return Cut.CLOSE
            case Behaviour.RESET:
                return Cut.RESET
            case Behaviour.TOO_MANY_REQUESTS:
                return TOO_MANY.answer(Retry_After=str(RETRY_AFTER))
            case Behaviour.LOGIN_REQUIRED if self.login and authorization == basic(*self.login):
                return self._give(behaviour, reference)
            case Behaviour.UNAUTHORIZED | Behaviour.LOGIN_REQUIRED | Behaviour.TOKEN_UNAVAILABLE:
                return UNAUTHORIZED.answer(WWW_Authenticate=self._challenge(behaviour, host, authorization))
        return REFUSALS[behaviour].answer() if behaviour in REFUSALS else self._give(behaviour, reference)

    def _give(self, behaviour: Behaviour, reference: str) -> Answer:
        """A tag names the manifest, or, for another platform, the index."""
        image = self.image
        if behaviour is Behaviour.MISSING_BLOB and reference == image.layers[-1].digest:
            return NO_BLOB.answer()
        tagged = make_index(image.manifest, FOREIGN) if behaviour is Behaviour.WRONG_PLATFORM else image.manifest
        blob = tagged if reference == self.tag else self.contents[reference]
        return Answer(200, blob, {"Docker-Content-Digest": blob.digest})

    def _challenge(self, behaviour: Behaviour, host: str, authorization: str | None) -> str:
        """Where one may identify oneself, and whether what was said was not enough."""
        if behaviour is Behaviour.LOGIN_REQUIRED:
            return 'Basic realm="registry"'
        realm = f"http://{host}/{'no-token' if behaviour is Behaviour.TOKEN_UNAVAILABLE else 'token'}"
        words = {"realm": realm, "service": host, "scope": f"repository:{self.repository}:pull"}
        if authorization:
            words["error"] = "insufficient_scope"
        return "Bearer " + ",".join(f'{name}="{value}"' for name, value in words.items())


def basic(user: str, password: str) -> str:
    """The header Authorization of somebody who says them."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
