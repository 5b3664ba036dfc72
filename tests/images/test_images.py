"""The images as people get them: each runs its ENTRYPOINT, reports, and holds no more than it should."""

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from eightbells.events.codes import Code

from tests.images.bench import REVISION, VOLUME, Bench, read
from tests.images.contents import REMOVED, list_files, list_layer
from tests.servers.server import Server
from tests.wrapper.wrapping import Dispatch
from tools.images.recipes import EXECUTORS, RUNTIME
from tools.images.workshop import find_local, name_archive
from tools.runtime.target import Unbuildable

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]  # what is built first takes minutes where nothing is cached

DOCS = Path(__file__).resolve().parents[2] / "docs/images.md"
NOBODY = 54_321
NAMES = [RUNTIME, *EXECUTORS]
COMMANDS = {
    "executor-python": ("python3", "-c", "import sys; print('hello'); print('alas', file=sys.stderr); sys.exit(7)"),
    "executor-debian": ("bash", "-c", "echo hello; echo alas >&2; exit 7"),
    "executor-any": ("sh", "-c", "echo hello; echo alas >&2; exit 7"),
}
LABELS = {"title", "description", "licenses", "version", "revision", "created"}
WASTE = re.compile(
    r"(?!eightbells/).*(__pycache__|\.pyc$)"
    r"|var/lib/apt/lists/.*|var/cache/.+|(root|home/.*)/\.cache.*|etc/apt/sources\.list.*"
    r"|.*/(gcc|cc|ld|make|git|pip3?|buildah|docker|uv|go)$|.*\.(xz|whl|deb)$"
)
SETUID = 0o6000


@pytest.fixture
def dispatch(valkey: Server, request: pytest.FixtureRequest) -> Iterator[Dispatch]:
    """Wrappers that report on one dispatch."""
    dispatch = Dispatch(valkey, re.sub(r"[^A-Za-z0-9._:@/+-]", "-", request.node.name)[:200])
    # What the docker client needs to find its engine; it gives the container none of it.
    dispatch.environment |= {name: os.environ[name] for name in ("DOCKER_HOST", "HOME") if name in os.environ}
    yield dispatch
    dispatch.close()


@pytest.mark.parametrize("name", EXECUTORS)
def test_the_entrypoint_runs_and_reports(bench: Bench, dispatch: Dispatch, name: str) -> None:
    """As a random user without rights on a read-only root, code and output come through and the ending is reported."""
    ran = dispatch.run(*COMMANDS[name], program=bench.start(name, NOBODY))
    assert (ran.exit_code, ran.stdout, ran.stderr) == (7, b"hello\n", b"alas\n")
    assert dispatch.states == ["running", "failed"]
    assert (dispatch.ending.exit_code, dispatch.ending.code) == (7, Code.EXIT_NONZERO)
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.tail == "hello\n"


