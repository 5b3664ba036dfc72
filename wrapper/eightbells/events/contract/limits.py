"""Sizes, ages and times that every part of the bus keeps to; bytes and milliseconds."""

EVENT_BYTES = 64 * 1024
"""An encoded event; larger ones are refused by readers, so writers truncate output first."""

HEAD_BYTES = 4 * 1024
TAIL_BYTES = 12 * 1024
"""What of each output stream goes into an event."""

DISPATCH_ID_BYTES = 200
CONTEXT_BYTES = 4 * 1024
"""The caller's opaque context, echoed with every ending."""

BATCH = 500
"""Elements of one script call at most: a longer call would keep other clients of the server waiting."""

PUBLISH_BATCH = 100
"""Events of one publish call at most: each carries its document."""

LOG_MS = 5 * 60 * 1000
"""How long an event stays in the log. Long enough for a reader to reconnect; the queue holds what is owed."""

PAYLOAD_MS = 60 * 60 * 1000
"""How long documents, labels and context outlive the last commit."""

VERDICT_MS = 7 * 24 * 60 * 60 * 1000
"""How long the verdict outlives the ending; also after how long a group without consumers goes dormant."""

PATIENCE_MS = 30 * 1000
"""When an accepted ending is due in the queue for a consumer that the log did not reach."""

LOOK_MS = 60 * 1000
"""When somebody should look at a dispatch that was never registered."""

DEAD_LETTERS = 10_000
DEAD_LETTER_MS = 30 * 24 * 60 * 60 * 1000
"""Dead letters of a group: number and age at most."""

OUTPUT_CHUNK_BYTES = 16 * 1024
OUTPUT_CHUNK_MS = 100
"""A chunk of live output goes out when it is full, or so long after its first byte: soon enough for who watches, and
at most ten entries a second for a command that writes byte by byte.
"""

OUTPUT_BYTES = 4 * 1024 * 1024
OUTPUT_ENTRY_BYTES = 128
"""Live output that a run leaves on the server at most, each entry counted with what it costs beside its bytes: an
hour of a line a second, and a thousand dispatches that flood it are 4 GiB.
"""

OUTPUT_ENTRIES = 8192
"""Entries of a dispatch's live output at most, whatever its runs were."""

OUTPUT_MS = 60 * 60 * 1000
"""How long live output outlives its last chunk: as long as the payload."""
