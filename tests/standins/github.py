"""A loopback server that behaves like GitHub's REST API: pages, etags, redirects, and limits that it counts."""

import hashlib
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jobs import clock
from tests.standins.serving import Handler, Server

MOST_FILES = 3000
PRIMARY = "API rate limit exceeded for user ID 1. If you reach out to GitHub Support for help, please include the ID."
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, what it says as JSON (or raw), and its headers. bare: it says nothing of limits."""

    status: int = 200
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it was answered; at: the engine's time, sent: the wall clock."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    status: int
    at: datetime
    sent: float


@dataclass
class Pull:
    """A pull request with all that belongs to it, as GitHub would give it."""

    about: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    issue_comments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Repository:
    """A repository and its pull requests by number."""

    id: int
    owner: str
    name: str
    pulls: dict[int, Pull] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner}/{self.name}"

    def described(self) -> dict[str, Any]:
        """Return it as the API gives it."""
        owner = {"login": self.owner, "id": 9000, "type": "Organization"}
        return {"id": self.id, "name": self.name, "full_name": self.full_name, "owner": owner, "private": False}


class GitHub:
    """GitHub on one port. `limit` requests in a window of an hour; `delay` seconds for each answer.

    exceeded: requests that had to be refused for asking too much. windows: the requests counted in each window.
    """

    def __init__(self, limit: int = 5000) -> None:
        self.limit = limit
        self.per_minute = 900
        self.delay = 0.0
        self.repositories: dict[int, Repository] = {}
        self.moved: dict[str, int] = {}
        self.asked: list[Asked] = []
        self.used = 0
        self.reset_at = datetime.fromtimestamp(0, clock.now().tzinfo)
        self.exceeded = 0
        self.windows: list[int] = []
        self.most_at_once: Counter[str] = Counter()
        self._minute: deque[datetime] = deque()
        self._under_way: Counter[str] = Counter()
        self._faults: deque[tuple[str, Reply]] = deque()
        self._lock = threading.Lock()
        self._server = _Server(_Handler)
        self._server.github = self

    @property
    def url(self) -> str:
        """Where the server listens, with the scheme."""
        return self._server.url

    def add(self, full_name: str, github_id: int = 700_001) -> Repository:
        """Add a repository."""
        owner, _, name = full_name.partition("/")
        self.repositories[github_id] = Repository(github_id, owner, name)
        return self.repositories[github_id]

    def rename(self, github_id: int, full_name: str) -> None:
        """Rename a repository; its old address redirects from then on."""
        repository = self.repositories[github_id]
        self.moved[repository.full_name.lower()] = github_id
        repository.owner, _, repository.name = full_name.partition("/")

    def faults(self, part: str, *replies: Reply) -> None:
        """Answer the next requests whose path has this part with these, in this order."""
        self._faults.extend((part, reply) for reply in replies)

    def requests(self, part: str = "") -> list[str]:
        """Return the paths of the requests that had this part, in order, with the page."""
        pages = [(each.path, each.params.get("page")) for each in self.asked if part in each.path]
        return [f"{path}?page={page}" if page else path for path, page in pages]

    def answer(self, path: str, params: dict[str, str], headers: dict[str, str]) -> Reply:
        """Return what a request gets, with its limits counted."""
        place = "/".join(path.split("/")[:4])
        with self._lock:
            self._under_way[place] += 1
            self.most_at_once[place] = max(self.most_at_once[place], self._under_way[place])
        try:
            time.sleep(self.delay)
            with self._lock:
                reply = self._limited(path, params, headers)
                self.asked.append(Asked(path, params, headers, reply.status, clock.now(), time.time()))
        finally:
            with self._lock:
                self._under_way[place] -= 1
        return reply

    def _limited(self, path: str, params: dict[str, str], headers: dict[str, str]) -> Reply:
        now = clock.now()
        if now >= self.reset_at:
            self.used, self.reset_at = 0, (now + timedelta(hours=1)).replace(microsecond=0)
            self.windows.append(0)
        if path == "/rate_limit":
            return self._headed(Reply(200, self._stock()))
        if fault := next((each for each in self._faults if each[0] in path), None):
            self._faults.remove(fault)
            return self._headed(fault[1])
        while self._minute and self._minute[0] <= now - timedelta(minutes=1):
            self._minute.popleft()
        if len(self._minute) >= self.per_minute:
            self.exceeded += 1
            return self._headed(Reply(403, {"message": SECONDARY}, {"Retry-After": "60"}))
        if self.used >= self.limit:
            self.exceeded += 1
            return self._headed(Reply(403, {"message": PRIMARY}))
        self._minute.append(now)
        reply = self._tagged(self._found(path, params), headers)
        self.used += reply.status != 304
        self.windows[-1:] = [self.used]
        return self._headed(reply)

    def _stock(self) -> dict[str, Any]:
        left = {"limit": self.limit, "used": self.used, "remaining": self.limit - self.used}
        return {"resources": {"core": left | {"reset": int(self.reset_at.timestamp())}}}

    def _headed(self, reply: Reply) -> Reply:
        if reply.bare:
            return reply
        window = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": str(int(self.reset_at.timestamp())),
            "X-RateLimit-Resource": "core",
        }
        return Reply(reply.status, reply.data, window | reply.headers, reply.raw)

    def _tagged(self, reply: Reply, headers: dict[str, str]) -> Reply:
        if reply.status != 200:
            return reply
        # Of the body alone, as GitHub's is: a full page that gets a successor keeps its etag.
        said = json.dumps(reply.data, sort_keys=True).encode()
        etag = f'W/"{hashlib.sha256(said).hexdigest()}"'
        if headers.get("if-none-match") == etag:
            return Reply(304, None, {"ETag": etag})
        return Reply(200, reply.data, {**reply.headers, "ETag": etag})

    def _found(self, path: str, params: dict[str, str]) -> Reply:
        parts = path.strip("/").split("/")
        if parts[0] == "repositories":
            repository, rest = self.repositories.get(int(parts[1])), parts[2:]
        else:
            name, rest = "/".join(parts[1:3]).lower(), parts[3:]
            repository = next((r for r in self.repositories.values() if r.full_name.lower() == name), None)
            if repository is None and name in self.moved:
                target = "/".join([f"{self.url}/repositories/{self.moved[name]}", *rest])
                query = "&".join(f"{key}={value}" for key, value in params.items())
                return Reply(301, {"message": "Moved Permanently"}, {"Location": f"{target}?{query}".rstrip("?")})
        if repository is None:
            return Reply(404, {"message": "Not Found"})
        if not rest:
            return Reply(200, repository.described())
        return self._of(repository, rest, params)

    def _of(self, repository: Repository, rest: list[str], params: dict[str, str]) -> Reply:
        if rest == ["pulls"]:
            pulls = sorted(repository.pulls.values(), key=lambda p: (p.about["updated_at"], p.about["id"]))
            listed = [self._about(repository, pull) for pull in reversed(pulls)]
            return self._paged(repository, rest, listed, params)
        pull = repository.pulls.get(int(rest[1]))
        if pull is None:
            return Reply(404, {"message": "Not Found"})
        match rest[0], *rest[2:]:
            case ["pulls"]:
                return Reply(200, self._about(repository, pull) | pull.details)
            case ["pulls", "files"]:
                return self._paged(repository, rest, pull.files[:MOST_FILES], params)
            case ["pulls", "reviews"]:
                return self._paged(repository, rest, pull.reviews, params)
            case ["pulls", "comments"]:
                return self._paged(repository, rest, pull.comments, params)
            case ["issues", "comments"]:
                return self._paged(repository, rest, pull.issue_comments, params)
        return Reply(404, {"message": "Not Found"})

    def _about(self, repository: Repository, pull: Pull) -> dict[str, Any]:
        base = {"ref": "main", "sha": "b" * 40, "repo": repository.described()}
        return {"base": base, **pull.about}

    def _paged(self, repository: Repository, rest: list[str], rows: list[Any], params: dict[str, str]) -> Reply:
        size, page = min(100, int(params.get("per_page", 30))), int(params.get("page", 1))
        last = max(1, -(-len(rows) // size))
        below = f"{self.url}/repositories/{repository.id}/{'/'.join(rest)}"
        kept = "&".join(f"{key}={value}" for key, value in params.items() if key != "page")
        links = {"first": 1, "prev": page - 1, "next": page + 1, "last": last}
        links = {rel: n for rel, n in links.items() if 1 <= n <= last and n != page}
        link = ", ".join(f'<{below}?{kept}&page={n}>; rel="{rel}"' for rel, n in links.items())
        return Reply(200, rows[(page - 1) * size : page * size], {"Link": link} if link else {})

    @contextmanager
    def running(self) -> Iterator["GitHub"]:
        """Serve until the block ends."""
        with self._server.running():
            yield self


class _Server(Server):
    github: GitHub


class _Handler(Handler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30

    def get(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.github.answer(parts.path, dict(parse_qsl(parts.query)), headers)
        body = b"" if reply.status == 304 else json.dumps(reply.data).encode() if reply.raw is None else reply.raw
        self.send(reply.status, reply.headers, body)


GHOST: dict[str, Any] | None = None


TODAY = datetime.now(UTC).date()


def day(ago: int) -> str:
    """The date so many days ago: what is synced is what has changed lately, whenever the tests run."""
    return f"{TODAY - timedelta(days=ago)}"


def user(number: int, **more: Any) -> dict[str, Any]:
    """An account; our own making."""
    avatar = f"https://avatars.example.org/u/{number}"
    return {"id": 5000 + number, "login": f"dev-{number}", "avatar_url": avatar, "type": "User", **more}


def pull(number: int, at: str = "", **more: Any) -> Pull:
    """A pull request of one changed file, without reviews and comments; `more` is about it."""
    about = {
        "id": 10_000 + number,
        "number": number,
        "title": f"Change number {number}",
        "body": "What it is about.",
        "state": "open",
        "draft": False,
        "locked": False,
        "user": user(number % 7),
        "head": {"ref": f"topic-{number}", "sha": f"{number:040x}", "repo": None},
        "labels": [{"name": "bug", "color": "d73a4a"}],
        "merge_commit_sha": None,
        "created_at": f"{day(24)}T08:00:00Z",
        "updated_at": at or f"{day(5)}T10:00:00Z",
        "closed_at": None,
        "merged_at": None,
        **more,
    }
    return Pull(about, details(number), [file(0)])


def details(number: int) -> dict[str, Any]:
    """What a pull request says only when it is asked for by itself."""
    return {
        "additions": 10 + number,
        "deletions": number,
        "changed_files": 1,
        "commits": 2,
        "comments": 0,
        "review_comments": 0,
        "mergeable": True,
        "mergeable_state": "clean",
        "merged_by": None,
    }


def file(number: int, **more: Any) -> dict[str, Any]:
    """A changed file."""
    name = f"src/part_{number:04d}.py"
    return {"sha": f"{number:040x}", "filename": name, "status": "modified", "additions": 3, "deletions": 1, **more}


def review(number: int, **more: Any) -> dict[str, Any]:
    """A review."""
    return {
        "id": 200_000 + number,
        "user": user(number % 5),
        "state": "COMMENTED",
        "body": f"Thought {number}",
        "commit_id": "c" * 40,
        "submitted_at": f"{day(15)}T09:00:00Z",
        **more,
    }


def comment(number: int, **more: Any) -> dict[str, Any]:
    """A comment in the conversation; with path and line it is one at the code."""
    return {
        "id": 300_000 + number,
        "user": user(number % 5),
        "body": f"Remark {number}",
        "created_at": f"{day(15)}T09:00:00Z",
        "updated_at": f"{day(15)}T09:00:00Z",
        **more,
    }


def code_comment(number: int, **more: Any) -> dict[str, Any]:
    """A comment at a line of code."""
    place = {"path": "src/part_0000.py", "line": 7, "original_line": 7, "side": "RIGHT", "diff_hunk": "@@ -1 +1 @@"}
    belongs = {"pull_request_review_id": 200_000, "in_reply_to_id": None, "commit_id": "c" * 40}
    return comment(number, **place | belongs | more)
