"""A drill that runs in one form: its Job is submitted, something is done to it, its ending is waited for."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from eightbells.events.schema import Data
from kubernetes import client

from tests.cluster.node import Node
from tests.drills.drill import Drill, Form
from tests.drills.manifests import manifest_of, template_of, without_wrapper
from tests.e2e.site import Site
from tests.waiting import wait_until

SECONDS = 240
PAUSE = 0.3
"""Seconds between two looks: many drills look at once, and each look is a request."""


@dataclass
class Case:
    """`submitted_at`, and `caused_at` where something was done to it."""

    drill: Drill
    form: Form
    site: Site
    dispatch: str
    image: str = ""
    node: Node | None = None
    submitted_at: float = 0.0
    caused_at: float | None = None
    problem: str = field(default="", init=False)

    def submit(self) -> None:
        """Through the dispatcher, where it is a Job of the dispatcher's."""
        drill, site, self.submitted_at = self.drill, self.site, time.time()
        place = {"nodeSelector": {"kubernetes.io/hostname": self.node.name}} if self.node else {}
        template = template_of(drill)
        template["spec"]["template"]["spec"] |= place
        command = drill.command or ("sh", "-c", drill.script)
        fields = {"template": template, "namespace": site.namespace, "id": self.dispatch, **drill.fields}
        image = self.image or drill.image
        dispatch = site.dispatch(*command, image=image or site.images.any, **fields)
        if self.form == "wrapped" and not drill.raw:
            site.dispatcher.submit(dispatch)
            return
        manifest: Any = manifest_of(drill, dispatch, site.settings)
        if self.form == "plain":
            manifest = without_wrapper(manifest, drill.raw.get("main", {}).get("image", image))
        site.cluster.batch.create_namespaced_job(site.namespace, manifest)

    def act(self) -> None:
        """Do to it what is to be done, once its command works."""
        if self.drill.act:
            self.wait_until_working()
            self.caused_at = time.time()
            self.drill.act(self)

    def wait_until(self, look: Callable[[], Any], what: str) -> Any:
        return wait_until(look, f"{self.dispatch}: {what}", within=SECONDS, pause=PAUSE)

    def wait_until_working(self, number: int = 1) -> Any:
        """Its newest pod, of so many, once its command has said that it works."""
        return self.wait_until(lambda: self._working(number), f"run {number} works")

    def _working(self, number: int) -> Any:
        pods = self.site.pods(self.dispatch)
        if len(pods) < number:
            return None
        name = pods[-1].metadata.name
        with suppress(client.ApiException):
            text = self.site.cluster.core.read_namespaced_pod_log(name, self.site.namespace, container="main")
            return pods[-1] if "working" in str(text) else None
        return None

    @property
    def job(self) -> str:
        """The name of its Job."""
        return str(self.site.job(self.dispatch).metadata.name)

    def begun_at(self, ending: Data) -> float:
        """When the fault was: when we caused it, else when the command ended (in whole seconds or better), else when
        the Job that cannot start was submitted.
        """
        finished = datetime.fromisoformat(ending.finished_at).timestamp() if ending.finished_at else None
        return self.caused_at or finished or self.submitted_at
