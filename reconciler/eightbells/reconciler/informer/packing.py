"""An object as the cache keeps it: what a rule reads of it, in a kilobyte or two.

Packed bytes that are the same mean that nothing has changed which any rule reads: managed fields, heartbeats of probes
and versions are not in them.
"""

import msgspec
from eightbells.reconciler.objects import Container, Job, Pod, PodSpec
from eightbells.reconciler.parts import Metadata
from msgspec.structs import replace

LONGEST = 256
"""Characters of an annotation, and of a command. Ours that a rule reads are ids and times; kubectl keeps the whole
object in one.
"""

_encoder = msgspec.msgpack.Encoder()
_jobs = msgspec.msgpack.Decoder(Job)
_pods = msgspec.msgpack.Decoder(Pod)


def pack_job(job: Job) -> bytes:
    """Return the bytes. Raises `ValueError` or `OverflowError` where an object holds what nobody can keep."""
    slim = replace(job, metadata=_slim_metadata(job.metadata))
    template = job.wants.template
    if template and template.spec and job.spec:
        template = replace(template, spec=_slim_spec(template.spec))
        slim = replace(slim, spec=replace(job.spec, template=template))
    return _encoder.encode(slim)


def pack_pod(pod: Pod) -> bytes:
    """Return the bytes; raises as `pack_job` does."""
    spec = _slim_spec(pod.spec) if pod.spec else None
    return _encoder.encode(replace(pod, metadata=_slim_metadata(pod.metadata), spec=spec))


def unpack_job(packed: bytes) -> Job:
    """Return the Job that was packed."""
    return _jobs.decode(packed)


def unpack_pod(packed: bytes) -> Pod:
    """Return the pod that was packed."""
    return _pods.decode(packed)


def _slim_metadata(metadata: Metadata) -> Metadata:
    known = metadata.annotations
    if not known or all(len(value or "") <= LONGEST for value in known.values()):
        return metadata
    short = {name: value for name, value in known.items() if len(value or "") <= LONGEST}
    return replace(metadata, annotations=short)


def _slim_spec(spec: PodSpec) -> PodSpec:
    both = (*(spec.containers or ()), *(spec.init_containers or ()))
    if not any(one.command and sum(map(len, one.command)) > LONGEST for one in both):
        return spec
    return replace(spec, containers=_slim(spec.containers), init_containers=_slim(spec.init_containers))


def _slim(containers: tuple[Container, ...] | None) -> tuple[Container, ...] | None:
    """Of a command the program is read, and a script behind it may be as long as an argument can."""
    if containers is None:
        return None
    return tuple(replace(one, command=one.command[:1]) if one.command else one for one in containers)
