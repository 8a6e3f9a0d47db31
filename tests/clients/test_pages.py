"""The pages of clients: what they show, what can be pressed on them, and by whom."""

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from clients.models import AIStatus, Client, ClientUser, Competitor, ContentBrief, Query
from jobs import testing
from jobs.models import Run
from tests.clients.conftest import signed_in
from tests.standins import openai as standin

pytestmark = pytest.mark.django_db

GET_PAGES = ("", "{pk}/", "{pk}/state/", "briefs/{brief}/", "briefs/{brief}/state/")
FORMS = ("add/", "{pk}/edit/")
POSTS = (
    *("{pk}/enhance/", "{pk}/clear/", "{pk}/competitors/", "{pk}/competitors/{rival}/remove/", "{pk}/queries/"),
    *(
        "{pk}/briefs/",
        "briefs/{brief}/retry/",
        "{pk}/users/",
        "{pk}/users/{member}/again/",
        "{pk}/users/{member}/remove/",
    ),
)


@pytest.fixture
def address(acme):
    """Fill the numbers of what exists into an address."""
    rival = Competitor.objects.create(client=acme, name="Rival", domain="rival.example")
    brief = ContentBrief.objects.create(client=acme, title="A brief")
    member = ClientUser.objects.create(client=acme, user=User.objects.create_user("m", "m@acme.example"), role="viewer")
    numbers = {"pk": acme.pk, "rival": rival.pk, "brief": brief.pk, "member": member.pk}
    return lambda path: "/clients/" + path.format(**numbers)


def page(browser, client, path=""):
    return browser.get(client.get_absolute_url() + path).content.decode()


def said(browser, response):
    """What the page says after a press."""
    return browser.get(response.url).content.decode()


@pytest.mark.parametrize("path", [*GET_PAGES, *FORMS, *POSTS])
def test_nobody_gets_in_without_a_login_and_a_stranger_gets_403(address, stranger, path):
    ask = "post" if path in POSTS else "get"
    answer = getattr(Browser(), ask)(address(path))
    assert (answer.status_code, answer.url) == (302, f"/login/?next={address(path)}")
    assert getattr(stranger, ask)(address(path)).status_code == 403


@pytest.mark.parametrize("path", POSTS)
def test_verbs_are_post_only_and_not_for_readers(address, manager, reader, path):
    assert manager.get(address(path)).status_code == 405
    assert reader.post(address(path)).status_code == 403


@pytest.mark.parametrize("path", GET_PAGES)
def test_reading_pages_take_no_post(address, manager, path):
    assert manager.post(address(path)).status_code == 405


def test_a_press_without_the_forms_token_is_refused(acme):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("boss"))
    assert browser.post(f"/clients/{acme.pk}/enhance/").status_code == 403


def test_an_event_ends_as_values_on_the_page(provider, acme, manager):
    assert manager.post(f"/clients/{acme.pk}/enhance/").status_code == 302
    assert "Enhancing" in page(manager, acme)
    testing.drain()
    shown = page(manager, acme)
    for words in ("Manufacturing", "Euro pallets", "Pallet Kings", "Enhanced", "(1 time)", "300 in, 200 out"):
        assert words in shown
    assert shown.count('title="Filled by AI"') == 14


def test_a_second_press_is_refused_in_words(provider, acme, manager):
    manager.post(f"/clients/{acme.pk}/enhance/")
    assert "is being enhanced right now" in said(manager, manager.post(f"/clients/{acme.pk}/enhance/"))
    assert Run.objects.count() == 1


def test_without_a_key_the_button_is_disabled_and_says_why(acme, manager):
    shown = page(manager, acme)
    assert 'disabled aria-describedby="why-not">Enhance with AI' in shown
    assert "There is no key for the model: set OPENAI_API_KEY" in shown
    assert "Until then nothing can be enhanced" in manager.get("/clients/").content.decode()


def test_a_reader_sees_everything_and_no_button(provider, acme, reader):
    shown = page(reader, acme)
    for words in ("Enhance with AI", "Edit", "Generate queries", "Write a brief", "Invite somebody", "Add competitor"):
        assert f">{words}<" not in shown


