"""Results as people read them, and as programs do: text, JSON or YAML."""

import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec
from eightbells.events.schema import Output, Verdict

if TYPE_CHECKING:
    from eightbells.dispatcher.report import Report

WIDTH = 12


def write(value: Any, form: str) -> None:
    """Write a value as one line of JSON, or as YAML."""
    encoded = msgspec.yaml.encode(value) if form == "yaml" else msgspec.json.encode(value) + b"\n"
    sys.stdout.buffer.write(encoded)
    sys.stdout.buffer.flush()


def describe_verdict(verdict: Verdict) -> str:
    """Return how a dispatch ended, in a line."""
    words = [verdict.code, verdict.exit_code is not None and f"exit code {verdict.exit_code}", verdict.signal]
    if verdict.fault not in (None, "none", "cancelled", "unknown"):
        words.append(f"{verdict.fault} is to blame")
    return f"{verdict.state}: {', '.join(str(word) for word in words if word)}"


def show_report(report: "Report") -> None:
    """Write what is known of a dispatch for people: a line for each thing, then the output."""
    for name, value in _lines(report):
        if value:
            click.echo(f"{name:<{WIDTH}}{value}")
    for name, output in (("stdout", report.stdout), ("stderr", report.stderr)):
        if output is not None and output.total_bytes:
            click.echo(f"\n{name}, {output.total_bytes} bytes{', not all here' if output.truncated else ''}:")
            show_output(output, err=False)


def show_output(output: Output | None, *, err: bool) -> None:
    """Write what was kept of a stream, and where something is missing."""
    if output is None:
        return
    for text in (output.head, "[...]" if output.truncated else "", output.tail):
        if text:
            click.echo(text, err=err, nl=not text.endswith("\n"))


def _lines(report: "Report") -> list[tuple[str, str | None]]:
    place, job = report.place, report.job
    where = [(name, getattr(place, name)) for name in ("cluster", "namespace", "job", "pod", "node", "image")]
    unknown = "nobody told its end" if report.verdict else "running"
    attempts = [
        f"{one.number}: {one.code or unknown}{f', {one.started_at} to {one.finished_at}' if one.finished_at else ''}"
        for one in report.attempts
    ]
    return [
        ("dispatch", report.id),
        ("state", describe_verdict(report.verdict) if report.verdict else report.state.replace("_", " ")),
        ("", "being cancelled" if report.is_cancelling else None),
        ("message", report.message),
        ("remedy", report.remedy),
        ("place", ", ".join(f"{name} {value}" for name, value in where if value)),
        ("attempts", f"\n{'':<{WIDTH}}".join(attempts)),
        ("job", "; ".join([job.status, *job.conditions]) if job else None),
        ("job", f"unknown: {report.problem}" if report.problem else None),
        ("registered", report.registered_at),
        ("ended", report.ended_at),
        ("heartbeat", None if report.heartbeat_age is None else f"{report.heartbeat_age:g} s ago"),
        ("labels", ", ".join(f"{name}={value}" for name, value in (report.labels or {}).items())),
        ("rerun of", report.rerun_of),
        *(("warning", one) for one in report.warnings),
    ]
