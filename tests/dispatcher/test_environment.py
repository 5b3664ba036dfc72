"""The variables of main."""

from typing import Any

import pytest
from eightbells.dispatcher.dispatch import SecretKey
from eightbells.dispatcher.environment import TEMPLATE_MAY_SAY
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.settings import Settings
from eightbells.wrapper.environment import VARIABLES, Environment
from eightbells.wrapper.target import Target

from tests.dispatcher.building import job, template, variables

TRACE = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"


def with_env(*env: dict[str, Any]) -> dict[str, Any]:
    return template({"name": "main", "image": "x", "env": list(env)})


def told(**said: Any) -> tuple[Environment, Target]:
    """What the wrapper makes of the variables, those that a cluster fills in left out."""
    found = {name: text for name, text in variables(**said).items() if isinstance(text, str)} | {
        "EIGHTBELLS_URL": "redis://h"
    }
    environment = Environment({name.encode(): text.encode() for name, text in found.items()}, pytest.fail)
    return environment, Target(environment.variables)


def test_wrapper_knows_every_variable() -> None:
    """The wrapper takes each of our variables, and finds nothing wrong with one."""
    most = {
        "timeout": 1.5,
        "stream": True,
        "result": "required",
        "traceparent": TRACE,
    }
    settings = Settings(cluster="harbour", bus_ca_secret=SecretKey("s", "k"))
    ours = {name for name in variables(settings, **most) if name.startswith("EIGHTBELLS_")}
    assert {name.removeprefix("EIGHTBELLS_") for name in ours} <= VARIABLES
    environment, target = told(**most)
    assert (environment.timeout, environment.grace, environment.reserve) == (1.5, 32, 2)
    assert environment.is_streamed
    assert target.is_result_required


def test_wrapper_is_told_of_the_run() -> None:
    """Who it is a run of, where it is, and whether another may follow."""
    target = told(id="Eval:1", retries=2)[1]
    assert (target.dispatch, target.retries, target.restart_count) == ("Eval:1", 2, 0)
    assert target.place["job"] == job(id="Eval:1")["metadata"]["name"]
    assert target.place["container"] == "main"


def test_every_variable_of_the_wrapper_has_its_place() -> None:
    """What the wrapper reads is said by us, or may be said by a template, or is for other ways to start it."""
    settings = Settings(cluster="harbour", bus_ca_secret=SecretKey("s", "k"))
    ours = set(variables(settings, result="optional", traceparent=TRACE, tracestate="a=1"))
    missing = {f"EIGHTBELLS_{name}" for name in VARIABLES} - ours - TEMPLATE_MAY_SAY
    assert missing == {"EIGHTBELLS_URL_FILE"}


def test_address_of_the_bus_is_never_in_the_job() -> None:
    """Main takes it from a Secret; whoever may read Jobs does not see it."""
    found = variables(Settings(cluster="harbour", bus_secret=SecretKey("bus", "address")))
    assert found["EIGHTBELLS_URL"] == {"secretKeyRef": {"name": "bus", "key": "address"}}


def test_callers_variables_keep_their_order_before_ours() -> None:
    """`$(NAME)` in a variable means one that stands above: secrets first, ours last."""
    secret = {"PASSWORD": SecretKey("s", "k")}
    names = list(variables(env={"URL": "pg://$(PASSWORD)@$(HOST)", "A": "1"}, secret_env=secret))
    assert names[:3] == ["PASSWORD", "URL", "A"]
    assert all(name.startswith("EIGHTBELLS_") for name in names[3:])


def test_dispatch_wins_over_template_in_its_place() -> None:
    """A variable of both has the dispatch's value, where the template's others can refer to it."""
    base = with_env({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}, {"name": "S", "value": "plain"})
    found = variables(template=base, env={"A": "2", "C": "3"}, secret_env={"S": SecretKey("s", "k")})
    assert list(found)[:4] == ["S", "A", "B", "C"]
    assert found["A"] == "2"
    assert found["S"] == {"secretKeyRef": {"name": "s", "key": "k"}}


def test_template_may_say_what_no_field_does() -> None:
    """A template sets the wrapper's other variables."""
    assert variables(template=with_env({"name": "EIGHTBELLS_DUMPABLE", "value": "1"}))["EIGHTBELLS_DUMPABLE"] == "1"


@pytest.mark.parametrize("name", ["EIGHTBELLS_RETRIES", "EIGHTBELLS_URL", "EIGHTBELLS_NEW"])
def test_template_does_not_speak_for_the_dispatch(name: str) -> None:
    """What a field of the dispatch says is not said again by the template."""
    with pytest.raises(Refused, match=name):
        job(template=with_env({"name": name, "value": "7"}))


def test_template_says_where_the_termination_message_goes() -> None:
    """The wrapper writes where the kubelet reads."""
    base = template({"name": "main", "image": "x", "terminationMessagePath": "/tmp/end"})
    assert told(template=base)[1].termination_log == "/tmp/end"


def test_ours_are_not_expanded() -> None:
    """Kubernetes gives the wrapper what we were given, whatever it looks like."""
    assert variables(env={"A": "1"}, traceparent=TRACE, tracestate="a=$(A)")["EIGHTBELLS_TRACESTATE"] == "a=$$(A)"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "0.5s"), (60, "60s"), (123456.789, "123456.789s"), (0.001, "0.001s")]
)
def test_times_are_written_as_the_wrapper_reads_them(seconds: float, text: str) -> None:
    """No exponent, no rounding that a person could notice."""
    assert variables(timeout=seconds)["EIGHTBELLS_TIMEOUT"] == text
    assert told(timeout=seconds)[0].timeout == seconds
