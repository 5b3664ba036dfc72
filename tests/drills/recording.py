"""What the API has of a drill whose ending was another: to look at, and to make a case of tests/reconciler from."""

import json
from pathlib import Path
from typing import Any

from tests.drills.case import Case


def record(case: Case, directory: Path) -> Path:
    """Write its Jobs, pods and Events as one List."""
    api, place = case.site.cluster, case.site.namespace
    told: dict[str, Any] = {"_preload_content": False}
    found: list[Any] = []
    lists: tuple[tuple[str, str, Any], ...] = (
        ("batch/v1", "Job", api.batch.list_namespaced_job),
        ("v1", "Pod", api.core.list_namespaced_pod),
        ("v1", "Event", api.core.list_namespaced_event),
    )
    for version, kind, listing in lists:
        for one in json.loads(listing(place, **told).data)["items"]:
            if is_about(one, case):
                one["metadata"].pop("managedFields", None)
                found.append({"apiVersion": version, "kind": kind, **one})
    path = directory / f"{case.drill.name}-{case.form}.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": found}, indent=1))
    return path


def is_about(thing: dict[str, Any], case: Case) -> bool:
    """Whether it is of this drill: its names begin as the Job's."""
    name = thing.get("involvedObject", thing["metadata"])["name"]
    return bool(name.startswith(case.dispatch[:30]))
