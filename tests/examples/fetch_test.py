#!/usr/bin/env python3
"""fetch_test.py PROGRAM: the example fetch against a server on loopback, some of whose pages are slow, fail or hang."""

import http.server
import os
import socket
import subprocess
import sys
import threading


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Pages)
        self.both = threading.Barrier(2)  # two requests are here at the same time
        self.end = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"


class Pages(http.server.BaseHTTPRequestHandler):
    def answer(self, content, status=200, length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        if self.path.startswith("/large/"):
            self.answer(b"x" * int(self.path.removeprefix("/large/")))
        elif self.path.startswith("/meet/"):
            self.server.both.wait(timeout=30)
            self.answer(b"met")
        elif self.path == "/slow":
            self.server.end.wait(timeout=0.5)
            self.answer(b"at last")
        elif self.path == "/hanging":
            self.server.end.wait()
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/large/7")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/broken":
            self.answer(b"the first half", length=28)
        elif self.path == "/crash":
            self.answer(b"out of order", status=500)
        else:
            self.answer(b"no such page", status=404)

    def log_message(self, *_):
        pass


def closed_port():
    """Of a server that is gone."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def main():
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # In the order of the URLs; None: any words of libcurl's, but not a page.
    expected = [
        ("/large/3", "3 bytes"),
        ("/hanging", "Timeout was reached"),
        ("/slow", "7 bytes"),
        ("/missing", "refused with status 404"),
        ("/meet/first", "3 bytes"),
        ("/large/3000000", "3000000 bytes"),
        ("/meet/second", "3 bytes"),
        ("/broken", None),
        ("/crash", "refused with status 500"),
        ("/moved", "7 bytes"),
        ("/hanging", "Timeout was reached"),
        ("/large/0", "0 bytes"),
    ]
    urls = [server.address + path for path, _ in expected]
    urls.append(f"http://127.0.0.1:{closed_port()}/")
    expected.append(("/", None))

    done = subprocess.run([sys.argv[1], *urls], env=os.environ | {"no_proxy": "*"}, capture_output=True, text=True,
                          timeout=100)
    server.end.set()
    server.shutdown()

    wrong = [] if done.returncode == 0 else [f"exit status {done.returncode}"]
    wrong += [f"on stderr: {done.stderr}"] if done.stderr else []
    lines = done.stdout.splitlines()
    wrong += [] if len(lines) == len(urls) else [f"{len(lines)} lines for {len(urls)} URLs"]
    for line, url, (_, outcome) in zip(lines, urls, expected):
        as_expected = line.endswith(" bytes") is False if outcome is None else line == f"{url}: {outcome}"
        if not line.startswith(url + ": ") or not as_expected:
            wrong.append(f"{line!r} for {url}, expected {outcome}")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
