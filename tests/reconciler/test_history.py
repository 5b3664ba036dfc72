"""Eighty Jobs of a real cluster, as it showed them from moment to moment: each is told right, and none too early."""

import pytest

from tests.reconciler.replay import Replay

ENDED = {
    "command-absent": "start_error",
    "command-no-exec": "start_error",
    "deadline-config": "container_config_error",
    "deadline-image": "image_registry_unavailable",
    "deadline-running": "deadline_exceeded",
    "deadline-unschedulable": "unschedulable",
    "deleted": "pod_deleted",
    "deleted-pending": "pod_deleted",
    "deleted-zero": "completed_without_report",
    "emptydir-limit": "own_storage_limit",
    "ephemeral-limit": "own_storage_limit",
    "evicted": "drained",
    "evicted-deaf": "drained",
    "evicted-plain": "completed_without_report",
    "exit-0": "completed_without_report",
    "exit-127": "exit_nonzero",
    "exit-137": "killed_137",
    "exit-139": "signalled",
    "exit-3": "exit_nonzero",
    "exit-3-policy": "exit_nonzero",
    "gone": "node_gone",
    "image-dns": "node_lost",
    "image-invalid": "image_invalid",
    "image-never": "image_never_pull",
    "image-refused": "node_lost",
    "indexed": "exit_nonzero",
    "init-fails": "init_failed",
    "job-background": "job_deleted",
    "job-foreground": "job_deleted",
    "liveness": "probe_failed",
    "liveness-deaf": "probe_failed",
    "lost": "node_lost",
    "lost-plain": "node_lost",
    "native-sidecar-lives": "exit_nonzero",
    "no-account": "pod_create_denied",
    "onfailure-1": "exit_nonzero",
    "onfailure-3": "exit_nonzero",
    "oom": "oom_killed",
    "oom-child": "completed_without_report",
    "parallel": "exit_nonzero",
    "poststart": "start_error",
    "preempted": "scheduler_preempted",
    "preemptor": "completed_without_report",
    "quota": "node_gone",
    "quota-must": "node_gone",
    "retried": "exit_nonzero",
    "sidecar-crashes": "node_lost",
    "sidecar-fails": "completed_without_report",
    "sidecar-lives": "exit_nonzero",
    "success-policy": "completed_without_report",
    "tainted": "drained",
}
"""What ended. Where a Job was to wait for longer than was watched, its node was drained or removed in between."""

MORE = {
    "deadline-deaf": "deadline_exceeded",
    "deleted-late": "pod_deleted",
    "deleted-policy": "pod_deleted",
    "init-onfailure": "init_failed",
    "oom-init": "init_failed",
    "oom-sidecar": "sidecar_failed",
    "orphaned": "job_deleted",
    "per-index": "exit_nonzero",
    "power": "node_lost",
    "power-policy": "node_lost",
    "quick-retry": "exit_nonzero",
    "resumed": "exit_nonzero",
    "selector-node": "admission_rejected",
    "startup-main": "probe_failed",
    "sysctl": "admission_rejected",
    "ttl": "exit_nonzero",
    "workdir": "start_error",
    "zero-policy": "completed_without_report",
}
"""The same of another two minutes, with a power cut."""

HISTORIES = {"faults": ENDED, "more": MORE}

RACED = "deleted-force"
"""Deleted by force in the second in which its node was tainted: the cluster's times do not tell which came first."""

CONFLICTS = {"sidecar-fails"}
"""Main ended well and another container failed the pod afterwards: whichever is seen first is the ending."""


def codes(history: str, **late: float) -> dict[str, str]:
    return {name: said.code.value for name, said in Replay(history, **late).play().verdicts.items() if name != RACED}


@pytest.mark.parametrize("history", HISTORIES)
def test_each_is_told_right_and_what_has_not_ended_is_not_told(history: str) -> None:
    """The first verdict of each Job is the one that is true of it, and those that still wait have none."""
    assert codes(history) == HISTORIES[history]


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("late", [{"Pod": 3.0}, {"Pod": 8.0}, {"Job": 3.0}, {"Job": 8.0}], ids=str)
def test_views_out_of_step_change_no_verdict(history: str, late: dict[str, float]) -> None:
    """With one of the two watches read late no verdict changes, only its time."""
    said, right = codes(history, **late), HISTORIES[history]

    assert said.keys() == right.keys()
    assert {name: code for name, code in said.items() if code != right[name] and name not in CONFLICTS} == {}
    assert {said[name] for name in CONFLICTS & said.keys()} <= {"completed_without_report", "sidecar_failed"}
