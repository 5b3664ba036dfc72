"""An API server that has the objects of a case, in pages, and for some paths what a test tells it to answer.

It knows nothing of Kubernetes, and stands in for it where an answer is a fault, or README's example.
"""

import copy
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from tests.dispatcher.faults import MISSING, Asked, Reply
from tests.reconciler.cases import all_cases

BASE = "/api/v1/namespaces/batch"
JOBS = "/apis/batch/v1/namespaces/batch/jobs"
KINDS = {JOBS: "Job", f"{BASE}/pods": "Pod", f"{BASE}/events": "Event"}


class Shelf:
    """Answers with the objects of a case, in pages, unless it is told otherwise for a path."""

    def __init__(self, *cases: str, page: int = 500) -> None:
        known = {case.name: case.objects for case in all_cases()}
        self.objects = copy.deepcopy([one for name in cases for one in known[name]])
        self.told: dict[str, Reply | Callable[[Asked], Reply]] = {}
        self.page = page

    def __call__(self, asked: Asked) -> Reply:
        path, query = urlsplit(asked.path).path.replace("/default", "/batch"), parse_qs(urlsplit(asked.path).query)
        if (told := self.told.get(path)) is not None:
            return told if isinstance(told, Reply) else told(asked)
        if path in KINDS:
            return self.list(KINDS[path], int(query.get("continue", ["0"])[0]))
        if path == BASE:
            return Reply(200, {"metadata": {"name": "batch"}})
        name = path.rpartition("/")[2]
        found = [one for one in self.objects if one["kind"] in {"Job", "Node"} and one["metadata"]["name"] == name]
        return Reply(200, found[0]) if found else MISSING

    def list(self, kind: str, begin: int) -> Reply:
        """A page, whose items do not say their kind, as the API's."""
        found = [one for one in self.objects if one["kind"] == kind]
        items = [{name: value for name, value in one.items() if name != "kind"} for one in found]
        more = {"continue": str(begin + self.page)} if begin + self.page < len(items) else {}
        return Reply(200, {"kind": f"{kind}List", "metadata": more, "items": items[begin : begin + self.page]})