def test_the_live_state_shows_steps_and_then_reloads_the_page(provider, acme, manager):
    manager.post(f"/clients/{acme.pk}/enhance/")
    state = manager.get(f"/clients/{acme.pk}/state/")
    assert 'hx-trigger="every 2s"' in state.content.decode()
    testing.drain()
    ended = manager.get(f"/clients/{acme.pk}/state/")
    assert (ended.status_code, ended["HX-Refresh"]) == (286, "true")


def test_a_failure_is_said_in_one_sentence_and_the_button_goes_on(provider, acme, manager):
    provider.script(standin.failed(401, "no", "invalid_api_key"))
    manager.post(f"/clients/{acme.pk}/enhance/")
    testing.drain()
    assert "does not accept the key; check OPENAI_API_KEY." in page(manager, acme)
    provider.script(standin.said(standin.enrichment()))
    manager.post(f"/clients/{acme.pk}/enhance/")
    testing.drain()
    assert "Manufacturing" in page(manager, acme)


def test_an_edit_makes_the_field_the_persons_and_leaves_the_others(provider, acme, manager, fresh):
    manager.post(f"/clients/{acme.pk}/enhance/")
    testing.drain()
    form = manager.get(f"/clients/{acme.pk}/edit/").context["form"]
    values = {name: form[name].value() or "" for name in form.fields}
    values["key_products"] = "Boxes\nBoxes\nCrates"
    assert manager.post(f"/clients/{acme.pk}/edit/", values).status_code == 302
    client = fresh(acme)
    assert (client.key_products, client.filled_by["key_products"]) == (["Boxes", "Crates"], "person")
    assert len(client.by_model) == 13
    manager.post(f"/clients/{acme.pk}/enhance/")
    testing.drain()
    assert fresh(acme).key_products == ["Boxes", "Crates"]


def test_an_edit_does_not_undo_what_a_run_writes_meanwhile(acme, manager, fresh):
    values = {"name": "Acme Pallets", "domain": "acme.example", "keywords": "pallets", "sub_industry": "Mine"}
    # The person's form was made before the model answered; it says nothing of what it was never told.
    client = fresh(acme)
    client.fill({"brand_voice": ["Plain"]})
    client.save()
    form_of_before = {**values, "brand_voice": "Plain"}
    manager.post(f"/clients/{acme.pk}/edit/", form_of_before)
    assert (fresh(acme).brand_voice, fresh(acme).filled_by) == (
        ["Plain"],
        {"brand_voice": "model", "sub_industry": "person"},
    )


def test_a_website_that_is_none_or_anothers_is_refused_in_words(acme, manager):
    Client.objects.create(name="Berg", domain="berg.example")
    for domain, words in (
        ("nowhere", "is no domain"),
        ("www.BERG.example", "“Berg” has the website berg.example already"),
    ):
        answer = manager.post("/clients/add/", {"name": "New", "domain": domain})
        assert answer.status_code == 400
        assert words in answer.content.decode()
    assert manager.post("/clients/add/", {"name": "Acme Pallets"}).status_code == 400


def test_a_new_client_is_a_persons(manager):
    values = {"name": "New", "domain": "https://www.New.example/shop", "keywords": "a, b", "brand_voice": "Loud"}
    manager.post("/clients/add/", values)
    client = Client.objects.get()
    assert (client.domain, client.keywords, client.filled_by) == ("new.example", ["a", "b"], {"brand_voice": "person"})


def test_clearing_takes_back_what_a_model_filled_and_nothing_else(provider, acme, manager, fresh):
    acme.enter({"business_model": "Rental"})
    acme.save()
    Competitor.objects.create(client=acme, name="Ours", domain="ours.example")
    manager.post(f"/clients/{acme.pk}/enhance/")
    testing.drain()
    assert "15 values of AI cleared" in said(manager, manager.post(f"/clients/{acme.pk}/clear/"))
    client = fresh(acme)
    assert (client.business_model, client.industry_primary, client.key_products) == ("Rental", "", [])
    assert client.filled_by == {"business_model": "person"}
    assert (client.ai_status, client.ai_enhanced_at, client.ai_enhancement_count) == (AIStatus.PENDING, None, 1)
    assert client.competitors.get().name == "Ours"


def test_nothing_is_cleared_while_a_run_is_at_work(provider, acme, manager):
    manager.post(f"/clients/{acme.pk}/enhance/")
    assert "clear it once that has ended" in said(manager, manager.post(f"/clients/{acme.pk}/clear/"))


