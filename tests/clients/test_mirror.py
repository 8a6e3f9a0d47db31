"""The copy in Supabase: the real client, against PostgREST's wire format on real tables; and its storage."""

from datetime import timedelta

import psycopg
import pytest

from clients import events, mirror
from clients.functions import enhance_client_with_ai
from clients.models import ENRICHED, AIStatus, Client, Competitor
from jobs import actions, testing
from jobs.errors import RetryAfterError
from jobs.models import Run
from tests.docs import pages
from tests.standins.postgrest import Tables
from tests.standins.supabase import SupabaseStandIn

KEY = "sb_secret_of_the_test"
SCHEMA = "supabase_standin"
DDL = pages.blocks((pages.DOCS / "clients.md").read_text(), "sql")[0]


@pytest.fixture
def supabase(database_url, settings):
    """Supabase with the tables that the documentation asks for."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        connection.execute(f"SET search_path TO {SCHEMA}")
        connection.execute(DDL)
        with SupabaseStandIn(key=KEY, tables=Tables(database_url, SCHEMA)) as running:
            settings.SUPABASE_URL, settings.SUPABASE_KEY, settings.SUPABASE_TIMEOUT = running.url, KEY, 5.0
            yield running
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


@pytest.fixture
def known(supabase, acme):
    """A client that Supabase has as well."""
    supabase.tables.rows("INSERT INTO clients (id, name, domain) VALUES (%s, 'Acme', 'acme.example')", (acme.pk,))
    return acme


def enhance(client):
    return testing.run(enhance_client_with_ai, data=events.data_of(client))


def test_an_enhanced_client_is_there_as_it_is_here(provider, supabase, known, fresh):
    Competitor.objects.create(client=known, name="Ours", domain="ours.example")
    result = enhance(known)
    assert result.steps["mirror-to-supabase"] == {"competitors": 3}
    (row,) = supabase.tables.rows("SELECT * FROM clients")
    client = fresh(known)
    assert {name: row[name] for name in ENRICHED} == {name: getattr(client, name) for name in ENRICHED}
    assert (row["ai_status"], row["ai_enhancement_count"]) == ("COMPLETED", 1)
    assert row["ai_enhanced_at"] == client.ai_enhanced_at
    rivals = supabase.tables.rows("SELECT client_id, name, domain, source FROM competitors ORDER BY domain")
    assert [tuple(rival.values()) for rival in rivals] == [
        (known.pk, "Crate & Co", "crate.example", "AI"),
        (known.pk, "Ours", "ours.example", "MANUAL"),
        (known.pk, "Pallet Kings", "palletkings.example", "AI"),
    ]


def test_a_second_copy_changes_rows_and_adds_none(provider, supabase, known):
    enhance(known)
    Competitor.objects.filter(domain="crate.example").update(name="Crates Ltd")
    assert enhance(known).status == "COMPLETED"
    rivals = supabase.tables.rows("SELECT name FROM competitors ORDER BY domain")
    assert [rival["name"] for rival in rivals] == ["Crate & Co", "Pallet Kings"]
    assert supabase.tables.rows("SELECT ai_enhancement_count AS n FROM clients") == [{"n": 2}]


def test_a_client_that_supabase_does_not_have_is_an_error_and_a_retry_tries_only_the_copy(
    provider, supabase, acme, fresh
):
    result = enhance(acme)
    assert (result.status, result.error["step"]) == ("FAILED", "mirror-to-supabase")
    words = f"Supabase has no client with the id {acme.pk}, so nothing was copied to it."
    assert fresh(acme).ai_error == words
    assert (fresh(acme).ai_status, fresh(acme).industry_primary) == (AIStatus.FAILED, "Manufacturing")
    supabase.tables.rows("INSERT INTO clients (id, name) VALUES (%s, 'Acme')", (acme.pk,))
    assert events.request_enhancement(acme.pk, by="mara") == result.run.pk
    testing.drain()
    assert (fresh(acme).ai_status, fresh(acme).ai_error) == (AIStatus.COMPLETED, "")
    assert fresh(acme).ai_enhancement_count == len(provider.asked) == 1


def test_a_conflict_over_there_is_reported_with_its_value(provider, supabase, known, fresh):
    supabase.tables.rows("CREATE UNIQUE INDEX once ON competitors (domain)")
    supabase.tables.rows("INSERT INTO clients (id, name) VALUES (99, 'Other')")
    supabase.tables.rows(
        "INSERT INTO competitors (client_id, name, domain, source) VALUES (99, 'K', 'crate.example', 'AI')"
    )
    result = enhance(known)
    assert (result.status, result.error["code"]) == ("FAILED", "non_retriable")
    assert "reports a conflict" in fresh(known).ai_error
    assert "(domain)=(crate.example) already exists" in fresh(known).ai_error


def test_a_table_without_its_unique_constraint_is_reported(supabase, known):
    Competitor.objects.create(client=known, name="Ours", domain="ours.example")
    supabase.tables.rows("ALTER TABLE competitors DROP CONSTRAINT competitors_client_id_domain_key")
    with pytest.raises(mirror.MirrorRefused, match=r"conflict.*ON CONFLICT"):
        mirror.push(known.pk, None)


def test_a_missing_column_is_named(supabase, known):
    supabase.tables.rows("ALTER TABLE clients DROP COLUMN brand_voice")
    with pytest.raises(mirror.MirrorRefused, match="brand_voice"):
        mirror.push(known.pk, None)


def test_a_competitor_that_a_person_entered_over_there_is_left_alone(provider, supabase, known):
    values = (known.pk, "The Crates", "crate.example", "MANUAL")
    supabase.tables.rows("INSERT INTO competitors (client_id, name, domain, source) VALUES (%s, %s, %s, %s)", values)
    assert enhance(known).steps["mirror-to-supabase"] == {"competitors": 1}
    found = supabase.tables.rows("SELECT name, source FROM competitors WHERE domain = 'crate.example'")
    assert found == [{"name": "The Crates", "source": "MANUAL"}]


@pytest.mark.parametrize(
    ("status", "error"), [(500, mirror.MirrorUnavailable), (503, mirror.MirrorUnavailable), (429, RetryAfterError)]
)
def test_an_answer_that_may_change_is_tried_again(supabase, known, status, error):
    supabase.next_answers = [(status, {}, b"<html>bad gateway</html>")]
    with pytest.raises(error):
        mirror.push(known.pk, None)
    assert mirror.push(known.pk, None) == {"competitors": 0}


def test_a_wrong_key_is_refused_for_good_and_stays_secret(supabase, known, settings):
    settings.SUPABASE_KEY = "sb_secret_wrong"
    with pytest.raises(mirror.MirrorRefused, match="Invalid API key") as caught:
        mirror.push(known.pk, None)
    assert "sb_secret" not in str(caught.value)


def test_a_supabase_that_is_away_is_tried_again_without_paying_again(provider, supabase, known, fresh):
    supabase.next_answers = [(503, {}, b""), (503, {}, b"")]
    result = enhance(known)
    assert (result.status, len(provider.asked)) == ("COMPLETED", 1)
    assert result.took > timedelta(seconds=30)
    assert fresh(known).ai_enhancement_count == 1


def test_a_run_that_was_overtaken_fails_its_copy_in_words(provider, supabase, known):
    client = Client.objects.get(pk=known.pk)
    client.run = "01a2039c-7931-7fb1-9f99-683a890eec7d"
    client.save()
    with pytest.raises(Exception, match="newer run has taken it over"):
        mirror.push(known.pk, "01a2039c-7931-7fb1-9f99-683a890eec7e")


@pytest.mark.parametrize("changes", [{"SUPABASE_KEY": ""}, {"SUPABASE_URL": ""}, {"SUPABASE_MIRROR": False}])
def test_without_address_key_or_wish_nothing_is_copied(provider, supabase, known, settings, changes):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert "mirror-to-supabase" not in enhance(known).steps
    assert supabase.seen == []


def test_a_failed_copy_can_be_retried_from_the_console_too(provider, supabase, acme, fresh):
    result = enhance(acme)
    supabase.tables.rows("INSERT INTO clients (id, name) VALUES (%s, 'Acme')", (acme.pk,))
    actions.retry(Run.objects.get(pk=result.run.pk), by="opal")
    testing.drain()
    assert (fresh(acme).ai_status, len(provider.asked)) == (AIStatus.COMPLETED, 1)


def test_uploads_and_rows_go_through_the_same_client(supabase, known, settings):
    from django.core.files.base import ContentFile

    from config.storage import SupabaseStorage

    settings.SUPABASE_BUCKET = supabase.bucket
    content = bytes(range(256))
    name = SupabaseStorage().save("briefs/a brief.pdf", ContentFile(content))
    assert SupabaseStorage().open(name).read() == content
    assert supabase.objects[name][0] == content
    mirror.push(known.pk, None)
    assert [line.split()[0] for line in supabase.seen if "/rest/" in line] == ["PATCH"]