def test_the_three_lines_of_the_docs_make_an_executor(bench: Bench, dispatch: Dispatch) -> None:
    """What docs/images.md says, on a base without a C library, runs a command and reports it."""
    (text,) = re.findall(r"^```dockerfile\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    base = bench.built["executor-any"].base
    assert base
    text = text.replace("your-image", base).replace("=eightbells-runtime", f"={bench.built[RUNTIME].reference}")
    bench.build_text("own", text)
    assert dispatch.run("echo", "hello", program=bench.start("own", NOBODY)) == (0, b"hello\n", b"")
    assert dispatch.states == ["running", "completed"]


def test_the_runtimes_own_image_runs_and_reports(bench: Bench, dispatch: Dispatch) -> None:
    """In the image that holds nothing else a command is missing, and that is the ending."""
    ran = dispatch.run("--", "no-such-program", program=bench.start(RUNTIME, NOBODY))
    assert ran.exit_code == 127
    assert (dispatch.ending.exit_code, dispatch.ending.code) == (127, Code.COMMAND_NOT_FOUND)


def test_the_runtimes_own_image_installs_all_of_it(bench: Bench, dispatch: Dispatch, tmp_path: Path) -> None:
    """As an init container without rights it copies itself, and nothing of its container, into a volume."""
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents[:2]:  # pytest's own are for their owner alone
        folder.chmod(0o755)
    ran = dispatch.run("--install", VOLUME, program=bench.start(RUNTIME, NOBODY, tmp_path))
    assert ran == (0, b"", b"")
    copied = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert copied == set(list_files(bench.image(RUNTIME)))
    assert {path.lstat().st_uid for path in tmp_path.iterdir()} == {NOBODY}


def test_the_runtimes_own_image_holds_nothing_else(bench: Bench) -> None:
    """Its files are those of the archive that `make runtime` made."""
    with tarfile.open(name_archive(find_local())) as archive:
        expected = {member.name: (member.type, member.mode, member.linkname) for member in archive}
    files = list_files(bench.image(RUNTIME))
    assert {name: (file.kind, file.mode, file.link) for name, file in files.items()} == expected


@pytest.mark.parametrize("name", EXECUTORS)
def test_the_runtime_is_copied_whole(bench: Bench, name: str) -> None:
    """All of it is at /eightbells, and the rest is the base's."""
    *base, ours = bench.image(name).layers
    runtime = {f"eightbells/{path}": file for path, file in list_files(bench.image(RUNTIME)).items()}
    added = dict(list_layer(ours))
    assert len(base) == 1
    assert {path: file for path, file in added.items() if path != "eightbells"} == runtime


@pytest.mark.parametrize("name", NAMES)
def test_an_image_says_what_it_is(bench: Bench, name: str) -> None:
    """Labels name version, commit, time and base; the user is a number that is not root's; the wrapper comes first."""
    config = bench.image(name).settings["config"]
    labels = {label.removeprefix("org.opencontainers.image."): text for label, text in config["Labels"].items()}
    assert set(labels) >= LABELS | ({"base.name"} if name in EXECUTORS else set())
    assert all(labels.values())
    assert (labels["version"], labels["revision"], labels["created"]) == (
        REVISION.version,
        REVISION.commit,
        "2023-11-14T22:13:20Z",
    )
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == (
        ["/eightbells/bin/eightbells-wrapper", "--"] if name in EXECUTORS else ["/bin/eightbells-wrapper"]
    )
    assert not config.get("Cmd")


@pytest.mark.parametrize("name", NAMES)
def test_an_image_holds_no_waste_and_gives_no_rights(bench: Bench, name: str) -> None:
    """No cache, list, build tool or byte code outside the runtime, nothing setuid, and nothing hidden under a layer."""
    place = "eightbells/" if name == RUNTIME else ""
    for layer in bench.image(name).layers:
        files = {place + path: file for path, file in list_layer(layer) if file.kind != tarfile.DIRTYPE}
        assert [path for path in files if WASTE.fullmatch(path)] == []
        assert [path for path, file in files.items() if file.mode & SETUID and file.kind == tarfile.REGTYPE] == []
        assert [path for path in files if REMOVED in path] == []


def test_two_builds_are_alike(bench: Bench) -> None:
    """File by file, in all but their times, where the builder cannot set those; by buildah to the last byte."""
    again = bench.build("again")
    for name, built in again.items():
        first, second = bench.image(name), read(built)
        assert list_files(second) == list_files(first)
        # Docker's older builder names the container and the image that a step was made in.
        configs = [{**image.settings["config"], "Image": "", "Hostname": ""} for image in (first, second)]
        assert configs[0] == configs[1]
        if bench.builder.name == "buildah":
            assert second.manifest == first.manifest


def test_sizes_are_those_of_the_layers(bench: Bench) -> None:
    """What is said of an image's size and its base's is what its files take, rounding apart."""
    for name in NAMES:
        built, image = bench.built[name], bench.image(name)
        assert built.size == pytest.approx(sum(layer.size for layer in image.layers), rel=0.1)
        assert built.size - built.base_size == pytest.approx(image.layers[-1].size, rel=0.1)


def test_an_image_for_another_machine_says_so(bench: Bench) -> None:
    """The runtime for arm64 is labelled as such, where it was built."""
    if "runtime-arm64" not in bench.built:
        pytest.skip(f"no runtime for arm64 here, or {bench.builder.name} builds for this machine alone")
    assert bench.image("runtime-arm64").settings["architecture"] == "arm64"
    assert bench.built["runtime-arm64"].reference.endswith("-arm64")


def test_a_base_that_cannot_be_pulled_is_named(bench: Bench) -> None:
    """Asked for a base that nobody has, the build says so, and takes no other."""
    with pytest.raises(Unbuildable, match=r"127\.0\.0\.1:1/none:1 cannot be pulled: name another image, or say --base"):
        bench.build_on("127.0.0.1:1/none:1")
