"""The words of a command mean under the wrapper what they mean without it, and its files are where they should be."""

import pytest
from eightbells.dispatcher import SecretKey
from kubernetes import client

from tests.cluster.images import BUSYBOX
from tests.e2e.pods import read_output, wait_for_pod
from tests.e2e.site import Site, tail_of

COMMAND = ("printf", "%s\n", "$(A)", "$$(A)", "$$", "$x", "$(B)")
ARGS = ("$(", "$(NOBODY)", "$$$(A)", "'\" \\n", "größe", "")
ENV = {"A": "a b", "B": "$(A)$(C)", "C": "$$(A)"}

SCRIPT = """
cat /etc/app/key /etc/app/cert /eightbells-inputs/.config
for place in /etc/app/key /eightbells-inputs/new /eightbells/new; do
  (echo x >$place) 2>&- && echo "wrote $place"
done
echo '{"score": 1}' >$EIGHTBELLS_RESULT
"""


def run_plainly(site: Site) -> str:
    """What Kubernetes makes of them in a container that has no wrapper."""
    container = {
        "name": "main",
        "image": BUSYBOX,
        "command": list(COMMAND),
        "args": list(ARGS),
        "env": [{"name": name, "value": value} for name, value in ENV.items()],
    }
    spec = {"restartPolicy": "Never", "containers": [container]}
    site.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec}, site.namespace)
    wait_for_pod(site.cluster, site.namespace, "Succeeded", "Failed")
    return read_output(site.cluster, site.namespace)


def test_words_are_expanded_as_without_us(site: Site) -> None:
    """`$(NAME)`, `$$` and all that only looks like them: the same output plainly, with our ENTRYPOINT, and injected."""
    plain = run_plainly(site)
    entrypoint = site.submit(*COMMAND, args=ARGS, env=ENV)
    injected = site.submit(*COMMAND, args=ARGS, env=ENV, image=BUSYBOX, inject=True)
    assert "a b\n$(A)\n$\n$x\na b$(C)\n" in plain
    assert tail_of(site.ending(entrypoint).stdout) == plain
    assert tail_of(site.ending(injected).stdout) == plain


@pytest.mark.parametrize("security", ["standard", "restricted"])
def test_files_are_there_and_read_only(site: Site, security: str) -> None:
    """Secrets and inputs can be read by any user and written by none; the result has a place on a read-only root."""
    metadata = client.V1ObjectMeta(name="app")
    secret = client.V1Secret(metadata=metadata, string_data={"tls.key": "KEY\n", "tls.crt": "CERT\n"})
    site.cluster.core.create_namespaced_secret(site.namespace, secret)
    main = {
        "name": "main",
        "securityContext": {"readOnlyRootFilesystem": True, "runAsUser": 54321, "runAsGroup": 54321},
    }
    data = site.run(
        SCRIPT,
        image=BUSYBOX,
        inject=True,
        security=security,
        secret_files={"/etc/app/key": SecretKey("app", "tls.key"), "/etc/app/cert": SecretKey("app", "tls.crt")},
        inputs={".config": "größe\n"},
        result="required",
        template={"kind": "Job", "spec": {"template": {"spec": {"containers": [main]}}}},
    )
    assert tail_of(data.stdout) == "KEY\nCERT\ngröße\n"
    assert (data.code, data.result) == ("exited_zero", {"score": 1})


def test_what_the_profile_refuses_has_a_remedy(site: Site) -> None:
    """Who reads "Operation not permitted" is led to the page that says what to do."""
    data = site.run("chroot / /bin/true", image=BUSYBOX, inject=True)
    assert "Operation not permitted" in tail_of(data.stderr)
    assert '"standard"' in (data.remedy or "")
