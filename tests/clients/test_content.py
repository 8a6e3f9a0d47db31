"""Queries, briefs and invitations: what their functions do, and what they do when something fails."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail

from clients import events
from clients.functions import content_brief, create_client_user, generate_queries
from clients.models import ClientUser, ContentBrief, Query
from jobs import actions, testing
from jobs.models import Run
from tests.standins import openai as standin

pytestmark = pytest.mark.django_db


def about(asked):
    """The keyword that a question for queries is about."""
    return re.search(r"^Keyword: (.*)$", asked.question, re.MULTILINE)[1]


def queries(*pairs):
    return standin.said({"queries": [{"text": text, "intent": intent} for text, intent in pairs]})


def by_keyword(answers):
    """Answer each keyword with its own, and others with a query about it."""

    def answer(asked):
        keyword = about(asked)
        return answers.get(keyword) or queries((f"Where to buy {keyword}?", "transactional"))

    return answer


def generate(client, *keywords, **more):
    return testing.run(generate_queries, data={"client_id": client.pk, "keywords": list(keywords), **more})


def test_each_keyword_is_a_step_and_its_queries_are_stored(provider, acme):
    provider.script(by_keyword({}))
    result = generate(acme, "pallets", "crates", "Pallets")
    assert list(result.steps) == ["ask: pallets", "ask: crates", "save-queries"]
    assert result.output == {"success": True, "clientId": acme.pk, "created": 2, "failed": []}
    found = Query.objects.values_list("text", "keyword", "intent")
    assert set(found) == {
        ("Where to buy pallets?", "pallets", "transactional"),
        ("Where to buy crates?", "crates", "transactional"),
    }
    acme.refresh_from_db()
    assert (acme.ai_input_tokens, acme.ai_enhancement_count) == (600, 0)


def test_a_keyword_that_fails_is_reported_and_nothing_takes_its_place(provider, acme):
    answers = {"refused": standin.said(None, refusal="Not that."), "broken": standin.failed(500, "oops")}
    provider.script(by_keyword(answers))
    output = generate(acme, "refused", "pallets", "broken").must_complete()
    assert (output["created"], Query.objects.count()) == (1, 1)
    failed = {one["keyword"]: one["error"] for one in output["failed"]}
    assert set(failed) == {"refused", "broken"}
    assert failed["refused"] == "The model declined to answer: Not that."
    assert "is unavailable (500)" in failed["broken"]
    # A refusal is not asked for again, a failure is, and what was answered is not.
    assert [about(asked) for asked in provider.asked] == ["refused", "pallets", "broken", "broken", "broken"]


def test_if_every_keyword_fails_the_run_fails_in_words(provider, acme):
    provider.script(standin.said(None, refusal="No."))
    result = generate(acme, "a", "b")
    assert result.status == "FAILED"
    assert "No keyword brought queries. The first says: The model declined" in result.error["message"]


def test_a_wrong_key_fails_all_at_once(provider, acme, settings):
    settings.OPENAI_API_KEY = "sk-wrong"
    assert "check OPENAI_API_KEY" in generate(acme, "a", "b").error["message"]


def test_only_intents_that_were_asked_for_and_no_more_than_wanted_are_stored(provider, acme):
    many = [*((f"Query {n}", "Local") for n in range(5)), ("Other", "opinion"), ("Odd", "whatever"), ("", "local")]
    provider.script(queries(*many))
    generate(acme, "pallets", count=2, intents=["local"])
    assert list(Query.objects.values_list("text", "intent")) == [("Query 0", "local"), ("Query 1", "local")]
    assert "Intents: local" in provider.asked[0].question


def test_a_query_that_is_known_is_not_stored_twice(provider, acme):
    provider.script(by_keyword({}))
    generate(acme, "pallets")
    assert generate(acme, "pallets").output["created"] == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"keywords": []}, "keywords makes no sense"),
        ({"keywords": ["a"], "count": 0}, r"count makes no sense \(it is '0'\)"),
        ({"keywords": ["a"], "intents": ["evil"]}, "intents.0"),
        ({"keywords": ["a"], "client_id": 99}, "There is no client 99"),
    ],
)
def test_an_event_that_makes_no_sense_fails_in_words(provider, acme, data, words):
    result = testing.run(generate_queries, data={"client_id": acme.pk, **data})
    assert result.status == "FAILED"
    assert re.search(words, result.error["message"])
    assert provider.asked == []


PLAN = {"sections": [{"heading": "Why pallets", "purpose": "Open"}, {"heading": "Which size", "purpose": "Explain"}]}
BRIEF = {"title": "Pallets for beginners", "keywords": ["pallets"], "audience": "Buyers", "platforms": ["Blog"]}


def writer(asked):
    """Plan first, then write each section."""
    if "sections" in asked.schema["schema"]["properties"]:
        return standin.said(PLAN)
    heading = re.search(r"^The section: (.*)$", asked.question, re.MULTILINE)[1]
    return standin.said({"summary": f"About: {heading}.", "points": ["One", "Two"]})


def test_a_brief_is_planned_and_written_section_by_section(provider, acme):
    provider.script(writer)
    result = testing.run(content_brief, data={**BRIEF, "client_id": acme.pk})
    brief = ContentBrief.objects.get()
    assert result.must_complete() == {"success": True, "briefId": brief.pk, "sections": 2}
    assert (brief.status, brief.client, brief.written, brief.planned) == ("COMPLETED", acme, 2, 2)
    assert brief.sections[1] == {"heading": "Which size", "summary": "About: Which size.", "points": ["One", "Two"]}
    assert (brief.input_tokens, brief.output_tokens) == (900, 600)
    assert "Acme Pallets" in provider.asked[0].question
    # A run that another system's event started is shown with the brief that it made.
    assert Run.objects.get(pk=result.run.pk).subject == brief.subject


def test_a_brief_needs_no_client(provider, db):
    provider.script(writer)
    assert testing.run(content_brief, data=BRIEF).must_complete()["sections"] == 2


def test_what_is_written_is_there_before_the_rest_and_is_kept_by_a_failure(provider, acme):
    provider.script(standin.said(PLAN), standin.said({"summary": "First.", "points": []}), standin.failed(401, "key"))
    brief = events.request_brief(ContentBrief(client=acme, **BRIEF), by="mara")
    testing.drain()
    brief.refresh_from_db()
    assert (brief.status, brief.written, brief.planned) == ("FAILED", 1, 2)
    assert "check OPENAI_API_KEY" in brief.error
    run = Run.objects.get(pk=brief.run)
    assert (run.progress["done"], run.progress["total"]) == (1, 2)
    provider.script(writer)
    actions.retry(run, by="mara")
    testing.drain()
    brief.refresh_from_db()
    assert (brief.status, brief.error, [one["summary"] for one in brief.sections]) == (
        "COMPLETED",
        "",
        ["First.", "About: Which size."],
    )
    # One plan, one first section, the second one refused and then written.
    assert len(provider.asked) == 4


def test_an_empty_section_is_no_answer(provider, db):
    provider.script(standin.said(PLAN), standin.said({"summary": "", "points": []}))
    result = testing.run(content_brief, data=BRIEF)
    assert (result.status, ContentBrief.objects.get().status) == ("FAILED", "FAILED")
    assert len(provider.asked) == 4


def test_a_cancelled_brief_says_so(provider, acme):
    brief = events.request_brief(ContentBrief(client=acme, **BRIEF), by="mara")
    actions.cancel(Run.objects.get(pk=brief.run), by="opal")
    testing.drain()
    brief.refresh_from_db()
    assert (brief.status, brief.error) == ("FAILED", "It was cancelled before it finished.")


@pytest.mark.parametrize(
    ("data", "words"),
    [({}, "title is missing"), ({"title": "x", "client_id": 9}, "no client 9"), ({"brief_id": 7}, "no brief 7")],
)
def test_a_brief_about_nothing_fails_in_words(provider, db, data, words):
    assert words in testing.run(content_brief, data=data).error["message"]


ANN = {"first_name": "Ann", "last_name": "Berg", "email": "Ann@Acme.example", "role": "editor"}


def invite(client, **changes):
    return testing.run(create_client_user, data={**ANN, "client_id": client.pk, **changes})


def link():
    return re.search(r"http://localhost:8000(\S+)", mail.outbox[-1].body)[1]


def test_an_invitation_makes_an_account_and_mails_a_link_to_choose_a_password(acme, client):
    output = invite(acme).must_complete()
    user = User.objects.get()
    assert output == {"success": True, "userId": user.pk, "created": True, "invited": True}
    assert (user.username, user.email, user.get_full_name()) == ("ann@acme.example", "ann@acme.example", "Ann Berg")
    assert not user.has_usable_password()
    assert (user.is_staff, user.is_superuser, user.user_permissions.count()) == (False, False, 0)
    member = ClientUser.objects.get()
    assert (member.client, member.role) == (acme, "editor")
    assert (mail.outbox[0].to, mail.outbox[0].subject) == (["ann@acme.example"], "Your access to Acme Pallets")
    form = client.get(link(), follow=True)
    assert "Choose a password" in form.content.decode()
    words = {"new_password1": "a long secret", "new_password2": "a long secret"}
    assert client.post(form.redirect_chain[-1][0], words).url == acme.get_absolute_url()
    assert "Acme Pallets" in client.get(acme.get_absolute_url()).content.decode()
    client.logout()
    assert client.login(username="ann@acme.example", password="a long secret")
    assert "This link was used already" in client.get(link(), follow=True).content.decode()


def test_the_same_event_again_makes_no_second_account_and_no_second_mail(acme):
    invite(acme)
    output = invite(acme, email="ANN@acme.example").must_complete()
    assert (output["created"], output["invited"]) == (False, False)
    assert (User.objects.count(), ClientUser.objects.count(), len(mail.outbox)) == (1, 1, 1)


def test_an_invitation_is_mailed_once_more_on_request(acme):
    invite(acme)
    assert invite(acme, resend=True).output["invited"]
    assert len(mail.outbox) == 2


def test_somebody_with_a_password_gets_access_but_no_link(acme):
    known = User.objects.create_superuser("opal", email="ann@acme.example", password="secret")
    output = invite(acme, resend=True).must_complete()
    assert (output["userId"], output["created"], output["invited"]) == (known.pk, False, False)
    assert ClientUser.objects.get().user == known
    assert mail.outbox == []


def test_a_mail_server_that_fails_is_asked_again_and_the_link_is_in_no_journal(acme, monkeypatch):
    from django.core.mail.backends.locmem import EmailBackend

    real, failures = EmailBackend.send_messages, iter([ConnectionRefusedError("away")])

    def send(self, messages):
        for error in failures:
            raise error
        return real(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send)
    result = invite(acme)
    assert result.must_complete()["invited"]
    assert (User.objects.count(), len(mail.outbox)) == (1, 1)
    token = link().rstrip("/").rpartition("/")[2]
    assert token not in str(list(Run.objects.get(pk=result.run.pk).journal.values_list("output", flat=True)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": "ann"}, "email makes no sense"),
        ({"email": "ann@acme.example\nBcc: x@y.example"}, "email makes no sense"),
        ({"role": "owner"}, "role makes no sense (it is 'owner')"),
        ({"client_id": 99}, "There is no client 99"),
    ],
)
def test_an_invitation_that_makes_no_sense_fails_in_words(acme, changes, words):
    assert words in invite(acme, **changes).error["message"]
    assert User.objects.count() == 0
