"""The worst first: what failed for good, by who has to act; then what will fail; then the rest."""

from eightbells.reconciler.explain.account import Account

FAULTS = ("config", "resource", "user", "unknown", "infra", "dependency", "cancelled", "none")


def rank(account: Account) -> tuple[int, int, str, str]:
    """Return the key to sort by."""
    fault = FAULTS.index(account.fault) if account.fault in FAULTS else len(FAULTS)
    return _decided(account), fault, account.namespace, account.job or ""


def _decided(account: Account) -> int:
    if account.decision == "ended":
        return 0 if account.state == "failed" else 5
    if account.decision == "attempt":
        return 4 if account.fault == "none" else 1
    return 2 if account.would_be and account.state != "running" else 3
