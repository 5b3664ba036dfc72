"""Kubeconfigs and accounts that are broken, missing, or vanish: outages with a name, and no thread dies of one."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from eightbells.reconciler.informer import errors
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.credentials import Credentials
from kubernetes import client, config

from tests.dispatcher.faults import Api, Reply

FINE = Reply(200, {})


@pytest.mark.parametrize(
    ("field", "value"), [("proxy-url", "gopher://x"), ("certificate-authority", "no-such-file"), ("server", "http://")]
)
def test_what_the_pool_cannot_use_is_an_outage(api: Api, tmp_path: Path, field: str, value: str) -> None:
    """And kills no thread that watches."""
    api.url = api.url.replace("http:", "https:")
    told = msgspec.yaml.decode(api.write_kubeconfig(tmp_path / "kubeconfig", token="t0ken").read_bytes())
    told["clusters"][0]["cluster"][field] = value
    (tmp_path / "kubeconfig").write_bytes(msgspec.yaml.encode(told))

    for _ in range(2):
        with pytest.raises(errors.Unavailable):
            Connection.find(str(tmp_path / "kubeconfig")).get("/x")


@pytest.mark.parametrize("text", ["", "a: [", "just words", "clusters: 7", "contexts: [1, 2]\ncurrent-context: x"])
def test_a_kubeconfig_that_is_none_is_a_clear_error(tmp_path: Path, text: str) -> None:
    """The file is named, and what to do."""
    (tmp_path / "broken").write_text(text)

    with pytest.raises(errors.Unavailable, match=r"(?s)broken: .*--kubeconfig"):
        Connection.find(str(tmp_path / "broken")).get("/x")


def test_a_token_that_vanishes_while_we_run_is_an_outage(api: Api, tmp_path: Path) -> None:
    """As that of a pod may, whose volume is being written: the official client would raise what it happened to."""
    api.tell("GET", FINE)
    tokens = iter(["for the check", "for the request"])

    def load() -> client.Configuration:
        made = client.Configuration(host=api.url)
        made.api_key["BearerToken"] = "Bearer x"

        def refresh(configuration: client.Configuration) -> None:
            try:
                configuration.api_key["BearerToken"] = f"Bearer {next(tokens)}"
            except StopIteration:
                raise config.ConfigException("Token file exists but empty.") from None

        made.refresh_api_key_hook = refresh  # type: ignore[assignment]
        return made

    connection = Connection(Credentials(load, tuple, "this pod"))

    connection.get("/x")
    with pytest.raises(errors.Unavailable, match="no credentials in this pod: Token file exists but empty"):
        connection.get("/x")

    connection.close()


def test_a_user_without_a_home_is_told_what_is_missing() -> None:
    """As that of a pod often is: neither a kubeconfig nor the pod's account."""
    code = (
        "import os; os.getuid = lambda: 54321  # nobody of /etc/passwd\n"
        "from eightbells.reconciler.informer.connection import Connection\n"
        "try: Connection.find().get('/x')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    command = (sys.executable, "-c", code)
    environment = {name: value for name, value in os.environ.items() if name not in {"HOME", "KUBECONFIG"}}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("Unavailable no way to the cluster by this pod: Service host/port is not set")


def test_a_context_that_is_not_there_is_named(api: Api, tmp_path: Path) -> None:
    """Its name is in the message."""
    api.write_kubeconfig(tmp_path / "kubeconfig", token="t0ken")

    with pytest.raises(errors.Unavailable, match="no-such-context"):
        Connection.find(str(tmp_path / "kubeconfig"), "no-such-context").get("/x")
