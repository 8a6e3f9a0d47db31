"""How many requests GitHub still allows: one row for the token, debited before each request, set by each answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, models
from django.utils import timezone

from jobs import clock

# While GitHub does not say for how long, and at most.
LEAST_BLOCK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Rules:
    """What we allow ourselves: `reserve` requests of a window stay unused, `per_minute` is the pace."""

    ceiling: int
    reserve: int
    per_minute: int


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says about the window: how many requests it has, how many are left, when it ends."""

    ceiling: int
    remaining: int
    reset_at: datetime


class Budget(models.Model):
    """The requests of one token, or of one address without a token, at one GitHub."""

    key = models.CharField(max_length=64, primary_key=True)
    ceiling = models.PositiveIntegerField(help_text="Requests in a window.")
    remaining = models.IntegerField()
    reset_at = models.DateTimeField()
    confirmed = models.BooleanField(default=False, help_text="GitHub itself has named this window.")
    blocked_until = models.DateTimeField(null=True)
    strikes = models.PositiveSmallIntegerField(default=0, help_text="Blocks since an answer last came through.")
    arrival = models.DateTimeField(help_text="When the next request would come at an even pace.")
    promised_at = models.DateTimeField(null=True, help_text="The latest time at which somebody was told to come back.")
    paced_at = models.DateTimeField(null=True, help_text="The same for those who only came too fast.")
    asked = models.BigIntegerField(default=0, help_text="Requests that were let through.")
    refused = models.BigIntegerField(default=0, help_text="Those that were told to come back.")
    seen_at = models.DateTimeField(null=True, help_text="When GitHub last answered.")

    def __str__(self) -> str:
        return self.key

    @classmethod
    def take(cls, key: str, rules: Rules, *, urgent: bool = False) -> datetime | None:
        """Debit one request; returns None if it may go out, else the time to come back, each caller another one.

        urgent: it comes back as early as makes sense, and not behind all who were put off before.

        One statement under the lock of the row: two workers cannot take the last request both.
        """
        values = {"key": key, "ceiling": rules.ceiling, "reserve": rules.reserve, "urgent": urgent, **_pace(rules)}
        with connection.cursor() as cursor:
            cursor.execute(clock.sql(_TAKE), values)
            row = cursor.fetchone()
            if row is None:  # the very first request of this token
                cursor.execute(clock.sql(_OPEN), values)
                cursor.execute(clock.sql(_TAKE), values)
                row = cursor.fetchone()
        return row[0]

    @classmethod
    def heard(cls, key: str, said: Said | None, *, free: bool = False, refused: bool = False) -> None:
        """Set the row by an answer. free: it was not counted (304), so its debit is given back. refused: 403 or 429."""
        values = {
            "key": key,
            "free": free,
            "refused": refused,
            "ceiling": said and said.ceiling,
            "left": said and said.remaining,
            "reset": said and said.reset_at,
        }
        with connection.cursor() as cursor:
            cursor.execute(clock.sql(_HEARD), values)

    @classmethod
    def take_stock(cls, key: str, rules: Rules, said: Said | None) -> None:
        """Set the row by what was asked for free, making it if need be."""
        with connection.cursor() as cursor:
            cursor.execute(clock.sql(_OPEN), {"key": key, "ceiling": rules.ceiling})
        cls.heard(key, said)

    @classmethod
    def block(cls, key: str, wait: timedelta | None, until: datetime | None = None) -> datetime:
        """Let nobody ask for a while; returns until when. Without a time a minute, twice as long with each strike."""
        with connection.cursor() as cursor:
            cursor.execute(clock.sql(_BLOCK), {"key": key, "wait": wait, "until": until, "least": LEAST_BLOCK})
            row = cursor.fetchone()
        return row[0] if row else timezone.now() + (wait or LEAST_BLOCK)


