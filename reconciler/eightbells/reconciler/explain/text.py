"""The account as people read it: a verdict line, one sentence, why, when, the tail of the output, what to do."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from eightbells.events.schema import Data, Evidence
from eightbells.reconciler.explain.account import Account, Told
from eightbells.reconciler.explain.commands import next_command
from eightbells.reconciler.explain.reading import Broken
from eightbells.reconciler.explain.timeline import Step
from eightbells.reconciler.times import duration, timestamp

LEFT = 34
WIDTH, INDENT = 118, 8
TAIL_LINES = 5

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""What a terminal would obey: a command's last words are shown, and not done."""

RETRY = {
    "yes": "retry",
    "no": "no retry helps",
    "once": "retry once",
    "caller": "retry is the caller's choice",
    "more_memory": "retry only with more memory",
}


def headline(account: Account, width: int = LEFT) -> str:
    """Return the line with the verdict: what, where, how it ended, and what that means for a retry."""
    return f"{whereabouts(account):<{width - 1}} {verdict_of(account)}"


def whereabouts(account: Account) -> str:
    """Return what the account is of, and in which namespace."""
    return f"{'job' if account.job else 'pod'}/{name_of(account)} (ns {account.namespace})"


def name_of(account: Account) -> str:
    """Return the Job's name, else that of the pod that the account is of."""
    pod = next((one.object.removeprefix("pod ") for one in account.evidence if one.object.startswith("pod ")), None)
    return account.job or pod or account.uid or "?"


def verdict_of(account: Account) -> str:
    """Return state, code, fault, retry and charge."""
    words = [(account.state or "?").replace("_", " ").upper()]
    if account.decision == "not_yet":
        more = [f"would be {account.would_be} at {clock(account.recheck_at)}"] if account.would_be else []
        return "  ".join([*words, *more])
    if account.code is None:
        return words[0] if account.state else "NOTHING TO SAY"
    known = [account.code]
    if account.fault not in {None, "none"}:
        known.append(str(account.fault))
        known.append(RETRY[account.retryable or "once"])
        known.append("charged" if account.charged else "free")
    return f"{words[0]}  {' · '.join(known)}"


def paragraph(told: Told) -> Iterator[str]:
    """The lines about one Job."""
    account = told.account
    yield headline(account)
    if account.explanation:
        yield f"  {_in_one_line(account.explanation)}"
    yield from _block("why", [*map(fact_line, account.evidence), *_not(account), *_noted(told)])
    yield from _block("when", timeline_lines(account.timeline))
    yield from _block("tail", tail_lines(told.report, account.message if told.is_of_an_end else None))
    yield from _block("do", [_in_one_line(one) for one in (account.remedy, next_command(told)) if one])


def page(tolds: list[Told], broken: Iterable[Broken], now: datetime | None, *, is_list: bool) -> str:
    """Return all that is said, the worst first: a paragraph for each Job, or with `is_list` one line."""
    accounts = [told.account for told in tolds]
    width = max([LEFT, *(len(whereabouts(account)) + 2 for account in accounts)])
    lines = [headline(account, width) for account in accounts] if is_list else []
    for told in () if is_list else tolds:
        lines += [*paragraph(told), ""]
    if len(tolds) > 1:
        lines += wrap(counts(accounts), WIDTH)
    lines += [f"left out: {one.name}: {one.problem}" for one in broken]
    lines.append(f"as of {timestamp(now) or 'an unknown time'}")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", "\n".join(lines) + "\n")


def counts(accounts: list[Account]) -> str:
    """Return how many there are of each code."""
    counted = Counter(
        one.code or (f"{one.would_be} (not yet)" if one.would_be else one.state or "?") for one in accounts
    )
    return f"{len(accounts)} in all: " + ", ".join(f"{count} {code}" for code, count in counted.most_common())


def fact_line(fact: Evidence) -> str:
    """Return one fact: the object, the field, what it says, and when."""
    value = _in_one_line(fact.value or "null")
    at = f"   {clock(fact.time)}" if fact.time else ""
    return f"{fact.object}  {fact.field} = {value[:200]}{at}"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def timeline_lines(steps: tuple[Step, ...]) -> list[str]:
    """Return the first step with its time, and the others with the seconds since it."""
    said, since = [f"{clock(step.time)} {step.what}" for step in steps[:1]], 0.0
    for step, last in zip(steps[1:], steps, strict=False):
        since += step.after
        if step.what != last.what:
            said.append(f"+{duration(since)} {step.what}")
    return wrap(" · ".join(said))


def wrap(text: str, width: int = WIDTH - INDENT) -> list[str]:
    """Return the text as lines; a word is never broken."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def tail_lines(report: Data | None, message: str | None) -> list[str]:
    """Return the end of the command's output, as far as the termination message holds it, and where it is from."""
    for name in ("stderr", "stdout"):
        output = getattr(report, name) if report else None
        if output and output.tail.strip():
            kind = "provisional record" if report and report.state == "running" else "final record"
            lines = output.tail.rstrip().splitlines()[-TAIL_LINES:]
            return [*lines[:-1], f"{lines[-1]}   ({name}, termination message, {kind})"]
    if report or not message:
        return []
    return [*message.splitlines()[-TAIL_LINES:-1], f"{message.splitlines()[-1]}   (termination message)"]


def clock(time: str | None) -> str:
    """Return the time of day of a time in RFC 3339."""
    return "?" if time is None else time.partition("T")[2]


def _not(account: Account) -> list[str]:
    return wrap(" · ".join(f"not {one}" for one in account.ruled_out))


def _noted(told: Told) -> list[str]:
    account, where = told.account, "there, or not for us to read" if told.is_live else "in the file"
    noted = [f"warning: {one}" for one in account.warnings]
    noted += ["it may still start"] if account.may_still_start else []
    noted += ["it may still run"] if account.may_still_run else []
    noted += [f"not {where}: {', '.join(account.missing)}"] if account.missing else []
    return noted


def _block(name: str, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"  {name if number == 0 else '':<6}{line}"
