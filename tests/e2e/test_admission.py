"""What a cluster's own policy denies is an error that says so, whatever status the policy chose."""

from collections.abc import Iterator
from typing import Any

import pytest
from eightbells.dispatcher.errors import Invalid
from kubernetes import client

from tests.cluster.images import BUSYBOX
from tests.e2e.site import Site
from tests.waiting import wait_until

JOBS = {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}


@pytest.fixture(params=["Forbidden", "Invalid"])
def policy(request: pytest.FixtureRequest, site: Site) -> Iterator[str]:
    """A policy by which nobody creates Jobs in the namespace; it is in force."""
    api, name = client.AdmissionregistrationV1Api(site.cluster.api), site.namespace
    here = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    rule = {"expression": "false", "message": "not on a Sunday", "reason": request.param}
    matched = {"namespaceSelector": here, "resourceRules": [JOBS]}
    said: Any = {"metadata": {"name": name}, "spec": {"matchConstraints": matched, "validations": [rule]}}
    bound: Any = {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}
    api.create_validating_admission_policy(said)
    try:
        api.create_validating_admission_policy_binding(bound)
        wait_until(lambda: is_denied(site), "the policy is in force", within=60)
        yield name
    finally:
        api.delete_collection_validating_admission_policy_binding(field_selector=f"metadata.name={name}")
        api.delete_validating_admission_policy(name)


def is_denied(site: Site) -> bool:
    """Whether a Job would be denied."""
    container = {"name": "main", "image": BUSYBOX}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job: Any = {"metadata": {"name": "asked"}, "spec": {"template": {"spec": pod}}}
    try:
        site.cluster.batch.create_namespaced_job(site.namespace, job, dry_run="All")
    except client.ApiException:
        return True
    return False


def test_what_a_policy_denies_is_not_a_right_that_is_missing(site: Site, policy: str) -> None:
    """The dispatch cannot become a Job as it is; the policy and its message are named."""
    with pytest.raises(Invalid, match=f"ValidatingAdmissionPolicy '{policy}' .*: not on a Sunday"):
        site.dispatcher.submit(site.dispatch("true"))