def _pace(rules: Rules) -> dict[str, timedelta]:
    interval = timedelta(minutes=1) / rules.per_minute
    # A quarter of a minute's requests may come at once.
    return {"interval": interval, "slack": interval * max(1, rules.per_minute // 4 - 1)}


_OPEN = """
INSERT INTO pulls_budget (key, ceiling, remaining, reset_at, confirmed, strikes, arrival, asked, refused)
VALUES (%(key)s, %(ceiling)s, %(ceiling)s, {now} + interval '1 hour', false, 0, {now}, 0, 0)
ON CONFLICT DO NOTHING
"""
# GREATEST passes over NULL. A refused caller is told a time of its own, as far apart as the window allows: all of them
# at the reset would only be refused again.
_TAKE = """
WITH held AS (
    SELECT key, ceiling, blocked_until, promised_at, paced_at,
        CASE WHEN reset_at <= {now} THEN ceiling ELSE remaining END AS remaining,
        CASE WHEN reset_at <= {now} THEN {now} + interval '1 hour' ELSE reset_at END AS reset_at,
        confirmed AND reset_at > {now} AS confirmed,
        greatest(arrival, {now}) AS arrival,
        least(%(reserve)s, ceiling / 10) AS kept
    FROM pulls_budget WHERE key = %(key)s FOR UPDATE
), judged AS (
    SELECT *,
        greatest(CASE WHEN blocked_until > {now} THEN blocked_until END,
                 CASE WHEN remaining <= kept THEN reset_at END) AS spent_until,
        CASE WHEN arrival - %(slack)s > {now} THEN arrival - %(slack)s END AS early_until,
        interval '1 hour' / greatest(1, ceiling - kept) AS share
    FROM held
), told AS (
    SELECT *,
        CASE WHEN promised_at >= spent_until AND NOT %(urgent)s THEN promised_at + share
             ELSE spent_until END AS promise,
        CASE WHEN spent_until IS NOT NULL THEN NULL
             WHEN paced_at >= early_until AND NOT %(urgent)s THEN paced_at + %(interval)s
             ELSE early_until END AS pace
    FROM judged
)
UPDATE pulls_budget AS budget SET
    remaining = told.remaining - (told.spent_until IS NULL AND told.early_until IS NULL)::int,
    asked = budget.asked + (told.spent_until IS NULL AND told.early_until IS NULL)::int,
    refused = budget.refused + (told.spent_until IS NOT NULL OR told.early_until IS NOT NULL)::int,
    arrival = CASE WHEN told.spent_until IS NULL AND told.early_until IS NULL
                   THEN told.arrival + %(interval)s ELSE told.arrival END,
    reset_at = told.reset_at, confirmed = told.confirmed,
    promised_at = greatest(told.promise, told.promised_at), paced_at = greatest(told.pace, told.paced_at)
FROM told WHERE budget.key = told.key
RETURNING coalesce(told.promise, told.pace)
"""
# Our own count knows of requests that are under way, GitHub's of those that others make with the same token: the
# smaller one holds. An answer of a window that is over says nothing about this one.
_HEARD = """
UPDATE pulls_budget AS budget SET
    remaining = CASE
        WHEN %(left)s::int IS NULL OR %(reset)s <= {now}
            OR (confirmed AND %(reset)s < reset_at - interval '5 s') THEN remaining
        WHEN confirmed AND %(reset)s > reset_at + interval '5 s' THEN %(left)s
        -- Requests that are under way have been debited from the ceiling we believed in.
        ELSE least(remaining + %(free)s::int + %(ceiling)s - ceiling, %(left)s) END,
    reset_at = CASE
        WHEN %(left)s::int IS NULL OR %(reset)s <= {now}
            OR (confirmed AND %(reset)s < reset_at - interval '5 s') THEN reset_at
        ELSE %(reset)s END,
    confirmed = confirmed OR (%(left)s::int IS NOT NULL AND %(reset)s > {now}),
    ceiling = coalesce(%(ceiling)s, ceiling),
    strikes = CASE WHEN %(refused)s OR blocked_until > {now} THEN strikes ELSE 0 END,
    seen_at = {now}
WHERE key = %(key)s
"""
_BLOCK = """
UPDATE pulls_budget SET
    blocked_until = greatest(blocked_until, %(until)s::timestamptz,
        {now} + greatest(%(wait)s::interval,
            CASE WHEN %(wait)s::interval IS NULL AND %(until)s::timestamptz IS NULL
                 THEN %(least)s * power(2, least(strikes, 6)) END)),
    strikes = strikes + 1
WHERE key = %(key)s
RETURNING blocked_until
"""
