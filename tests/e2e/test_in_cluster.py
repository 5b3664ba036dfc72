"""A dispatcher that runs in a pod of the cluster, by the account of that pod."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from eightbells.cli.exits import Exit

from tests.e2e.rights import grant
from tests.e2e.site import BUS, Site

EIGHTBELLS = str(Path(sys.executable).with_name("eightbells"))

AS_IN_A_POD = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /var/run/secrets/kubernetes.io
cp -r "$0" /var/run/secrets/kubernetes.io/serviceaccount
exec "$@"
"""
"""The account lies where the kubelet mounts it, for these processes alone."""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts: run as root")
def test_the_account_of_a_pod_is_found(site: Site, tmp_path: Path) -> None:
    """Without a kubeconfig, by the files and variables that a pod has, a dispatch is submitted."""
    account, api = tmp_path / "account", site.cluster.api.configuration
    account.mkdir()
    (account / "token").write_text(grant(site.cluster, site.namespace))
    shutil.copy(api.ssl_ca_cert, account / "ca.crt")
    address = urlsplit(api.host)
    told = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": str(address.hostname),
        "KUBERNETES_SERVICE_PORT": str(address.port or 443),
        "EIGHTBELLS_URL": site.server.url,
    }
    words = ["--cluster", "test", "--namespace", BUS, "--job-namespace", site.namespace, "--id", "pods-own"]
    command = [EIGHTBELLS, "submit", *words, "--image", site.images.debian, "--", "true"]
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", AS_IN_A_POD, str(account), *command],
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == Exit.OK, ran.stderr
    assert site.ending("pods-own").code == "exited_zero"
