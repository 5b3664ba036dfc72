"""How a command, or what stands beside it, comes to its end."""

import os
import signal
from pathlib import Path
from typing import Any

from tests.cluster.images import BUSYBOX
from tests.drills.case import Case
from tests.drills.drill import Drill, Ending, Group

WORKS = "echo working; exec sleep 1000"
SAVES = "trap 'exit 3' TERM; echo working; while :; do sleep 1; done"
HOG = "exec tail /dev/zero"
SMALL = {"memory": "64Mi", "cpu": "10m"}
UNREPORTED = Ending("completed_without_report", exit_code=0)


def beside(script: str, **more: Any) -> dict[str, Any]:
    """A container of a plain image that runs a script."""
    return {"image": BUSYBOX, "command": ["sh", "-c", script], **more}


def kill_first(case: Case) -> None:
    """SIGKILL to the first process of its container: everything in it is gone."""
    container = case.wait_until(lambda: find_container(case), "its container has an id")
    (procs, *_) = Path("/sys/fs/cgroup").glob(f"**/{container}/cgroup.procs")
    os.kill(min(int(pid) for pid in procs.read_text().split()), signal.SIGKILL)


def find_container(case: Case) -> str:
    """The id of its container, once the kubelet has told it."""
    (status,) = case.site.pods(case.dispatch)[-1].status.container_statuses or [None]
    return str(status.container_id or "").rpartition("/")[2] if status else ""


