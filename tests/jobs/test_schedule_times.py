"""Cron expressions: when they tick, in which zone, and what happens when the clocks change."""

from datetime import UTC, datetime

import pytest

from jobs import schedule
from jobs.errors import InvalidDefinition


def ticks(fields: str, zone: str, after: str, count: int) -> list[str]:
    """Return the next ticks in UTC, as `MM-DD HH:MM`."""
    moment, found = datetime.fromisoformat(after).replace(tzinfo=UTC), []
    for _ in range(count):
        moment = schedule.next_tick(fields, zone, moment)
        found.append(moment.astimezone(UTC).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ("0 9 * * *", ("0 9 * * *", "UTC")),
        ("TZ=Europe/Paris 0 9 * * *", ("0 9 * * *", "Europe/Paris")),
        ("  TZ=Asia/Kolkata   */5 * * * mon-fri ", ("*/5 * * * mon-fri", "Asia/Kolkata")),
    ],
)
def test_a_cron_may_name_its_zone(given: str, parsed: tuple[str, str]) -> None:
    assert schedule.parse(given) == parsed


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("* * * *", "must have five fields"),
        ("* * * * * *", "must have five fields"),
        ("", "must have five fields"),
        ("61 * * * *", "is not a cron expression"),
        ("0 0 31 2 *", "is not a cron expression"),
        ("TZ=Mars/Olympus 0 9 * * *", "names no time zone"),
        ("TZ=../../etc/passwd 0 9 * * *", "names no time zone"),
    ],
)
def test_a_wrong_cron_is_named(given: str, words: str) -> None:
    with pytest.raises(InvalidDefinition, match=words) as caught:
        schedule.parse(given)
    assert repr(given) in str(caught.value)


def test_utc_is_the_default_and_zones_are_heeded() -> None:
    assert ticks("0 9 * * *", "UTC", "2026-07-01", 1) == ["07-01 09:00"]
    assert ticks("0 9 * * *", "Europe/Paris", "2026-07-01", 1) == ["07-01 07:00"]
    assert ticks("0 9 * * *", "Asia/Kolkata", "2026-07-01", 1) == ["07-01 03:30"]


def test_a_local_hour_stays_the_same_through_the_change_of_clocks() -> None:
    assert ticks("0 9 * * *", "Europe/Paris", "2026-03-28", 2) == ["03-28 08:00", "03-29 07:00"]
    assert ticks("0 9 * * *", "Europe/Paris", "2026-10-24", 2) == ["10-24 07:00", "10-25 08:00"]


def test_an_hour_that_the_clocks_skip_is_not_lost() -> None:
    # 02:30 does not exist in Paris on 29 March 2026: it is made up for when the clocks jump to 03:00.
    assert ticks("30 2 * * *", "Europe/Paris", "2026-03-28", 3) == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]


def test_an_hour_that_comes_twice_ticks_once() -> None:
    # 02:30 comes twice in Paris on 25 October 2026.
    assert ticks("30 2 * * *", "Europe/Paris", "2026-10-24", 3) == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]


def test_an_hourly_tick_comes_every_real_hour() -> None:
    assert ticks("0 * * * *", "Europe/Paris", "2026-10-24 23:30", 3) == ["10-25 00:00", "10-25 01:00", "10-25 02:00"]
