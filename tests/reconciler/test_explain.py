"""`eightbells explain`: any dump that people have, and what is said of it, for people and for programs."""

import json
from typing import Any

import msgspec
import pytest
from eightbells.cli.exits import Exit
from eightbells.reconciler.explain.account import Account

from tests.reconciler.cases import JOB, POD, Case, all_cases, merge, timed
from tests.reconciler.golden import CASES, DIRECTORY, encode_list, make_list, run, write_text

FIELDS = [
    *("namespace", "job", "uid", "dispatch", "decision", "state", "code", "fault", "retryable", "charged", "cause"),
    *("exit_code", "signal", "message", "explanation", "remedy", "recheck_at", "would_be", "missing"),
    *("may_still_start", "may_still_run", "warnings", "evidence", "ruled_out", "timeline"),
]

ENDED = {
    "phase": "Failed",
    "containerStatuses": [
        {
            "name": "main",
            "state": {"terminated": {"exitCode": 3, "reason": "Error", "startedAt": "T+5", "finishedAt": "T+19"}},
        }
    ],
}


def job(**more: Any) -> dict[str, Any]:
    made: dict[str, Any] = timed(merge(JOB, more))
    return made


def pod(**more: Any) -> dict[str, Any]:
    made: dict[str, Any] = timed(merge(POD, more))
    return made


def accounts(content: bytes | str, *options: str) -> list[dict[str, Any]]:
    result = run(content, "-o", "json", *options)
    assert result.exit_code == 0, result.output
    said: list[dict[str, Any]] = json.loads(result.stdout)
    return said


@pytest.mark.parametrize("name", CASES)
def test_it_says_what_was_found_right(name: str) -> None:
    """What it says of a dump is what is in the golden file; `make golden` writes them anew."""
    assert write_text(name) == (DIRECTORY / f"{name}.txt").read_text()


@pytest.mark.parametrize("case", [one for one in all_cases() if one.objects], ids=lambda case: case.name)
def test_every_case_can_be_explained_from_its_objects(case: Case) -> None:
    """A dump of any case has an account of the promised shape, and a text."""
    content = encode_list(case.objects)

    for account in accounts(content):
        assert list(account) == FIELDS
        msgspec.convert(account, Account)
        assert account["decision"] in {"ended", "not_yet", "attempt", "nothing_to_say"}
        assert account["explanation"]
    assert run(content).stdout.count("as of") == 1


def test_a_pod_alone_is_an_attempt() -> None:
    """Without its Job a pod is explained as an attempt, and the line that would tell more is given."""
    content = json.dumps(pod(status=ENDED))
    (account,) = accounts(content)

    assert (account["decision"], account["code"], account["job"]) == ("attempt", "exit_nonzero", "etl")
    assert account["missing"] == ["job", "events"]
    assert account["state"] == "attempt_ended"
    assert "kubectl -n batch get job/etl -o yaml" in run(content).stdout


def test_a_pod_of_another_owner_is_told_by_its_own_name() -> None:
    """A pod that no Job made, of a Deployment or of nobody, is explained too."""
    content = json.dumps(pod(metadata={"ownerReferences": None}, status=ENDED))

    assert run(content).stdout.startswith("pod/etl-x7k2p (ns batch)          ATTEMPT ENDED  exit_nonzero")


def test_a_pod_that_runs_is_nothing_to_say() -> None:
    """Where nothing has ended and nothing is wrong, it says so."""
    running = {"containerStatuses": [{"name": "main", "state": {"running": {"startedAt": "T+5"}}}]}
    (account,) = accounts(json.dumps(pod(status=running)))

    assert (account["decision"], account["state"]) == ("nothing_to_say", "running")


def test_a_failed_job_alone_has_no_cause_yet() -> None:
    """A file without pods does not say that none is left: it failed, and the line that would tell why is given."""
    condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": "T+21"}
    content = json.dumps(job(status={"conditions": [condition]}))
    (account,) = accounts(content)

    assert (account["decision"], account["state"], account["code"]) == ("ended", "failed", None)
    assert account["missing"] == ["pods", "events"]
    assert "kubectl -n batch get job,pod,events -o yaml" in run(content).stdout


CRASHED = {"name": "main", "restartCount": 4, "lastState": ENDED["containerStatuses"][0]["state"]}  # type: ignore[index]


