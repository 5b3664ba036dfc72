"""The codes of an ending: who is to blame, whether to try again, whether it costs the caller a retry.

`docs/faults.md` says what each one means. A value of None is decided by whoever reports it (from the cause or
the message); on a success nobody is to blame and the other two are null.
"""

NONE, USER, RESOURCE, INFRA, CONFIG = "none", "user", "resource", "infra", "config"
DEPENDENCY, CANCELLED, UNKNOWN = "dependency", "cancelled", "unknown"
YES, NO, ONCE, CALLER, MORE_MEMORY = "yes", "no", "once", "caller", "more_memory"

# Each code has its fault, retryable and charged, in this order.
CODES: dict[str, tuple[str | None, str | None, bool | None]] = {
    "exited_zero": (NONE, None, None),
    "exit_nonzero": (USER, CALLER, True),
    "signalled": (USER, CALLER, True),
    "killed_137": (USER, ONCE, True),
    "probe_failed": (USER, CALLER, True),
    "deadline_exceeded": (USER, CALLER, True),
    "oom_killed": (RESOURCE, MORE_MEMORY, True),
    "own_storage_limit": (RESOURCE, NO, True),
    "node_pressure_evicted": (INFRA, YES, False),
    "scheduler_preempted": (INFRA, YES, False),
    "kubelet_preempted": (INFRA, YES, False),
    "node_shutdown": (INFRA, YES, False),
    "node_lost": (INFRA, YES, False),
    "node_gone": (INFRA, YES, False),
    "device_taint_evicted": (INFRA, YES, False),
    "drained": (INFRA, YES, False),
    "disrupted": (INFRA, YES, False),
    "pod_deleted": (INFRA, YES, False),
    "admission_rejected": (None, YES, False),
    "image_invalid": (CONFIG, NO, True),
    "image_not_found": (CONFIG, NO, True),
    "image_unauthorized": (CONFIG, NO, True),
    "image_never_pull": (CONFIG, NO, True),
    "image_registry_unavailable": (DEPENDENCY, YES, False),
    "image_pull_failed": (None, YES, False),
    "container_config_error": (CONFIG, NO, True),
    "container_create_error": (None, None, None),
    "start_error": (CONFIG, NO, True),
    "command_not_found": (CONFIG, NO, True),
    "command_not_executable": (CONFIG, NO, True),
    "result_invalid": (USER, NO, True),
    "init_failed": (None, None, None),
    "crash_loop": (None, None, None),
    "cannot_start": (INFRA, YES, False),
    "sidecar_failed": (CONFIG, NO, True),
    "unschedulable": (DEPENDENCY, YES, False),
    "sandbox_or_volume": (None, None, False),
    "pod_create_denied": (CONFIG, NO, True),
    "quota_exceeded": (DEPENDENCY, YES, False),
    "webhook_unavailable": (DEPENDENCY, YES, False),
    "cancelled": (CANCELLED, NO, False),
    "job_deleted": (CANCELLED, NO, False),
    "job_missing": (CANCELLED, NO, False),
    "completed_without_report": (NONE, None, None),
    "cause_lost": (UNKNOWN, ONCE, False),
    "unknown": (UNKNOWN, ONCE, False),
}
