"""A server of files that behaves well or badly."""

import contextlib
import http.server
import threading
import time


class Server(http.server.ThreadingHTTPServer):
    """Serves ``contents`` by file name, in the way that ``behaviour`` says."""

    contents: dict
    behaviour = "right"
    requests = 0
    daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        behaviour, content = self.server.behaviour, self.server.contents.get(self.path.rsplit("/", 1)[-1])
        if behaviour == "missing" or content is None:
            self.send_error(404)
            return
        if behaviour == "redirected" and "/elsewhere/" not in self.path:
            self.send_response(302)
            self.send_header("Location", "/elsewhere" + self.path)
            self.end_headers()
            return
        if behaviour == "circle":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
            return
        self.send_response(200)
        if behaviour not in ("short", "endless"):
            length = {"short of its length": len(content) + 7, "odd length": "many"}.get(behaviour, len(content))
            self.send_header("Content-Length", str(length))
        if behaviour == "slow header":
            self.drip(b"X-Slow: " + b"x" * 1000)
        self.end_headers()
        if behaviour == "drip":
            self.drip(content)
        if behaviour == "endless":
            self.drip(bytes(10**9), pause=0, step=1 << 16)
        sent = {
            "cut": content[: len(content) // 2],
            "short": content[: len(content) // 2],
            "rubbish": bytes(len(content)),
            "page": b"<html>log in first</html>".ljust(len(content)),
        }
        with contextlib.suppress(OSError):
            self.wfile.write(sent.get(behaviour, content))
        self.close_connection = True

    def drip(self, content, pause=0.05, step=1):
        self.flush_headers()
        with contextlib.suppress(OSError):
            for start in range(0, len(content), step):
                self.wfile.write(content[start : start + step])
                time.sleep(pause)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving(contents):
    """Context manager of a server of ``contents``, with its address in ``address``."""
    server = Server(("127.0.0.1", 0), Handler)
    server.contents, server.address = contents, f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
