"""What the API does not take is an error of its kind, which says why in the API's own words."""

import pytest
from eightbells.dispatcher import DispatcherError
from eightbells.dispatcher.errors import Forbidden, Invalid, QuotaExceeded

from tests.dispatcher.faults import created, refusal
from tests.dispatcher.submitting import Harbour, dispatch

QUOTA = 'jobs.batch "d" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: 1, limited: 1'


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "Unauthorized", Forbidden),
        (403, 'jobs.batch is forbidden: User "x" cannot create resource', Forbidden),
        (403, QUOTA, QuotaExceeded),
        (400, 'admission webhook "w" denied the request: no', Invalid),
        (403, 'admission webhook "w" denied the request: [policy] no such image', Invalid),
        (
            403,
            "jobs.batch \"d\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            Invalid,
        ),
        (404, 'namespaces "jobs" not found', Invalid),
        (422, 'Job.batch "d" is invalid: spec.template', Invalid),
    ],
)
def test_what_the_api_refuses_is_an_error_of_its_kind_with_its_own_words(
    harbour: Harbour, status: int, message: str, kind: type[DispatcherError]
) -> None:
    """Forbidden, used up or invalid: it is not tried again, and the message is the API's."""
    harbour.api.tell("POST", refusal(status, message))

    with pytest.raises(DispatcherError) as error:
        harbour.open().submit(dispatch())

    assert type(error.value) is kind
    assert message in str(error.value)
    assert harbour.api.count("POST") == 1


def test_what_only_another_was_quicker_at_is_tried_again(harbour: Harbour) -> None:
    """A quota that many count at once answers 409; the name of the Job is not taken, and nobody has to hear of it."""
    message = 'Operation cannot be fulfilled on resourcequotas "q": the object has been modified'
    harbour.api.tell("POST", refusal(409, message, "Conflict"), created)

    assert harbour.open().submit(dispatch()).status == "created"
    assert [one.method for one in harbour.api.asked] == ["POST", "POST"]
