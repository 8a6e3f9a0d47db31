"""A loopback server that answers like Supabase Storage's REST interface."""

import json
import threading
import time
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

NOT_FOUND = {"statusCode": "404", "error": "not_found", "message": "Object not found"}
DUPLICATE = {"statusCode": "409", "error": "Duplicate", "message": "The resource already exists"}
BAD_KEY = {"statusCode": "403", "error": "Unauthorized", "message": "Invalid Compact JWS"}
BAD_BUCKET = {"statusCode": "404", "error": "Bucket not found", "message": "Bucket not found"}
PREFIX = "/storage/v1/object/"


class SupabaseStandIn:
    """Holds the objects, the requests seen, and answers to give instead of the true ones."""

    def __init__(self, *, key: str, bucket: str) -> None:
        self.key, self.bucket = key, bucket
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.seen: list[str] = []
        self.next_answers: list[tuple[int, dict[str, str], bytes]] = []
        self.delay = 0.0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"standin": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "SupabaseStandIn":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    standin: SupabaseStandIn
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.standin.seen.append(f"{self.command} {path}")
        time.sleep(self.standin.delay)
        if self.standin.next_answers:
            return self._answer(*self.standin.next_answers.pop(0))
        if self.headers.get("authorization") != f"Bearer {self.standin.key}":
            return self._json(400, BAD_KEY)
        bucket, _, name = path.removeprefix(PREFIX).removeprefix("info/").partition("/")
        if bucket != self.standin.bucket:
            return self._json(400, BAD_BUCKET)
        return getattr(self, f"_{self.command.lower()}")(name, body, is_info=path.startswith(f"{PREFIX}info/"))

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815

    def _get(self, name: str, body: bytes, *, is_info: bool) -> None:
        if name not in self.standin.objects:
            return self._json(400, NOT_FOUND)
        content, kind = self.standin.objects[name]
        if is_info:
            return self._json(200, {"name": name, "size": len(content), "content_type": kind})
        return self._answer(200, {"content-type": kind}, content)

    def _post(self, name: str, body: bytes, *, is_info: bool) -> None:
        if name in self.standin.objects and self.headers.get("x-upsert") != "true":
            return self._json(400, DUPLICATE)
        message = BytesParser().parsebytes(f"content-type: {self.headers['content-type']}\n\n".encode() + body)
        parts = message.get_payload()
        (file,) = [part for part in parts if part.get_filename()]
        self.standin.objects[name] = (file.get_payload(decode=True), file.get_content_type())
        return self._json(200, {"Id": "6f1c", "Key": f"{self.standin.bucket}/{name}"})

    def _delete(self, name: str, body: bytes, *, is_info: bool) -> None:
        removed = [prefix for prefix in json.loads(body)["prefixes"] if self.standin.objects.pop(prefix, None)]
        return self._json(200, [{"name": prefix} for prefix in removed])

    def _json(self, status: int, value: Any) -> None:
        self._answer(status, {"content-type": "application/json"}, json.dumps(value).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""
