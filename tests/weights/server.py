"""A web server on this machine that serves one file, well or badly."""

import http.server
import re
import threading
from contextlib import contextmanager


class Site:
    """What it serves, and how; `requests` has (path, Range header) of each request.

    Attributes:
        content: bytes of the file.
        ranges: whether it can begin in the middle.
        breaks_after: per request in turn, how many bytes it sends before it hangs up.
        stalls_after: how many bytes it sends before it falls silent.
        status: sent instead of the file.
        location: where it redirects to, once.
        pauses_after: how many bytes it sends to the first request before it waits for `go_on`.
    """

    def __init__(self):
        self.content = bytes(range(256)) * 40
        self.ranges = True
        self.breaks_after = []
        self.stalls_after = None
        self.status = None
        self.location = None
        self.pauses_after = None
        self.go_on = threading.Event()
        self.requests = []
        self.url = ""
        self.closing = threading.Event()

    def answer(self, request):
        self.requests.append((request.path, request.headers.get("Range")))
        if self.location is not None:
            location, self.location = self.location, None
            request.send_response(302)
            request.send_header("Location", location)
            request.end_headers()
        elif self.status is not None:
            request.send_error(self.status)
        else:
            self._send(request)

    def _send(self, request):
        start = 0
        asked = re.match(r"bytes=(\d+)-", request.headers.get("Range", "")) if self.ranges else None
        if asked:
            start = int(asked[1])
            if start >= len(self.content):
                request.send_response(416)
                request.send_header("Content-Range", f"bytes */{len(self.content)}")
                request.send_header("Content-Length", "0")
                request.end_headers()
                return
        request.send_response(206 if asked else 200)
        if asked:
            last = len(self.content) - 1
            request.send_header("Content-Range", f"bytes {start}-{last}/{len(self.content)}")
        body = self.content[start:]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.stalls_after is not None:
            request.wfile.write(body[: self.stalls_after])
            self.closing.wait(10)
            return
        if self.pauses_after is not None:
            pause, self.pauses_after = self.pauses_after, None
            request.wfile.write(body[:pause])
            self.go_on.wait(10)
            body = body[pause:]
        stop = self.breaks_after.pop(0) if self.breaks_after else len(body)
        request.wfile.write(body[:stop])


@contextmanager
def served():
    """A site at `site.url`, closed at the end."""
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            site.answer(self)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