@pytest.mark.parametrize(
    ("state", "words", "log"),
    [
        ({"waiting": {"reason": "CrashLoopBackOff"}}, "is being started again", "logs etl-x7k2p -c main\n"),
        ({"running": {"startedAt": "T+30"}}, "runs in etl-x7k2p", "logs etl-x7k2p -c main --previous\n"),
    ],
)
def test_of_a_job_that_tries_again_the_last_try_is_told(state: dict[str, Any], words: str, log: str) -> None:
    """A Job that may still succeed has no code yet; how its last try ended is said, and in whose log to look."""
    spec = {"restartPolicy": "OnFailure"}
    crashing = pod(spec=spec, status={"phase": "Running", "containerStatuses": [{**CRASHED, "state": state}]})
    content = encode_list([job(spec={"backoffLimit": 6, "template": {"spec": spec}}), crashing])
    (account,) = accounts(content)

    assert (account["decision"], account["code"], account["exit_code"]) == ("not_yet", None, None)
    assert words in account["explanation"]
    assert 'The last try ended: "main" exited with 3' in account["explanation"]
    assert account["evidence"][1]["value"] == "3"
    assert log in run(content).stdout


def test_of_a_job_that_makes_another_pod_the_one_that_failed_is_told() -> None:
    """The newest pod runs, and the explanation is of the one before it."""
    later = {"name": "etl-later", "uid": "later-uid", "creationTimestamp": "T+30"}
    runs = {"phase": "Running", "containerStatuses": [{"name": "main", "state": {"running": {"startedAt": "T+33"}}}]}
    retried = job(spec={"backoffLimit": 6}, status={"failed": 1, "active": 1})
    said = run(encode_list([retried, pod(status=ENDED), pod(metadata=later, status=runs)])).stdout

    assert '"main" runs in etl-later' in said
    assert 'The last try ended: "main" exited with 3' in said
    assert "kubectl -n batch logs etl-x7k2p -c main\n" in said


def test_events_alone_are_nothing_to_say() -> None:
    """A dump of Events alone names what is missing."""
    case = next(one for one in all_cases() if one.name == "recorded/no-account")
    (account,) = accounts(encode_list(one for one in case.objects if one["kind"] == "Event"))

    assert account["decision"] == "nothing_to_say"
    assert account["missing"] == ["job", "pods"]


def test_every_form_of_a_dump_says_the_same() -> None:
    """A List, a JobList beside a PodList, JSON values one after the other, a watch, and YAML documents are one."""
    failed, ended = job(), pod(status=ENDED)
    forms: list[bytes | str] = [
        encode_list([failed, ended]),
        json.dumps([failed, ended]),
        json.dumps(failed) + "\n" + json.dumps(ended),
        json.dumps({"type": "ADDED", "object": failed}) + json.dumps({"type": "MODIFIED", "object": ended}),
        msgspec.yaml.encode(failed) + b"---\n" + msgspec.yaml.encode(ended),
        b"# a comment\n---\n" + msgspec.yaml.encode({"kind": "List", "items": [failed, ended]}) + b"---\n",
        "\n".join(
            json.dumps({"kind": kind, "items": [{name: one[name] for name in ("metadata", "spec", "status")}]})
            for kind, one in (("JobList", failed), ("PodList", ended))
        ),
    ]
    said = [accounts(form) for form in forms]

    assert said[0][0]["code"] == "exit_nonzero"
    assert all(one == said[0] for one in said)


def test_what_a_command_wrote_is_shown_and_not_obeyed() -> None:
    """Its last words neither move the cursor nor look like lines of ours."""
    message = "\x1b[2J\x1b]0;title\x07gone\rover\n\n  job/etl  COMPLETED"
    main = merge(ENDED["containerStatuses"][0], {"state": {"terminated": {"message": message, "reason": "StartError"}}})
    said = run(json.dumps(pod(status=merge(ENDED, {"containerStatuses": [main]})))).stdout

    assert "\\x1b[2J" in said
    assert not set("\x1b\x07\r") & set(said)
    assert [line for line in said.splitlines() if line.startswith("  job/")] == []


def test_times_and_numbers_without_quotes_are_understood() -> None:
    """YAML that people have edited, with its own times and a bare number for a string, is read as it was meant."""
    text = msgspec.yaml.encode(pod(status=ENDED)).decode().replace("'2026-11-25T10:00:19Z'", "2026-11-25T10:00:19Z")
    assert " 2026-11-25T10:00:19Z" in text

    assert accounts(text)[0]["code"] == "exit_nonzero"


def test_broken_objects_are_named_and_left_out() -> None:
    """One object that cannot be read keeps nobody from the others."""
    broken = {"kind": "Pod", "metadata": {"name": "odd"}, "status": {"phase": ["Failed"]}}
    result = run(json.dumps({"kind": "List", "items": [job(), broken, pod(status=ENDED), "text"]}))

    assert "exit_nonzero" in result.stdout
    assert "left out: pod/odd: " in result.stdout
    assert "left out: a document: is not an object but 'text'" in result.stdout


