"""The codes as an enum, with fault, retryable and charged beside each; their table is `contract.codes.CODES`."""

from enum import StrEnum
from typing import Literal, cast

from eightbells.events.contract.codes import CODES

Fault = Literal["none", "user", "resource", "infra", "config", "dependency", "cancelled", "unknown"]
Retryable = Literal["yes", "no", "once", "caller", "more_memory"]


class Code(StrEnum):
    """Why a dispatch ended; `docs/faults.md` says what each one means.

    A newer writer may use a code that is not here: an event keeps it as text, and readers go by its fault.
    """

    EXITED_ZERO = "exited_zero"
    EXIT_NONZERO = "exit_nonzero"
    SIGNALLED = "signalled"
    KILLED_137 = "killed_137"
    PROBE_FAILED = "probe_failed"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    OOM_KILLED = "oom_killed"
    OWN_STORAGE_LIMIT = "own_storage_limit"
    NODE_PRESSURE_EVICTED = "node_pressure_evicted"
    SCHEDULER_PREEMPTED = "scheduler_preempted"
    KUBELET_PREEMPTED = "kubelet_preempted"
    NODE_SHUTDOWN = "node_shutdown"
    NODE_LOST = "node_lost"
    NODE_GONE = "node_gone"
    DEVICE_TAINT_EVICTED = "device_taint_evicted"
    DRAINED = "drained"
    DISRUPTED = "disrupted"
    POD_DELETED = "pod_deleted"
    ADMISSION_REJECTED = "admission_rejected"
    IMAGE_INVALID = "image_invalid"
    IMAGE_NOT_FOUND = "image_not_found"
    IMAGE_UNAUTHORIZED = "image_unauthorized"
    IMAGE_NEVER_PULL = "image_never_pull"
    IMAGE_REGISTRY_UNAVAILABLE = "image_registry_unavailable"
    IMAGE_PULL_FAILED = "image_pull_failed"
    CONTAINER_CONFIG_ERROR = "container_config_error"
    CONTAINER_CREATE_ERROR = "container_create_error"
    START_ERROR = "start_error"
    COMMAND_NOT_FOUND = "command_not_found"
    COMMAND_NOT_EXECUTABLE = "command_not_executable"
    RESULT_INVALID = "result_invalid"
    INIT_FAILED = "init_failed"
    CRASH_LOOP = "crash_loop"
    CANNOT_START = "cannot_start"
    SIDECAR_FAILED = "sidecar_failed"
    UNSCHEDULABLE = "unschedulable"
    SANDBOX_OR_VOLUME = "sandbox_or_volume"
    POD_CREATE_DENIED = "pod_create_denied"
    QUOTA_EXCEEDED = "quota_exceeded"
    WEBHOOK_UNAVAILABLE = "webhook_unavailable"
    CANCELLED = "cancelled"
    JOB_DELETED = "job_deleted"
    JOB_MISSING = "job_missing"
    COMPLETED_WITHOUT_REPORT = "completed_without_report"
    CAUSE_LOST = "cause_lost"
    UNKNOWN = "unknown"

    @property
    def fault(self) -> Fault | None:
        """Who is to blame; None where the cause or the message decides."""
        return cast("Fault | None", CODES[self.value][0])

    @property
    def retryable(self) -> Retryable | None:
        """Whether running the same thing again can help; None on a success, or where the fault decides."""
        return cast("Retryable | None", CODES[self.value][1])

    @property
    def charged(self) -> bool | None:
        """Whether it uses up the caller's retries; None on a success, or where the fault decides."""
        return CODES[self.value][2]