def test_competitors_are_added_taken_over_and_removed(provider, acme, manager):
    manager.post(f"/clients/{acme.pk}/enhance/")
    testing.drain()
    path = f"/clients/{acme.pk}/competitors/"
    manager.post(path, {"name": "The Kings", "domain": "https://palletkings.example"})
    kings = Competitor.objects.get(domain="palletkings.example")
    assert (kings.name, kings.source) == ("The Kings", "MANUAL")
    assert "the client&#x27;s own website" in manager.post(path, {"domain": "acme.example"}).content.decode()
    assert "is no domain" in manager.post(path, {"domain": "x"}).content.decode()
    manager.post(f"{path}{kings.pk}/remove/")
    assert acme.competitors.count() == 1


def test_queries_are_started_and_shown_with_what_failed(provider, acme, manager):
    good = standin.said({"queries": [{"text": "Where to buy pallets?", "intent": "commercial"}]})
    provider.script(good, standin.said(None, refusal="No."))
    manager.post(f"/clients/{acme.pk}/queries/", {"keywords": "pallets\nbad", "count": 2, "intents": ["commercial"]})
    testing.drain()
    shown = page(manager, acme)
    for words in (
        "Where to buy pallets?",
        "Commercial",
        "these keywords brought nothing",
        "The model declined to answer: No.",
    ):
        assert words in shown
    assert Query.objects.count() == 1
    assert manager.post(f"/clients/{acme.pk}/queries/", {"keywords": ""}).status_code == 400


def test_a_brief_is_started_watched_and_retried(provider, acme, manager):
    provider.script(standin.said({"sections": [{"heading": "Why", "purpose": "x"}]}), standin.failed(401, "key"))
    answer = manager.post(f"/clients/{acme.pk}/briefs/", {"brief-title": "Pallets", "brief-platforms": "Blog, X"})
    brief = ContentBrief.objects.get()
    assert (answer.url, brief.platforms) == (brief.get_absolute_url(), ["Blog", "X"])
    assert "The sections are being planned." in manager.get(brief.get_absolute_url()).content.decode()
    testing.drain()
    assert "check OPENAI_API_KEY" in manager.get(brief.get_absolute_url()).content.decode()
    provider.script(standin.said({"summary": "Because.", "points": ["One"]}))
    assert "is being written again" in said(manager, manager.post(f"{brief.get_absolute_url()}retry/"))
    state = f"{brief.get_absolute_url()}state/"
    shown = manager.get(state).content.decode()
    assert "0 of 1 sections" in shown
    assert manager.get(f"{state}?v=WRITING0").status_code == 204
    testing.drain()
    assert manager.get(state).status_code == 286
    assert "Because." in manager.get(brief.get_absolute_url()).content.decode()
    assert "Pallets" in page(manager, acme)


def test_somebody_is_invited_again_and_removed(acme, manager, mailoutbox):
    fields = {"user-email": "ann@acme.example", "user-first_name": "Ann", "user-role": "viewer"}
    manager.post(f"/clients/{acme.pk}/users/", fields)
    testing.drain()
    member = ClientUser.objects.get()
    assert "ann@acme.example" in page(manager, acme)
    manager.post(f"/clients/{acme.pk}/users/{member.pk}/again/")
    testing.drain()
    assert len(mailoutbox) == 2
    manager.post(f"/clients/{acme.pk}/users/{member.pk}/remove/")
    assert not ClientUser.objects.exists()
    assert manager.post(f"/clients/{acme.pk}/users/", {"user-email": "x"}).status_code == 400


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_a_clients_own_people_see_their_client_and_no_other(acme, role):
    other = Client.objects.create(name="Berg")
    browser = signed_in("ann")
    ClientUser.objects.create(client=acme, user=User.objects.get(username="ann"), role=role)
    assert browser.get("/", follow=True).redirect_chain[-1][0] == "/clients/"
    listed = browser.get("/clients/").content.decode()
    assert "Acme Pallets" in listed
    assert "Berg" not in listed
    assert browser.get(other.get_absolute_url()).status_code == 403
    assert browser.get(f"/clients/{acme.pk}/edit/").status_code == (200 if role == "editor" else 403)
    assert browser.post(f"/clients/{acme.pk}/enhance/").status_code == 403
    assert (">Edit<" in page(browser, acme)) == (role == "editor")


