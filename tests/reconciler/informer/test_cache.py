"""What the cache remembers, forgets, and calls a change."""

import pytest
from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.settlement import LEAVING_SECONDS

from tests.reconciler.informer.moments import Time, at
from tests.reconciler.informer.objects import NAMESPACE, make_job, make_pod, running, terminated


def test_a_job_and_its_pods_are_one_snapshot(cache: Cache) -> None:
    """The Job as it was seen, each of its pods, and nobody else's."""
    cache.put_job(make_job("j"))
    cache.put_pod(make_pod("p", "j", running()))
    cache.put_pod(make_pod("q", "other"))

    found = cache.snapshot("j")

    assert found.job == make_job("j")
    assert [one.pod for one in found.pods] == [make_pod("p", "j", running())]
    assert (found.job_gone_at, found.events, found.nodes, found.bus, found.look) == (None,) * 5


def test_pods_are_found_by_their_controller_whose_job_nobody_has_seen(cache: Cache) -> None:
    """Also when they were orphaned, by the label that the controller gave them."""
    label = {"batch.kubernetes.io/controller-uid": "j", "eightbells.io/dispatch": "job-uid"}
    cache.put_pod(make_pod("p", "j"))
    cache.put_pod(make_pod("q", "", metadata={"ownerReferences": None, "labels": label}))

    assert {one.pod.uid for one in cache.snapshot("j").pods} == {"p", "q"}
    assert cache.snapshot("j").job is None
    assert cache.uids() == ["j"]
    assert cache.of_dispatch("j") == ("j",)


def test_a_pod_that_is_orphaned_stays_with_its_job(cache: Cache) -> None:
    """Its owner is taken off, and what becomes of it is still seen."""
    cache.put_job(make_job("j"))
    cache.put_pod(make_pod("p", "j", running()))
    orphaned = {"ownerReferences": None}

    assert cache.put_pod(make_pod("p", "", running(), metadata=orphaned)) == ["j"]
    assert cache.put_pod(make_pod("p", "", terminated(3), metadata=orphaned)) == ["j"]

    assert cache.snapshot("j").pods[0].pod == make_pod("p", "", terminated(3), metadata=orphaned)


def test_a_change_that_no_rule_reads_is_none(cache: Cache) -> None:
    """A heartbeat of a probe, or another field's manager, is nobody's business."""
    assert cache.put_job(make_job("j")) == ["j"]
    assert cache.put_pod(make_pod("p", "j", running())) == ["j"]

    assert cache.put_job(make_job("j", metadata={"managedFields": [{"manager": "x"}]})) == []
    assert cache.put_pod(make_pod("p", "j", running())) == []
    assert cache.put_pod(make_pod("p", "j", terminated(0))) == ["j"]


def test_what_nobody_reads_is_not_kept(cache: Cache) -> None:
    """An annotation of kubectl keeps a whole object, and a command may be a long script."""
    spec = {"containers": [{"name": "main", "command": ["sh", "-c", "x" * 9999]}]}
    large = {"annotations": {"eightbells.io/dispatch-id": "d", "kubectl.kubernetes.io/last-applied": "x" * 9999}}
    cache.put_job(make_job("j", metadata=large, spec={"template": {"spec": spec}}))
    cache.put_pod(make_pod("p", "j", metadata=large, spec=spec))

    job, (seen,) = cache.snapshot("j").job, cache.snapshot("j").pods

    assert job is not None
    assert job.annotations == seen.pod.annotations == {"eightbells.io/dispatch-id": "d"}
    assert [one.command for one in job.template.containers or ()] == [("sh",)]
    assert [one.command for one in seen.pod.wants.containers or ()] == [("sh",)]


def test_what_is_gone_is_remembered_with_its_time(cache: Cache, time: Time) -> None:
    """Tombstones are the normal source for every disruption; they come once."""
    cache.put_job(make_job("j"))
    cache.put_pod(make_pod("p", "j", running()))
    time.seconds = 7
    assert cache.remove_pod("p") == ["j"]
    assert cache.remove_job(NAMESPACE, "j") == ["j"]
    time.seconds = 9
    assert cache.remove_pod("p") == cache.remove_job(NAMESPACE, "j") == []

    found = cache.snapshot("j")

    assert found.job == make_job("j")
    assert (found.job_gone_at, found.job_seen_at, found.pods[0].gone_at) == (at(7), at(7), at(7))
    assert cache.sizes().gone == 2


