"""One request to GitHub: what is sent, what each refusal means, and how the budget of the token is kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from jobs import clock, testing
from jobs.errors import NonRetriableError, RetryAfterError
from pulls.github import client, errors, headers
from pulls.models import Budget
from tests.standins.github import Reply

pytestmark = pytest.mark.django_db
REPO = "/repos/octo/hello"


@pytest.fixture(autouse=True)
def remote(github):
    return github.add("octo/hello")


def left():
    return Budget.objects.get(pk=client.budget_key())


def test_a_request_names_the_version_the_token_and_who_asks(github):
    assert client.get(REPO).data["full_name"] == "octo/hello"
    sent = github.asked[0].headers
    assert sent["x-github-api-version"] == "2022-11-28"
    assert sent["authorization"] == "Bearer ghp_of_the_tests"
    assert sent["accept"] == "application/vnd.github+json"
    assert "Stepwell" in sent["user-agent"]


def test_without_a_token_none_is_sent_and_sixty_requests_an_hour_are_ours(github, settings):
    settings.GITHUB_TOKEN = ""
    github.limit = 60
    client.get(REPO)
    assert "authorization" not in github.asked[0].headers
    assert (left().pk.startswith("anonymous@"), left().ceiling, left().remaining) == (True, 60, 59)
    for _ in range(53):
        client.get(REPO)
    # A tenth at most is kept in reserve.
    with pytest.raises(errors.BudgetSpent):
        client.get(REPO)
    assert github.used == 54


def test_an_unchanged_answer_costs_nothing(github):
    first = client.get(REPO)
    before = left().remaining
    again = client.get(REPO, etag=first.etag)
    assert (again.unchanged, again.data) == (True, None)
    assert (left().remaining, github.used) == (before, 1)


def test_a_renamed_repository_is_followed_and_told(github):
    github.rename(700_001, "octo/bye")
    answer = client.get(f"{REPO}/pulls", {"state": "all"})
    assert (answer.data, answer.moved) == ([], True)
    assert github.asked[1].params == {"state": "all"}


def test_neither_redirects_nor_pages_lead_the_token_to_another_host(github):
    github.faults(REPO, Reply(301, {}, {"Location": "https://evil.example.org/repos/octo/hello"}))
    with pytest.raises(errors.GitHubRefused, match="another host"):
        client.get(REPO)
    with pytest.raises(errors.GitHubRefused, match="another host"):
        client.get("https://evil.example.org/page/2")


def test_redirects_in_a_circle_come_to_an_end(github):
    github.faults(REPO, *[Reply(302, {}, {"Location": f"{github.url}{REPO}"})] * 9)
    with pytest.raises(errors.GitHubRefused, match="more than 5 times"):
        client.get(REPO)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ('<https://a/x?page=2>; rel="next", <https://a/x?page=9>; rel="last"', "https://a/x?page=2"),
        (
            '<https://a/x?page=1>; rel="prev", <https://a/x?after=Y%3D%2C1&b=;2>; rel="next"',
            "https://a/x?after=Y%3D%2C1&b=;2",
        ),
        ("<https://a/x?page=2>; rel=next", "https://a/x?page=2"),
        ('<https://a/x>; title="next"; rel="last"', ""),
        ('<https://a/x>; rel="last next"', "https://a/x"),
        ("", ""),
    ],
)
def test_the_next_page_is_taken_word_for_word_from_the_link_header(value, url):
    assert headers.next_link(value) == url


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(401, {"message": "Bad credentials"}), errors.GitHubRefused, "GITHUB_TOKEN (401): Bad credentials"),
        (Reply(403, {"message": "Resource not accessible"}), errors.GitHubRefused, "(403): Resource not accessible"),
        (Reply(404, {"message": "Not Found"}), errors.NotThere, f"nothing at {REPO}"),
        (Reply(410, {"message": "Gone"}), errors.NotThere, "(410)"),
        (Reply(422, {"message": "Validation Failed"}), errors.GitHubRefused, "(422): Validation Failed"),
        (Reply(451, {"message": "DMCA"}), errors.GitHubRefused, "(451): DMCA"),
        (Reply(500, {"message": "Oops"}), errors.GitHubUnavailable, "(500): Oops"),
        (Reply(502, raw=b"<html>Bad gateway</html>"), errors.GitHubUnavailable, "(502): no reason given"),
        (Reply(200, raw=b'{"cut": '), errors.GitHubUnavailable, "JSON that cannot be read"),
    ],
    ids=["401", "403", "404", "410", "422", "451", "500", "502", "cut"],
)
def test_each_refusal_is_an_error_of_its_own_in_words(github, reply, kind, words):
    github.faults(REPO, reply)
    with pytest.raises(kind, match=None) as caught:
        client.get(REPO)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    permanent = issubclass(kind, errors.GitHubRefused)
    assert isinstance(caught.value, NonRetriableError) is permanent


def test_a_silent_and_an_absent_github_are_asked_again_later(github, settings):
    github.delay, settings.GITHUB_TIMEOUT = 0.6, 0.2
    with pytest.raises(errors.GitHubUnavailable, match=r"no answer within 0.2 seconds"):
        client.get(REPO)
    settings.GITHUB_API_URL = "http://127.0.0.1:9"
    with pytest.raises(errors.GitHubUnavailable, match="cannot be reached"):
        client.get(REPO)


def test_a_used_up_window_moves_everybody_to_its_reset(github):
    client.get(REPO)
    github.used = github.limit
    with pytest.raises(errors.PrimaryLimit) as caught:
        client.get(REPO)
    assert caught.value.retry_after >= github.reset_at
    count = len(github.asked)
    with pytest.raises(RetryAfterError) as second:
        client.get(REPO)
    assert (type(second.value), len(github.asked)) == (errors.BudgetSpent, count)
    assert second.value.retry_after >= github.reset_at
    with testing.shift_clock(timedelta(minutes=62)):
        assert client.get(REPO).data["id"] == 700_001


def test_a_secondary_limit_is_waited_for_as_long_as_it_says(github):
    said = {"message": "You have exceeded a secondary rate limit."}
    github.faults(REPO, Reply(403, said, {"Retry-After": "90"}))
    with pytest.raises(errors.SecondaryLimit) as caught:
        client.get(REPO)
    assert timedelta(seconds=80) < caught.value.retry_after - clock.now() <= timedelta(seconds=91)
    with pytest.raises(errors.BudgetSpent):
        client.get(REPO)
    assert len(github.asked) == 1


@pytest.mark.parametrize("status", [403, 429])
def test_without_retry_after_a_secondary_limit_lasts_a_minute_and_grows_with_each_strike(github, status):
    waits, passed = [], timedelta(0)
    for _ in range(3):
        github.faults(REPO, Reply(status, {"message": "You have exceeded a secondary rate limit"}))
        with testing.shift_clock(passed):
            with pytest.raises(errors.SecondaryLimit) as caught:
                client.get(REPO)
            waits.append(round((caught.value.retry_after - clock.now()).total_seconds()))
        passed += timedelta(seconds=waits[-1] + 1)
    assert waits == [60, 120, 240]
    with testing.shift_clock(passed):
        client.get(REPO)
    assert left().strikes == 0


def test_a_429_without_words_is_a_limit_and_a_retry_after_date_is_understood(github):
    at = (clock.now() + timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    github.faults(REPO, Reply(429, {"message": "slow down"}, {"Retry-After": at}))
    with pytest.raises(errors.SecondaryLimit) as caught:
        client.get(REPO)
    assert timedelta(minutes=4) < caught.value.retry_after - clock.now() <= timedelta(minutes=5, seconds=1)


def test_the_reserve_is_never_touched(github, settings):
    settings.GITHUB_RESERVE, settings.GITHUB_PER_MINUTE, github.limit, github.per_minute = 30, 10_000, 500, 1000
    for _ in range(470):
        client.get(REPO)
    with pytest.raises(errors.BudgetSpent):
        client.get(REPO)
    assert (github.limit - github.used, github.exceeded) == (30, 0)


def test_requests_that_others_make_with_the_token_count_too(github):
    client.get(REPO)
    github.used += 1000
    client.get(REPO)
    assert left().remaining == github.limit - github.used


def test_each_caller_that_is_put_off_gets_a_time_of_its_own(github):
    client.get(REPO)
    Budget.objects.update(remaining=0)
    times = [Budget.take(client.budget_key(), client.rules()) for _ in range(50)]
    assert len(set(times)) == 50
    assert times == sorted(times)
    assert times[0] == left().reset_at
    # An hour's worth of them comes back within the hour after the reset.
    assert times[-1] - times[0] < timedelta(seconds=50)
    assert (left().refused, left().asked) == (50, 1)


def test_what_is_urgent_comes_back_before_all_who_were_put_off_before(github):
    client.get(REPO)
    Budget.objects.update(remaining=0)
    others = [Budget.take(client.budget_key(), client.rules()) for _ in range(50)]
    with client.urgently(True), pytest.raises(errors.BudgetSpent) as caught:
        client.get(REPO)
    assert caught.value.retry_after == others[0] == left().reset_at
    # Those who come after it still stand behind the others.
    assert Budget.take(client.budget_key(), client.rules()) > others[-1]


def test_requests_of_a_minute_are_paced(github, settings):
    settings.GITHUB_PER_MINUTE = 60
    allowed = sum(Budget.take(client.budget_key(), client.rules()) is None for _ in range(40))
    assert 15 <= allowed <= 17
    with testing.shift_clock(timedelta(seconds=10)):
        again = sum(Budget.take(client.budget_key(), client.rules()) is None for _ in range(40))
    assert 9 <= again <= 12


def test_an_answer_of_the_window_before_says_nothing_about_this_one(github):
    client.get(REPO)
    from pulls.models.budget import Said

    before = left()
    Budget.heard(before.pk, Said(5000, 3, before.reset_at - timedelta(hours=1)))
    assert left().remaining == before.remaining
    Budget.heard(before.pk, Said(5000, 4321, before.reset_at + timedelta(minutes=59)))
    assert left().remaining == 4321


def test_asking_for_the_limits_is_free_and_sets_the_count(github):
    github.used = 1234
    github.reset_at = clock.now() + timedelta(minutes=30)
    core = client.rate_limit()
    assert (core["remaining"], github.used) == (3766, 1234)
    assert (left().remaining, left().confirmed) == (3766, True)


@pytest.mark.django_db(transaction=True)
def test_many_threads_take_exactly_what_there_is(github):
    rules = client.rules()
    Budget.take("shared", rules)
    now = datetime.now(UTC)
    Budget.objects.filter(pk="shared").update(remaining=150, arrival=now, confirmed=True)

    def take(_: int) -> bool:
        try:
            return Budget.take("shared", rules) is None
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as threads:
        granted = sum(threads.map(take, range(120)))
    row = Budget.objects.get(pk="shared")
    assert (granted, row.remaining, row.refused) == (50, 100, 70)
