"""`python -m bench.stream COUNT`: an API server with one watch of pods, COUNT events long, made before anybody asks.

A thousand pods run and fail by turns, so that every event is a change. It prints its URL, and ends with its stdin.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler

from tests.reconciler.informer.breaking import begin, chunk
from tests.reconciler.informer.crowd import NUMBER, large_pod
from tests.reconciler.informer.serving import serving

PODS = 1000

EMPTY = b'{"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}'
VERSION = b'{"major": "1", "minor": "35", "gitVersion": "v1.35.4"}'

MOMENTS = {"startedAt": "2026-11-25T17:19:37Z", "finishedAt": "2026-11-25T17:19:47Z"}


def make_events(count: int) -> list[bytes]:
    """Each as a chunk of its own, as an API server flushes them."""
    pod = {"kind": "Pod", "apiVersion": "v1", **large_pod()}
    runs = json.dumps(pod).encode()
    pod["status"]["phase"] = "Failed"
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 1, "reason": "Error", **MOMENTS}}
    ends = json.dumps(pod).encode()
    made = []
    for number in range(count):
        one = (runs, ends)[number // PODS % 2].replace(NUMBER.encode(), b"%07d" % (number % PODS))
        made.append(chunk(b'{"type": "MODIFIED", "object": %s}\n' % one))
    return made


def main(count: int) -> None:
    """Serve until nobody listens any more."""
    events = make_events(count)

    def serve(handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        if "watch=" in query:
            begin(handler)
            if path.endswith("/pods"):
                handler.wfile.writelines(events)
            handler.rfile.read(1)  # until the client goes
            return
        body = VERSION if path.strip("/") == "version" else EMPTY
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with serving(serve) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