def test_a_job_that_vanished_between_lists_was_last_seen_before(cache: Cache, time: Time) -> None:
    """Nobody knows when it went; one that is there is seen as long as anything is."""
    cache.put_job(make_job("j"))
    cache.views.open("jobs", "").at = 50.0
    assert cache.snapshot("j").job_seen_at == at(50)
    time.seconds = 90

    assert cache.keep_jobs("", {}, at(50)) == ["j"]

    assert (cache.snapshot("j").job_seen_at, cache.snapshot("j").job_gone_at) == (at(50), at(90))


def test_a_list_tells_what_is_gone_in_its_scope_alone(cache: Cache) -> None:
    """Each object that is not in it is announced once, and those of other namespaces are not."""
    for namespace in ("batch", "other"):
        metadata = {"namespace": namespace}
        for number in (1, 2):
            cache.put_job(make_job(f"j{number}-{namespace}", metadata=metadata))
            cache.put_pod(make_pod(f"p{number}-{namespace}", f"j{number}-{namespace}", metadata=metadata))

    assert cache.keep_jobs("batch", {"batch": {"j1-batch"}}, None) == ["j2-batch"]
    assert cache.keep_pods("batch", {"batch": {"p2-batch"}}) == ["j1-batch"]
    assert cache.keep_jobs("batch", {"batch": {"j1-batch"}}, None) == []
    assert cache.sizes().gone == 2


def test_what_comes_back_is_no_longer_gone(cache: Cache) -> None:
    """A label that was taken off and put on again."""
    for _ in range(2):
        cache.put_job(make_job("j"))
        cache.put_pod(make_pod("p", "j"))
        assert cache.sizes().gone == 0
        assert cache.snapshot("j").job_gone_at is None
        assert cache.snapshot("j").pods[0].gone_at is None
        assert cache.remove_job(NAMESPACE, "j") == cache.remove_pod("p") == ["j"]


def test_a_name_with_a_new_uid_is_another_object(cache: Cache) -> None:
    """The old one is gone, whether or not anybody said so."""
    cache.put_job(make_job("old", "etl"))
    cache.put_pod(make_pod("p-old", "old", metadata={"name": "etl-x"}))

    assert cache.put_job(make_job("new", "etl")) == ["old", "new"]
    assert cache.put_pod(make_pod("p-new", "new", metadata={"name": "etl-x"})) == ["old", "new"]

    assert cache.snapshot("old").job_gone_at
    assert cache.snapshot("old").pods[0].gone_at
    assert cache.snapshot("new").pods[0].gone_at is None
    assert cache.find(NAMESPACE, "etl") == "new"


def test_jobs_are_found_by_name_and_by_dispatch(cache: Cache) -> None:
    """Also when they are gone, and a copy with the same id is found too."""
    cache.put_job(make_job("j", "etl"))
    copied = {"annotations": {"eightbells.io/dispatch-id": "dispatch-j"}}
    cache.put_job(make_job("copy", metadata=copied))
    cache.remove_job(NAMESPACE, "j")

    assert cache.find(NAMESPACE, "etl") == "j"
    assert cache.of_dispatch("dispatch-j") == ("j", "copy")
    assert cache.find("elsewhere", "etl") is None
    assert cache.of_dispatch("unheard of") == ()


def test_of_a_settled_job_nothing_is_kept_and_no_change_is_one(cache: Cache) -> None:
    """Its dispatch has ended: nobody is called again, whatever comes of it and its pods."""
    cache.put_job(make_job("j"))
    cache.put_pod(make_pod("p", "j"))
    cache.settle("j")

    assert cache.is_settled("j")
    assert not cache.wants(NAMESPACE, "j")
    assert cache.put_job(make_job("j", status={"failed": 1})) == []
    assert cache.put_pod(make_pod("p", "j", terminated(1))) == cache.put_pod(make_pod("q", "j")) == []
    assert cache.keep_jobs("", {NAMESPACE: {"j"}}, None) == cache.keep_pods("", {}) == []
    assert cache.remove_pod("p") == cache.remove_job(NAMESPACE, "j") == []
    assert (cache.uids(), cache.snapshot("j").job, cache.snapshot("j").pods) == ([], None, ())
    assert (cache.find(NAMESPACE, "job-j"), cache.of_dispatch("dispatch-j")) == (None, ())
    sizes = cache.sizes()
    assert (sizes.jobs, sizes.pods, sizes.gone, sizes.settled) == (0, 0, 0, 1)