def test_the_list_is_searched_sorted_and_told_apart_by_status(manager):
    for number, (name, status) in enumerate([("Acme", "PENDING"), ("Berg", "FAILED"), ("Carl", "COMPLETED")]):
        Client.objects.create(name=name, domain=f"{name.lower()}.example", ai_status=status, keywords=[f"word{number}"])
    for query, found in (("", 3), ("q=berg", 1), ("q=word2", 1), ("status=FAILED", 1), ("q=acme&status=FAILED", 0)):
        shown = manager.get(f"/clients/?{query}").content.decode()
        assert shown.count('<th scope="row">') == found, query
    assert "No client matches." in manager.get("/clients/?q=zzz").content.decode()
    assert manager.get("/clients/?sort=stale&status=nonsense&page=x").status_code == 200


def test_a_poll_of_an_unchanged_list_is_204_and_costs_few_queries(acme, manager, django_assert_max_num_queries):
    first = manager.get("/clients/", headers={"HX-Request": "true"}).content.decode()
    version = first.split("v=")[1].split('"')[0]
    with django_assert_max_num_queries(6):
        assert manager.get(f"/clients/?v={version}", headers={"HX-Request": "true"}).status_code == 204


def test_an_empty_list_says_what_to_do(manager, reader):
    assert "Add one with its website" in manager.get("/clients/").content.decode()
    assert 'href="/clients/add/"' not in reader.get("/clients/").content.decode()


def test_what_people_write_is_shown_as_text(acme, manager):
    Client.objects.filter(pk=acme.pk).update(name="<script>alert(1)</script>", brand_voice=["<b>x</b>"])
    shown = page(manager, acme)
    assert "<script>alert(1)" not in shown
    assert "<b>x</b>" not in shown


def test_the_admin_enhances_chosen_clients_and_says_which_were_left(provider, acme, operator):
    Client.objects.create(name="Berg")
    chosen = list(Client.objects.values_list("pk", flat=True))
    operator.post(f"/clients/{acme.pk}/enhance/")
    data = {"action": "enhance_with_ai", "_selected_action": chosen}
    shown = operator.post("/admin/clients/client/", data, follow=True).content.decode()
    assert "1 client is being enhanced." in shown
    assert "“Acme Pallets” is being enhanced right now" in shown


def test_the_admins_form_marks_what_was_changed_as_the_persons(provider, acme, operator, fresh):
    operator.post(f"/clients/{acme.pk}/enhance/")
    testing.drain()
    rivals = list(acme.competitors.order_by("pk"))
    path = f"/admin/clients/client/{acme.pk}/change/"
    form = operator.get(path).context["adminform"].form
    values = {name: form[name].value() or "" for name in form.fields} | {"sub_industry": "Boxes"}
    values["keywords"] = "pallets"
    for name in form.fields:
        if isinstance(values[name], list):
            values[name] = "\n".join(values[name])
    sets = {"competitors-TOTAL_FORMS": 3, "competitors-INITIAL_FORMS": 2}
    for number, rival in enumerate([*rivals, None]):
        pre = f"competitors-{number}-"
        known = (
            {"id": rival.pk, "name": rival.name, "domain": rival.domain}
            if rival
            else {"name": "N", "domain": "n.example"}
        )
        sets |= {pre + "client": acme.pk, **{pre + key: value for key, value in known.items()}}
    sets["competitors-0-name"] = "Renamed"
    answer = operator.post(path, values | sets)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    client = fresh(acme)
    assert (client.sub_industry, client.filled_by["sub_industry"], len(client.by_model)) == ("Boxes", "person", 13)
    found = set(client.competitors.values_list("name", "source"))
    assert found == {("Renamed", "MANUAL"), (rivals[1].name, "AI"), ("N", "MANUAL")}


def test_the_admin_shows_what_a_model_filled_when_and_how_often(provider, acme, operator):
    operator.post(f"/clients/{acme.pk}/enhance/")
    testing.drain()
    shown = operator.get(f"/admin/clients/client/{acme.pk}/change/").content.decode()
    assert shown.count('title="Filled by AI"') == 14
    for words in ("(1 time)", "Clear AI data", "Enhance with AI", "Pallet Kings", "call-openai"):
        assert words in shown


@pytest.mark.parametrize("path", ["client", "query", "contentbrief", "clientuser", "client/add"])
def test_every_admin_page_opens(acme, operator, path):
    assert operator.get(f"/admin/clients/{path}/").status_code == 200