def test_broken_documents_are_named_and_left_out() -> None:
    """One document that is not YAML keeps nobody from the others."""
    text = "a: [\n---\n" + msgspec.yaml.encode(pod(status=ENDED)).decode()

    assert "left out: document 1: is not YAML" in run(text).stdout
    assert "exit_nonzero" in run(text).stdout


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it is empty"),
        ("{", "is not JSON"),
        ("kind: ConfigMap\nmetadata: {name: a}", "no Job, Pod or Event"),
        ("Name:             etl-x7k2p\nNamespace:        batch\nEvents: <none>", "kubectl -n NAMESPACE get job,pod"),
        ("NAME   STATUS   COMPLETIONS\netl    Failed   0/1", "kubectl -n NAMESPACE get job,pod"),
    ],
)
def test_a_file_without_any_object_is_an_error(content: str, why: str) -> None:
    """Where nothing can be read it exits with 2, and says what is there instead and what works."""
    result = run(content)

    assert result.exit_code == Exit.USAGE
    assert why in result.stderr


def test_the_verdict_is_no_exit_code() -> None:
    """Whatever the verdict is, it exits with 0."""
    assert run(make_list("recorded/oom")).exit_code == 0


def test_a_dump_is_explained_as_of_its_newest_time() -> None:
    """The moment is the newest time in the file, and neither the clock nor a deletion that lies ahead."""
    waiting = {"containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ErrImageNeverPull"}}}]}
    fields = [{"manager": "kubelet", "time": "T+30"}]
    content = encode_list([job(), pod(metadata={"managedFields": fields}, status=waiting)])
    (account,) = accounts(content)

    assert "as of 2026-11-25T10:00:30Z" in run(content).stdout
    assert (account["decision"], account["would_be"]) == ("not_yet", "image_never_pull")
    assert account["recheck_at"] == "2026-11-25T10:01:01Z"

    gone = pod(metadata={"deletionTimestamp": "T+900", "deletionGracePeriodSeconds": 880}, status=ENDED)
    assert "as of 2026-11-25T10:00:19Z" in run(encode_list([job(), gone])).stdout


def test_another_moment_can_be_asked_for() -> None:
    """`--now` is the moment, in RFC 3339 with a zone."""
    waiting = {"containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ErrImageNeverPull"}}}]}
    content = encode_list([job(), pod(status=waiting)])

    assert accounts(content, "--now", "2026-11-25T10:01:01Z")[0]["code"] == "image_never_pull"
    assert accounts(content, "--now", "2026-11-25T12:01:00+02:00")[0]["would_be"] == "image_never_pull"
    assert run(content, "--now", "2026-11-25T10:01:01").exit_code == Exit.USAGE


def test_two_pods_of_one_missing_job_are_one_account() -> None:
    """The attempts of a Job that is not in the file are told together, by the newest."""
    later = {"name": "etl-later", "uid": "later-uid", "creationTimestamp": "T+20"}
    (account,) = accounts(encode_list([pod(status=ENDED), pod(metadata=later, status=ENDED)]))

    assert account["evidence"][0]["object"] == "pod etl-later"


def test_pods_of_another_job_of_that_name_are_not_this_ones() -> None:
    """Pods belong to a Job by its UID, in its namespace."""
    other = {"ownerReferences": [{"kind": "Job", "name": "etl", "uid": "older-uid", "controller": True}]}
    said = accounts(encode_list([job(), pod(metadata=other, status=ENDED)]))

    assert [one["decision"] for one in said] == ["attempt", "not_yet"]


def test_the_worst_comes_first() -> None:
    """What failed comes before what waits, and that before what went well."""
    said = accounts(make_list("recorded/exit-0", "recorded/no-volume", "recorded/evicted", "recorded/oom"))

    assert [one["job"] for one in said] == ["oom", "evicted", "no-volume", "exit-0"]


@pytest.mark.parametrize("name", ["recorded/exit-3", "recorded/image-dns", "recorded/indexed", "recorded/no-key"])
def test_nothing_redacted_names_anybodys_work(name: str) -> None:
    """With `--redact` no name, image, variable or line of output is left, in text or JSON."""
    case = next(one for one in all_cases() if one.name == name)
    (job_of_it,) = [one for one in case.objects if one["kind"] == "Job"]
    words = {one["metadata"]["name"] for one in case.objects} | {one["metadata"]["uid"] for one in case.objects}
    words |= {one["metadata"]["namespace"] for one in case.objects} | {"nonexistent.invalid", "broken"}
    words |= {container["image"] for container in job_of_it["spec"]["template"]["spec"]["containers"]}

    for options in ((), ("-o", "json")):
        said = run(encode_list(case.objects), "--redact", *options).stdout
        assert [word for word in words if word in said and word != "main"] == []


def test_values_of_variables_are_redacted() -> None:
    """What a variable holds may stand in a message, and is hidden there."""
    container = {"name": "main", "image": "etl", "env": [{"name": "TOKEN", "value": "s3cr3t-word"}]}
    ended = merge(ENDED, {"message": "bad s3cr3t-word", "reason": "Odd", "containerStatuses": []})
    content = json.dumps(pod(spec={"containers": [container]}, status=ended))

    assert "s3cr3t-word" in run(content).stdout
    assert "s3cr3t-word" not in run(content, "--redact").stdout