def test_the_uid_of_a_settled_job_is_forgotten_when_the_job_is_gone(cache: Cache, time: Time) -> None:
    """Not at once, for its last pods are told of after it; by the watch or by a list."""
    for uid in ("watched", "listed", "there"):
        cache.put_job(make_job(uid))
        cache.settle(uid)
    cache.remove_job(NAMESPACE, "watched")
    cache.keep_jobs("", {NAMESPACE: {"there"}}, None)
    assert [cache.is_settled(uid) for uid in ("watched", "listed", "there")] == [True, False, True]

    time.seconds = LEAVING_SECONDS + 1
    cache.remove_job(NAMESPACE, "somebody else")

    assert [cache.is_settled(uid) for uid in ("watched", "listed", "there")] == [False, False, True]


def test_what_is_settled_needs_not_be_known(cache: Cache, time: Time) -> None:
    """A UID that nobody here has seen, pods without their Job, and a Job that is gone: nothing of them is kept."""
    cache.settle("unheard of")
    cache.put_pod(make_pod("p", "orphans"))
    cache.settle("orphans")
    cache.put_job(make_job("gone"))
    cache.remove_job(NAMESPACE, "gone")
    cache.settle("gone")
    assert all(cache.is_settled(uid) for uid in ("unheard of", "orphans", "gone"))
    assert cache.put_pod(make_pod("p", "orphans", running())) == []

    time.seconds = LEAVING_SECONDS + 1
    cache.remove_job(NAMESPACE, "somebody else")

    assert not cache.is_settled("gone")
    assert cache.uids() == []
    assert cache.sizes().gone == 0


def test_tombstones_of_pods_without_their_job_make_room_too(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last of its pods nothing is left of such a Job."""
    monkeypatch.setattr(cache._tombs, "_most", 1)
    for number in range(3):
        cache.put_pod(make_pod(f"p{number}", f"j{number}"))
        cache.remove_pod(f"p{number}")

    assert cache.uids() == ["j2"]
    assert cache.of_dispatch("j0") == ()


def test_uids_are_those_of_a_namespace_or_of_all(cache: Cache) -> None:
    """Each Job has one."""
    for namespace in ("a", "b"):
        cache.put_job(make_job(namespace, metadata={"namespace": namespace}))

    assert cache.uids() == ["a", "b"]
    assert cache.uids("b") == ["b"]


def test_what_was_settled_can_be_forgotten(cache: Cache) -> None:
    """A bus that lost its memory is told everything again, after a list."""
    cache.put_job(make_job("j"))
    cache.settle("j")
    cache.forget_settled()

    assert not cache.is_settled("j")
    assert cache.put_job(make_job("j")) == ["j"]


def test_a_last_sight_of_what_nobody_knows_is_none(cache: Cache) -> None:
    """A pod that was deleted before we saw it, of a Job that we do not know, is nobody's."""
    assert cache.put_pod(make_pod("p", "j"), is_gone=True) == []
    cache.put_job(make_job("j"))
    assert cache.put_pod(make_pod("p", "j"), is_gone=True) == ["j"]


def test_the_oldest_tombstones_make_room(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster whose bus is down for days fills nobody's memory; how many were lost is counted."""
    monkeypatch.setattr(cache._tombs, "_most", 3)
    cache.put_job(make_job("lives"))
    for number in range(5):
        cache.put_job(make_job(f"j{number}"))
        cache.put_pod(make_pod(f"p{number}", f"j{number}"))
        cache.remove_job(NAMESPACE, f"j{number}")
    for number in range(3):
        cache.put_pod(make_pod(f"q{number}", "lives"))
        cache.remove_pod(f"q{number}")

    assert (cache.sizes().gone, cache.sizes().dropped) == (3, 5)
    assert cache.uids() == ["lives"]
    assert len(cache.snapshot("lives").pods) == 3


def test_freshness_is_that_of_the_namespace(cache: Cache, time: Time) -> None:
    """A namespace that nobody could read for an hour takes nothing from the others."""
    scoped = Cache(cache.clock)
    for scope, moment in (("a", 10.0), ("b", 20.0)):
        scoped.put_job(make_job(scope, metadata={"namespace": scope}))
        for kind in ("jobs", "pods"):
            scoped.views.open(kind, scope).listed(moment)
    scoped.views.open("jobs", "c")
    time.seconds = 30

    assert scoped.snapshot("a").freshness.jobs_at == at(10)
    assert scoped.snapshot("b").freshness.pods_at == at(20)
    assert scoped.snapshot("b").freshness.is_synced
    assert not scoped.views.is_synced
    assert not scoped.views.freshness("c").is_synced
    assert scoped.views.age() == float("inf")
