"""Clients, a file of rows and a repository, made up for pictures. Needs Django set up."""

import random
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from clients.models import AIStatus, Client, Competitor, ContentBrief, Query
from imports import uploads, verbs
from jobs import testing
from pulls.models import Comment, CommentKind, Contributor, PullRequest, PullRequestFile, Repository, Review

TOWNS = ("Husum", "Skagen", "Whitby", "Ystad", "Bergen", "Galway", "Vigo", "Brest", "Tallinn", "Gdansk")
TRADES = ("Boatyard", "Sailmakers", "Rigging", "Chandlery", "Charter", "Moorings")
PEOPLE = ("ada-l", "grace-h", "barbara-l", "linus-b", "margaret-h", "deps-bot")
SUBJECTS = ("Fix the tides of harbours behind locks", "Cache charts for a day", "Speed up the list of berths")
FILES = ("harbours/locks.py", "harbours/tides.py", "tests/test_locks.py", "docs/locks.md")
HUNK = (
    "@@ -40,6 +40,9 @@ def height(at, lock):\n     level = table[at]\n-    return level\n+    return level - lock.sill"
)


def fill() -> dict[str, str]:
    """Make up what the products' pages show; returns the keys of what is shown of it."""
    random.seed(11)
    imported = _import()
    client = _client()
    return {"import": str(imported), "client": str(client.pk), "pull": _repository()}


def _import() -> int:
    lines = ["Company,Website,Keywords,Industry,Reach"]
    for n in range(1180):
        place, trade = random.choice(TOWNS), random.choice(TRADES)
        lines.append(
            f"{place} {trade} {n},https://{place}-{trade}-{n}.example/,boats; {trade},Leisure boating,regional"
        )
    lines[312] = "Harbour Nord,not a website,boats,Leisure boating,regional"
    lines[871] = "Ystad Rigging 869,ystad-rigging-869.example,masts,Leisure boating,everywhere"
    lines[1007] = "Vigo Charter"
    batch = uploads.receive(SimpleUploadedFile("Customers of the north.csv", "\n".join(lines).encode()), sender="olga")
    batch.processor = "clients.import"
    batch.mapping = {"name": "Company", "domain": "Website", "keywords": "Keywords"}
    batch.mapping |= {"industry_primary": "Industry", "geographic_focus": "Reach"}
    batch.save()
    verbs.start(batch.pk, by="olga")
    testing.drain()
    return batch.pk


def _client() -> Client:
    client = Client(name="Nordwind Yachts", domain="nordwind.example", created_at=timezone.now() - timedelta(days=40))
    client.enter({"keywords": ["yacht charter", "sailing holidays"], "business_model": "Rents out boats by the week"})
    client.fill(
        {
            "industry_primary": "Leisure boating",
            "sub_industry": "Bareboat charter",
            "geographic_focus": "regional",
            "target_audience": ["Families with a licence", "Crews of friends", "Sailing schools"],
            "key_products": ["Bareboat weeks", "Skippered trips", "Flotillas"],
            "geographic_regions": ["North Sea", "Baltic Sea"],
            "customer_problems": ["Finding a berth in July", "Deposits that take months to come back"],
        }
    )
    client.ai_status, client.ai_enhanced_at, client.ai_enhancement_count = AIStatus.COMPLETED, timezone.now(), 2
    client.ai_model, client.ai_input_tokens, client.ai_output_tokens = "gpt-5.5", 2840, 1106
    client.save()
    for name, source in (("Baltic Charter", "AI"), ("Seven Islands", "AI"), ("Harbour & Sons", "MANUAL")):
        domain = f"{name.lower().replace(' ', '-').replace('&', 'and')}.example"
        Competitor.objects.create(client=client, name=name, domain=domain, source=source)
    for text, intent in (
        ("how much does a week on a charter yacht cost", "informational"),
        ("rent a sailing boat on the baltic in july", "transactional"),
        ("best charter companies for families", "commercial"),
    ):
        Query.objects.create(client=client, keyword="yacht charter", text=text, intent=intent)
    ContentBrief.objects.create(client=client, title="A first week on the water", status="COMPLETED", planned=4)
    return client


def _repository() -> str:
    now = timezone.now()
    synced = {"last_synced_at": now - timedelta(minutes=12), "known_until": now}
    repository = Repository.objects.create(owner="seven-seas", name="harbours", active=True, github_id=1, **synced)
    Repository.objects.create(owner="seven-seas", name="charts", active=True, github_id=2, priority="high")
    people = [
        Contributor.objects.create(github_id=n, username=name, is_bot=name.endswith("bot"))
        for n, name in enumerate(PEOPLE, start=1)
    ]
    for number in range(1, 140):
        _pull(repository, number, people)
    shown = PullRequest.objects.get(number=139)
    _conversation(shown, people)
    return shown.key


def _pull(repository: Repository, number: int, people: list[Contributor]) -> None:
    created = timezone.now() - timedelta(days=(140 - number) * 1.3, hours=random.randint(0, 20))
    merged = created + timedelta(hours=random.randint(2, 90)) if number < 128 and number % 9 else None
    closed = merged or (created + timedelta(days=3) if number % 9 == 0 else None)
    changed = closed or created + timedelta(hours=2)
    pull = PullRequest.objects.create(
        repository=repository,
        github_id=9000 + number,
        number=number,
        title=SUBJECTS[0] if number == 139 else f"{random.choice(SUBJECTS[1:])}, part {number}",
        body="A harbour behind a lock has no tide of its own: its level is that of the sill.",
        state="closed" if closed else "open",
        author=random.choice(people),
        **{
            "base_ref": "main",
            "head_ref": f"topic-{number}",
            "head_repository": "seven-seas/harbours",
            "labels": [{"name": "tides"}] if number % 4 == 3 else [],
        },
        **{"created_at": created, "updated_at": changed, "closed_at": closed, "merged_at": merged},
        **{"additions": random.randint(1, 700), "deletions": random.randint(0, 200), "commits": random.randint(1, 6)},
        **{"changed_files": len(FILES), "comment_count": 2, "review_comment_count": 3, "mergeable": True},
        **{"details_of": changed, "reviews_of": changed, "comments_of": changed},
        review_state="APPROVED" if merged else random.choice(("", "COMMENTED", "CHANGES_REQUESTED")),
    )
    reviewer = random.choice(people)
    Review.objects.create(
        pull_request=pull, github_id=number, author=reviewer, state="APPROVED" if merged else "COMMENTED",
        submitted_at=changed,
    )  # fmt: skip


def _conversation(pull: PullRequest, people: list[Contributor]) -> None:
    for position, filename in enumerate(FILES):
        more = {
            "status": "added" if position > 1 else "modified",
            "additions": 40 - position * 9,
            "deletions": position,
        }
        PullRequestFile.objects.create(pull_request=pull, position=position, filename=filename, **more)
    at = {"created_at": pull.created_at + timedelta(hours=1), "updated_at": pull.created_at + timedelta(hours=1)}
    place = {"kind": CommentKind.REVIEW, "path": FILES[0], "line": 42, "side": "RIGHT", "diff_hunk": HUNK}
    said = (
        (1, people[1], "Is the sill above the datum or above the sea?", None, place),
        (2, people[0], "Above the datum. I have named the argument after it.", 1, place),
        (3, None, "Two harbours of ours have a second gate.", None, {"kind": CommentKind.ISSUE}),
    )
    for number, author, body, answers, more in said:
        Comment.objects.create(
            pull_request=pull, github_id=number, author=author, body=body, in_reply_to=answers, **more, **at
        )
