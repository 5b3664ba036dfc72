"""README is what people try first: its commands, snippets and links work as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from eightbells.consumer.demo.cases import CASES
from eightbells.events.contract import keys
from eightbells.reconciler.worker.subject import hash_of

from tests.dispatcher.faults import MISSING, Api, Reply, created
from tests.reconciler.shelf import Shelf
from tests.servers.server import Server
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent


EXPLAIN = "eightbells explain job/etl -n batch"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EIGHTBELLS_")}
    return {**kept, "PATH": f"{BIN}:{kept['PATH']}", "PYTHONUNBUFFERED": "1", **more}


def shape(demo: str) -> list[str]:
    """What a demo prints, without what differs from run to run: numbers, who won a race, the order of the endings."""
    lines = [re.sub(r"race-\d +.*", "race", line) for line in demo.splitlines() if line.strip()]
    return sorted(re.sub(r"[ \d.,-]+", " ", line).strip() for line in lines)


def test_every_command_of_readme_is_one_that_a_test_here_runs() -> None:
    """A command that is added to README needs a test."""
    clustered = ["eightbells submit", EXPLAIN, "eightbells reconcile"]
    known = ["make demo", "make test", "eightbells tail", *clustered, "eightbells consume"]
    assert [command.split(" --")[0] for command in commands()] == known


@pytest.mark.serial
@pytest.mark.timeout(180)
def test_make_demo_prints_what_readme_says_and_every_promise_holds() -> None:
    """The first command of README, from the root of the checkout, shows each ending once."""
    ran = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=170, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert shape(ran.stdout) == shape(blocks("text")[0])
    for case in CASES[:8]:
        assert re.search(rf"^{case.dispatch} .*", ran.stdout, re.MULTILINE), ran.stdout


def test_make_test_runs_the_suite_that_this_test_is_part_of() -> None:
    """The second command of README is this run; make would start pytest on all of tests/."""
    ran = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "-m pytest" in ran.stdout


@pytest.fixture
def consuming(tmp_path: Path, valkey: Server) -> Iterator["subprocess.Popen[str]"]:
    """README's consumer, as it stands there but for the server, with README's handler beside it."""
    (tmp_path / "handlers.py").write_text(blocks("python")[0])
    command = next(command for command in commands() if command.startswith("eightbells consume"))
    command = command.replace("redis://localhost:6379", valkey.url)
    with subprocess.Popen(
        command.split(), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()


def test_the_handler_of_readme_is_told_how_a_wrapped_command_ended(
    consuming: "subprocess.Popen[str]", valkey: Server
) -> None:
    """README's handler, started by README's command, prints what became of a dispatch, and SIGTERM stops it."""
    wait_until(lambda: valkey.client().exists(keys.log("default")), "the group has its place in the log")
    wrapped = ["eightbells-wrapper", "--", "/bin/sh", "-c", "echo oh dear >&2; exit 7"]
    told = environment(EIGHTBELLS_URL=valkey.url, EIGHTBELLS_DISPATCH_ID="readme/1")

    assert subprocess.run(wrapped, env=told, capture_output=True, check=False).returncode == 7

    assert consuming.stdout
    first, second = consuming.stdout.readline(), consuming.stdout.readline()
    assert first == "readme/1 failed: exit_nonzero, exit code 7, user is to blame\n"
    assert second == "oh dear\n"
    consuming.terminate()
    assert consuming.wait(timeout=20) == 0


def test_readme_follows_the_output_of_a_dispatch_to_its_end(valkey: Server) -> None:
    """README's tail, as it stands there but for the server, shows what a streaming wrapper's command writes."""
    command = next(command for command in commands() if command.startswith("eightbells tail"))
    told = environment(EIGHTBELLS_URL=valkey.url, EIGHTBELLS_DISPATCH_ID="my-dispatch", EIGHTBELLS_STREAM="1")
    subprocess.run(["eightbells-wrapper", "--", "/bin/echo", "eight bells"], env=told, capture_output=True, check=True)

    followed = subprocess.run(
        command.replace("redis://localhost:6379", valkey.url).split(),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=25,
        check=True,
    )

    assert followed.stdout == "eight bells\n"
    assert "exited_zero" in followed.stderr


def test_readme_submits_a_dispatch_and_exits_as_its_command_did(valkey: Server, tmp_path: Path) -> None:
    """README's submit creates the Job, waits for whom its pod would run, and takes over the exit code."""
    command = next(command for command in commands() if command.startswith("eightbells submit"))
    with Api().serving() as api:
        api.tell("POST", created)
        api.tell("GET", MISSING)
        told = environment(EIGHTBELLS_KUBECONFIG=str(api.write_kubeconfig(tmp_path / "kubeconfig", token="t0ken")))
        words = command.replace("redis://localhost:6379", valkey.url).split()
        with subprocess.Popen(words, env=told, stdout=subprocess.PIPE, text=True) as submitting:
            wait_until(lambda: api.count("POST"), "the Job is created")
            wrapped = environment(EIGHTBELLS_URL=valkey.url, EIGHTBELLS_DISPATCH_ID="eval-42")
            run = ["eightbells-wrapper", "--", "/bin/sh", "-c", "echo a score; exit 3"]
            subprocess.run(run, env=wrapped, capture_output=True, check=False)
            stdout, _ = submitting.communicate(timeout=20)

    assert (submitting.returncode, stdout) == (3, "a score\n")


