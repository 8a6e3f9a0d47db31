"""What pages show of a client's fields and of its last queries."""

from collections.abc import Mapping
from typing import Any

from clients.events import QUERIES_SUFFIX
from clients.models import Client
from jobs.models import Run
from jobs.types import Status


def fields_of(client: Client, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the fields in order: {"label", "value", "by"}, the last empty where nobody has filled it."""
    return [
        {"name": name, "label": label, "value": _shown(client, name), "by": client.filled_by.get(name, "")}
        for name, label in labels.items()
    ]


def _shown(client: Client, name: str) -> Any:
    return client.get_geographic_focus_display() if name == "geographic_focus" else getattr(client, name)


def failed_keywords(client: Client) -> list[dict[str, str]]:
    """Return the keywords for which the last writing of queries failed: {"keyword", "error"}."""
    own = Run.objects.about(client.subject).filter(function__endswith=QUERIES_SUFFIX)
    newest = own.order_by("-pk").first()
    if newest is None or newest.status != Status.COMPLETED:
        return []
    return list(newest.output.get("failed", []))
