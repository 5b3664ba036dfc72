"""A command that its container's security profile keeps from something is told where to look."""

import pytest

from tests.wrapper.wrapping import Dispatch

FAIL = ("sh", "-c", 'echo "chown: a: Operation not permitted" >&"$1"; exit "${2:-1}"', "sh")


@pytest.mark.parametrize("stream", ["1", "2"])
def test_operation_not_permitted_has_a_remedy(dispatch: Dispatch, stream: str) -> None:
    """Whichever stream says so, the ending names the profile and the page."""
    dispatch.environment["EIGHTBELLS_SECURITY"] = "standard"
    remedy = dispatch.end(*FAIL, stream).remedy or ""
    assert '"standard"' in remedy
    assert "docs/dispatch.md" in remedy


def test_success_needs_no_remedy(dispatch: Dispatch) -> None:
    """A command that ends well may say what it likes."""
    dispatch.environment["EIGHTBELLS_SECURITY"] = "standard"
    assert dispatch.end(*FAIL, "1", "0").remedy is None


def test_other_failures_are_not_the_profiles(dispatch: Dispatch) -> None:
    """Nothing is guessed about a command that says nothing of it."""
    dispatch.environment["EIGHTBELLS_SECURITY"] = "standard"
    assert dispatch.end("false").remedy is None


def test_without_a_profile_nothing_is_said(dispatch: Dispatch) -> None:
    """Who refused it, outside our Jobs, we do not know."""
    assert dispatch.end(*FAIL, "1").remedy is None
