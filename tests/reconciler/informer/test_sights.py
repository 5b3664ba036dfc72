"""What is remembered of a pod, beside the last that was seen of it."""

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.snapshot import Sighting

from tests.reconciler.informer.moments import Time, at
from tests.reconciler.informer.objects import make_pod, running, terminated, waiting

NOT_FOUND = 'failed to resolve reference "registry.example/etl:7": not found'
DELETED = {"deletionTimestamp": "2026-11-25T10:00:40Z", "deletionGracePeriodSeconds": 30}


def sighting(cache: Cache) -> Sighting:
    (found,) = cache.snapshot("j").pods
    return found


def test_the_sight_before_the_deletion_is_kept(cache: Cache) -> None:
    """Within a second of it a pending pod says ContainerCreating, and then an end that never was."""
    cache.put_pod(make_pod("p", "j", waiting("CreateContainerConfigError", "no secret")))
    cache.put_pod(make_pod("p", "j", waiting("ContainerCreating"), metadata=DELETED))
    cache.put_pod(make_pod("p", "j", terminated(137, "ContainerStatusUnknown"), metadata=DELETED), is_gone=True)

    assert sighting(cache).before == make_pod("p", "j", waiting("CreateContainerConfigError", "no secret"))


def test_the_first_deletion_counts(cache: Cache) -> None:
    """The kubelet's own last DELETE moves the time."""
    cache.put_pod(make_pod("p", "j", running()))
    cache.put_pod(make_pod("p", "j", running(), metadata=DELETED))
    last = {"deletionTimestamp": "2026-11-25T10:00:55Z", "deletionGracePeriodSeconds": 0}
    cache.put_pod(make_pod("p", "j", terminated(143), metadata=last))

    assert sighting(cache).deleted_at == at(10)
    assert sighting(cache).before == make_pod("p", "j", running())


def test_a_pull_that_said_why_is_remembered_while_it_backs_off(cache: Cache) -> None:
    """The message of a back-off says nothing; a deletion after it must not make it the last word."""
    told = make_pod("p", "j", waiting("ErrImagePull", NOT_FOUND))
    cache.put_pod(told)
    cache.put_pod(make_pod("p", "j", waiting("ImagePullBackOff", "Back-off pulling image")))
    assert sighting(cache).before == told
    cache.put_pod(make_pod("p", "j", waiting("ErrImagePull", NOT_FOUND)))
    assert sighting(cache).before is None
    cache.put_pod(make_pod("p", "j", waiting("ImagePullBackOff", "Back-off pulling image")))

    cache.put_pod(make_pod("p", "j", waiting("ContainerCreating"), metadata=DELETED))

    assert sighting(cache).before == told


def test_a_pull_that_came_right_is_not_remembered(cache: Cache) -> None:
    """What it failed of once is not why it was deleted."""
    cache.put_pod(make_pod("p", "j", waiting("ErrImagePull", NOT_FOUND)))
    cache.put_pod(make_pod("p", "j", waiting("ImagePullBackOff", "Back-off pulling image")))
    cache.put_pod(make_pod("p", "j", running()))
    assert sighting(cache).before is None

    cache.put_pod(make_pod("p", "j", running(), metadata=DELETED))

    assert sighting(cache).before == make_pod("p", "j", running())


def test_that_it_ran_is_remembered_where_the_kubelet_no_longer_knows(cache: Cache) -> None:
    """Its made-up end has no start, and reads as if the command had never run."""
    cache.put_pod(make_pod("p", "j", running()))
    cache.put_pod(make_pod("p", "j", terminated(137, "ContainerStatusUnknown")))

    assert sighting(cache).before == make_pod("p", "j", running())


def test_waiting_counts_from_where_it_was_seen_to_begin(cache: Cache, time: Time) -> None:
    """Two names of one state are one; another state begins anew, and so does one that comes back."""
    pull, back_off = waiting("ErrImagePull", NOT_FOUND), waiting("ImagePullBackOff", "Back-off pulling image")
    seen = []
    for status in (waiting("ContainerCreating"), pull, back_off, pull, running(), waiting("CrashLoopBackOff")):
        time.seconds += 10
        cache.put_pod(make_pod("p", "j", status))
        seen.append(sighting(cache).waiting_since)

    assert seen == [at(10), at(20), at(20), at(20), None, at(60)]


def test_what_waited_before_we_came_has_no_beginning(time: Time) -> None:
    """The first list shows states and not when they began."""
    cache = Cache(time.clock)
    cache.put_pod(make_pod("p", "j", waiting("ErrImagePull", NOT_FOUND)))

    assert sighting(cache).waiting_since is None


def test_a_pod_without_a_node_does_not_wait_for_its_image(cache: Cache, time: Time) -> None:
    """Its wait for the image begins when it has one."""
    spec, status = {"containers": [{"name": "main"}]}, {"phase": "Pending"}
    cache.put_pod(make_pod("p", "j", spec=spec, status=status))
    time.seconds = 300
    cache.put_pod(make_pod("p", "j"))

    assert sighting(cache).waiting_since == at(300)