LIMITED = {"resources": {"limits": {"memory": "32Mi"}}}
EMPTY = {"volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}]}
MOUNTED = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
PROBE = {"livenessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}}
SLOW_START = {"startupProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 30}}
ON_FAILURE: dict[str, dict[str, Any]] = {"job": {"podFailurePolicy": None}, "pod": {"restartPolicy": "OnFailure"}}


def on_failure(limit: int) -> Drill:
    """A command that always fails, in a pod that starts it again."""
    return Drill(
        name=f"restarted-{limit}",
        done=f"exit 6, restartPolicy OnFailure, backoffLimit {limit}",
        script="exit 6",
        fields={"retries": max(limit, 1)},
        raw={**ON_FAILURE, "job": {"podFailurePolicy": None, "backoffLimit": limit}},
        ours=Ending("exit_nonzero", exit_code=6),
    )


ENDS = Group(
    "Ends",
    (
        Drill(name="exit-0", done="exit 0", ours=Ending("exited_zero", exit_code=0), plain=UNREPORTED),
        Drill(name="exit-7", done="exit 7", script="exit 7", ours=Ending("exit_nonzero", exit_code=7)),
        Drill(
            name="exit-0-retries",
            done="exit 0, with retries",
            fields={"retries": 1},
            ours=Ending("exited_zero", attempts=1),
            plain=UNREPORTED,
        ),
        Drill(
            name="term",
            done="the command handles a TERM that nobody explains with exit 143",
            script="trap 'exit 143' TERM; kill -TERM $$$$; sleep 5; exit 9",
            ours=Ending("exit_nonzero", exit_code=143),
            plain=Ending("signalled", exit_code=143),
        ),
        Drill(
            name="kill-pid-1",
            done="SIGKILL to the container's first process",
            script=WORKS,
            act=kill_first,
            ours=Ending("killed_137", exit_code=137),
        ),
        Drill(
            name="kill-command",
            done="SIGKILL to the command alone",
            script="kill -KILL $$$$",
            ours=Ending("killed_137", exit_code=137),
            plain=None,
        ),
        Drill(
            name="oom",
            done="the command takes more memory than its limit",
            script=HOG,
            fields={"resources": SMALL},
            ours=Ending("oom_killed", exit_code=137),
        ),
        Drill(
            name="oom-child",
            done="a child takes too much memory, the command ends with 0",
            script="tail /dev/zero; exit 0",
            fields={"resources": SMALL},
            ours=Ending("exited_zero", exit_code=0, warning="memory"),
            plain=Ending("completed_without_report", exit_code=0),
        ),
        Drill(
            name="oom-sidecar",
            done="a sidecar takes too much memory, the command ends with 0",
            script="sleep 5",
            pod={"containers": [{"name": "side", **beside(HOG, **LIMITED)}]},
            ours=Ending("exited_zero", exit_code=0),
            plain=Ending("sidecar_failed"),
        ),
        Drill(
            name="oom-init",
            done="an init container takes too much memory",
            pod={"initContainers": [{"name": "first", **beside(HOG, **LIMITED)}]},
            ours=Ending("init_failed", fault="resource", cause="oom_killed", charged=True),
        ),
        Drill(
            name="limit-too-small",
            done="a memory limit (512Ki) that no sandbox starts in",
            raw={"main": {"resources": {"limits": {"memory": "512Ki"}, "requests": {"memory": None}}}},
            ours=Ending("sandbox_or_volume", fault="config"),
            is_slow=True,
        ),
        Drill(
            name="own-emptydir",
            done="more in its emptyDir than the limit of that",
            script="dd if=/dev/zero of=/scratch/x bs=1M count=20; sleep 1000",
            pod=EMPTY,
            main=MOUNTED,
            ours=Ending("own_storage_limit"),
        ),
        Drill(
            name="own-ephemeral",
            done="more on its disk than the ephemeral-storage limit",
            script="dd if=/dev/zero of=/tmp/x bs=1M count=20; sleep 1000",
            fields={"resources": {"cpu": "10m", "extra": {"ephemeral-storage": "4Mi"}}},
            ours=Ending("own_storage_limit"),
        ),
        Drill(
            name="timeout",
            done="the dispatch's `timeout`, while the command runs",
            script=WORKS,
            fields={"timeout": 3},
            ours=Ending("deadline_exceeded", output="working\n"),
            plain=None,
        ),
        Drill(
            name="deadline",
            done="the Job's deadline, while the command runs",
            script=WORKS,
            raw={"job": {"activeDeadlineSeconds": 25}},
            ours=Ending("deadline_exceeded"),
        ),
        on_failure(0),
        on_failure(1),
        on_failure(2),
        Drill(
            name="init-fails",
            done="an init container ends with 3",
            pod={"initContainers": [{"name": "first", **beside("exit 3")}]},
            ours=Ending("init_failed", fault="user", cause="exit_nonzero", charged=True),
        ),
        Drill(
            name="init-crash-loop",
            done="an init container keeps failing, restartPolicy OnFailure, backoffLimit 1",
            fields={"retries": 1},
            raw={**ON_FAILURE},
            pod={"initContainers": [{"name": "first", **beside("exit 3")}]},
            ours=Ending("init_failed", fault="user", cause="exit_nonzero", charged=True),
        ),
        Drill(
            name="native-sidecar-crash-loop",
            done="a native sidecar that main waits for keeps crashing",
            pod={"initContainers": [{"name": "side", **beside("exit 3", restartPolicy="Always", **SLOW_START)}]},
            ours=Ending("crash_loop", fault="user", cause="exit_nonzero", charged=True),
            is_slow=True,
        ),
        Drill(
            name="sidecar-fails",
            done="a sidecar ends with 4, the command with 0",
            script="sleep 2",
            pod={"containers": [{"name": "side", **beside("exit 4")}]},
            ours=Ending("exited_zero", exit_code=0),
            plain=Ending("sidecar_failed"),
        ),
        Drill(
            name="sidecar-lives",
            done="the command ends with 5 while a sidecar runs on",
            script="exit 5",
            pod={"containers": [{"name": "side", **beside("exec sleep 60")}]},
            ours=Ending("exit_nonzero", exit_code=5),
            plain=Ending("exit_nonzero", exit_code=5, warning="pod_still_running"),
        ),
        Drill(
            name="liveness",
            done="its liveness probe fails",
            script=WORKS,
            main=PROBE,
            ours=Ending("probe_failed"),
        ),
        Drill(
            name="liveness-saves",
            done="its liveness probe fails, and the command takes the TERM with exit 3",
            script=SAVES,
            main=PROBE,
            ours=Ending("probe_failed", exit_code=3),
            plain=Ending("exit_nonzero", exit_code=3),
        ),
        Drill(
            name="post-start",
            done="its postStart hook fails",
            script=WORKS,
            main={"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}},
            ours=Ending("start_error"),
        ),
    ),
)
