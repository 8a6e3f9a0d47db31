"""A loopback server that answers like Supabase: Storage's REST interface, and PostgREST's on real tables."""

import json
import threading
import time
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.standins import postgrest
from tests.standins.postgrest import Tables

NOT_FOUND = {"statusCode": "404", "error": "not_found", "message": "Object not found"}
DUPLICATE = {"statusCode": "409", "error": "Duplicate", "message": "The resource already exists"}
BAD_KEY = {"statusCode": "403", "error": "Unauthorized", "message": "Invalid Compact JWS"}
BAD_BUCKET = {"statusCode": "404", "error": "Bucket not found", "message": "Bucket not found"}
BAD_API_KEY = {"message": "Invalid API key", "hint": "Double check your Supabase API key."}
PREFIX = "/storage/v1/object/"


class SupabaseStandIn:
    """Holds the objects, the requests seen, and answers to give instead of the true ones; `tables` are PostgreSQL's."""

    def __init__(self, *, key: str, bucket: str = "stepwell", tables: Tables | None = None) -> None:
        self.key, self.bucket, self.tables = key, bucket, tables
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
        known = self.headers.get("authorization") == f"Bearer {self.standin.key}"
        if path.startswith(postgrest.PREFIX):
            return self._rest(path.removeprefix(postgrest.PREFIX), body) if known else self._json(401, BAD_API_KEY)
        if not known:
            return self._json(400, BAD_KEY)
        bucket, _, name = path.removeprefix(PREFIX).removeprefix("info/").partition("/")
        if bucket != self.standin.bucket:
            return self._json(400, BAD_BUCKET)
        return getattr(self, f"_{self.command.lower()}")(name, body, is_info=path.startswith(f"{PREFIX}info/"))

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _rest(self, table: str, body: bytes) -> None:
        if self.standin.tables is None:
            return self._json(404, {"code": "PGRST205", "message": f"Could not find the table '{table}'"})
        query, prefer = urlsplit(self.path).query, self.headers.get("prefer", "")
        answered = self.standin.tables.answer(self.command, table, query, prefer, body)
        if answered.body is None:
            return self._answer(answered.status, {}, b"")
        return self._json(answered.status, answered.body)

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
        self._answer(status, {"content-type": "application/json"}, json.dumps(value, default=str).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            return  # The caller gave up first, which is what a timeout test wants.

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""