def test_readme_explains_a_job_of_a_cluster(tmp_path: Path) -> None:
    """README's explain says of the Job that it names how it ended."""
    with Api().serving() as api:
        api.tell("GET", Shelf("killed_137: a provisional record gives the output, never the verdict"))
        told = environment(EIGHTBELLS_KUBECONFIG=str(api.write_kubeconfig(tmp_path / "kubeconfig", token="t0ken")))
        ran = subprocess.run(EXPLAIN.split(), env=told, capture_output=True, text=True, timeout=25, check=True)

    assert ran.stdout.startswith("job/etl (ns batch)                FAILED  killed_137 · user · retry once · charged\n")


def test_readme_reconciles_a_cluster(valkey: Server, tmp_path: Path) -> None:
    """README's reconcile publishes the ending of a Job whose wrapper was killed, and stops when it is told to."""
    command = next(command for command in commands() if command.startswith("eightbells reconcile"))
    shelf = Shelf("killed_137: a provisional record gives the output, never the verdict")
    for one in shelf.objects:
        marks = {"labels": {"eightbells.io/dispatch": hash_of("default", "etl-42")}}
        one["metadata"] |= {**marks, "annotations": {"eightbells.io/dispatch-id": "etl-42"}}
    shelf.told["/version"] = Reply(200, {})
    record = keys.record("default", "etl-42")
    with Api().serving() as api:
        api.tell("GET", shelf)
        told = environment(EIGHTBELLS_KUBECONFIG=str(api.write_kubeconfig(tmp_path / "kubeconfig", token="t0ken")))
        words = command.replace("redis://localhost:6379", valkey.url).split()
        with subprocess.Popen(words, env=told, stderr=subprocess.DEVNULL) as reconciling:
            wait_until(lambda: valkey.client().hget(record, "end"), "it is published")
            reconciling.terminate()

    assert reconciling.returncode == 0
    assert valkey.client().hget(record, "code") == b"killed_137"


@pytest.fixture
def base(tmp_path: Path) -> str:
    """An image with Python and this checkout's wrapper to install, made of EIGHTBELLS_TEST_PYTHON_IMAGE."""
    image = os.environ.get("EIGHTBELLS_TEST_PYTHON_IMAGE", "")
    if not image:
        reason = "no EIGHTBELLS_TEST_PYTHON_IMAGE: run with tests/servers/ci_engine.sh, or name one that a Docker has"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    (tmp_path / "pip.conf").write_text("[global]\nno-index = 1\nfind-links = /wheels\nbreak-system-packages = 1\n")
    collect_wheels(tmp_path / "wheels", version_in(image))
    # Debian's pip will not start without the bundle that its packages make when they are configured.
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", tmp_path)
    (tmp_path / "Dockerfile").write_text(
        f"FROM {image}\nCOPY wheels /wheels\nCOPY pip.conf /etc/\nCOPY ca-certificates.crt /etc/ssl/certs/\n"
    )
    return build(tmp_path)


def version_in(image: str) -> str:
    asked = ["docker", "run", "--rm", "--network=none", image, "python3", "-c"]
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    return subprocess.run([*asked, code], capture_output=True, text=True, check=True).stdout.strip()


def collect_wheels(directory: Path, version: str) -> None:
    uv = shutil.which("uv") or ROOT / ".uv/bin/uv"
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", directory, ROOT / "wrapper"], check=True)
    pip = ["-m", "pip", "download", "--quiet", "--only-binary=:all:", f"--python-version={version}", "--no-deps"]
    subprocess.run([sys._base_executable, *pip, "--dest", directory, "hiredis"], check=True)  # type: ignore[attr-defined]


def build(directory: Path) -> str:
    """Built without a network: what an image needs is in the directory."""
    command = ["docker", "build", "--quiet", "--network=none", str(directory)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr + built.stdout
    return built.stdout.strip()


@pytest.mark.serial
@pytest.mark.timeout(180)
def test_the_dockerfile_of_readme_makes_an_image_that_keeps_the_exit_code(base: str, tmp_path: Path) -> None:
    """README's image, built of this checkout on a base that is at hand, runs its command through the wrapper."""
    dockerfile = re.sub(r"^FROM .*", f"FROM {base}", blocks("dockerfile")[0])
    (tmp_path / "Dockerfile").write_text(dockerfile)
    (tmp_path / "job.py").write_text("import os, sys; print('hello from', os.getpid() != 1); sys.exit(7)")
    image = build(tmp_path)

    ran = subprocess.run(
        ["docker", "run", "--rm", "--network=none", image, "python3", "job.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    subprocess.run(["docker", "image", "rm", "--force", image, base], capture_output=True, check=True)

    assert (ran.returncode, ran.stdout) == (7, "hello from True\n"), ran.stderr


def test_the_handler_is_ten_lines_and_the_dockerfile_four() -> None:
    """They stay as short as they were promised to be."""
    assert len([line for line in blocks("python")[0].splitlines() if line]) <= 10
    assert len(blocks("dockerfile")[0].splitlines()) == 4


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_what_readme_links_to_is_there(target: str) -> None:
    """No link of README leads nowhere."""
    assert (ROOT / target).exists()
