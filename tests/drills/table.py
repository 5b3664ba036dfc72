"""All drills, in the order of the page."""

from tests.drills.ends import ENDS
from tests.drills.policies import POLICIES
from tests.drills.starts import STARTS
from tests.drills.taken import TAKEN

GROUPS = (ENDS, STARTS, TAKEN, POLICIES)

RECORDED = "known from what a cluster of the same kind showed (the cases in tests/reconciler)"

NOT_DONE = (
    ("node pressure eviction, refusal under pressure, preemption by the kubelet, graceful node shutdown", RECORDED),
    ("device taints", RECORDED),
    ("a broken CNI", RECORDED),
    ("a node that is back after the verdict, whose late ending is a conflict", "not tried"),
    ("a webhook that refuses", "it reads as the ValidatingAdmissionPolicy above; that it reads so was not tried"),
    ("the TTL of a Job that has ended, which is no ending", "not tried here"),
)
"""What of the faults has no drill, and why."""
