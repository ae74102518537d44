"""A web site on loopback, and a browser that visits it: with all its processes, a session of a server."""

import asyncio
import contextlib
import http.server
import json
import os
import pathlib
import sys
import threading
import urllib.parse

_PEERS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_PEERS.parent / "lib"), str(_PEERS.parent / "e2e")]

from support import NO_INPUT, start  # noqa: E402

from px.deadline import within  # noqa: E402

_PAGE = b"<!DOCTYPE html><meta charset=utf-8><script type=module src=/pages.mjs></script>"
_FILES = {
    "/": ("text/html", _PAGE),
    "/pages.mjs": ("text/javascript", (_PEERS / "chromium/pages.mjs").read_bytes()),
    "/client.mjs": ("text/javascript", (_PEERS / "client.mjs").read_bytes()),
}


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, body = _FILES.get(urllib.parse.urlsplit(self.path).path, (None, b""))
        self._answer(200 if kind else 404, kind or "text/plain", body)

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.tell(told)
        self._answer(200, "text/plain", b"")

    def _answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Site:
    """'port' is where its pages are; what they tell comes out of told(), in order."""

    def __init__(self):
        loop, self._told = asyncio.get_running_loop(), asyncio.Queue()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.tell = lambda told: loop.call_soon_threadsafe(self._told.put_nowait, told)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    async def told(self):
        told = await within(self._told.get(), "word from the page", 60)
        assert "error" not in told, told["error"]
        return told


@contextlib.contextmanager
def site():
    one = Site()
    try:
        yield one
    finally:
        one.close()


def _program():
    path = os.environ.get("PX_CHROMIUM")
    if not path:
        raise RuntimeError("PX_CHROMIUM must name the browser")
    return path


@contextlib.asynccontextmanager
async def visit(t, conn, address, page, **about):
    """
    The browser at 'address', where it does what 'page' of pages.mjs says. Its
    processes end with the session. Names under ".test" lead to loopback.
    """
    flags = [f"--user-data-dir={t.folder()}", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--no-proxy-server", "--host-resolver-rules=MAP *.test 127.0.0.1",
             # It looks for nobody else.
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # its own, which it refuses to make for root
    url = f"{address}/?{urllib.parse.urlencode({'page': page, **about})}"
    env = {"PATH": "/usr/bin:/bin", "HOME": t.folder(), "LANG": "C.UTF-8"}
    browser = await start(conn, io=NO_INPUT, argv=[_program(), *flags, url], env=env)
    try:
        yield browser
    except Exception as failure:
        output = b"".join(map(bytes, browser.output.streams.values()))
        failure.add_note(f"the browser's output: {output.decode(errors='replace')[-3000:]}")
        raise
    finally:
        await browser("terminate", mode="force")
        await browser.closed()
