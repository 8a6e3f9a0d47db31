"""The local parser finds what was said, names who said it, and leaves empty what it does not know."""

import json
import time
from pathlib import Path

import pytest

from transcripts import formats
from transcripts.insights import Person
from transcripts.parsers import current
from transcripts.parsers.local import LocalParser
from transcripts.people import Label, label_of

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "transcripts"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"the sample files are not beside the project: {SAMPLES}"
)

CALL = """\
Title: Renewal

Participants:
- Dana Reyes | role: Account Executive | organization: Our company
- Mo Haddad | role: Head of Support | organization: Northwind

[00:00] Dana Reyes: Hi Mo, quick agenda check: I'll recap our emails, then we'll map next steps.
[00:10] Dana Reyes: With me is Kim Ode, our Sales Engineer.
[00:20] Mo Haddad: Hello. We lose two hours a day because agents copy tickets by hand. It's frustrating!
[00:31] Mo Haddad: We want to cut response time by 30 % before our contract ends in March.
[00:45] Kim Ode: Each seat is $40 per month. What would stop you?
[00:52] Mo Haddad: I'm worried about the migration. Compared to Zenlike, you are cheaper, but their demo was great.
[01:05] Dana Reyes: Who else is involved, and when do you want to go live?
[01:09] Mo Haddad: March 3rd. Our procurement needs a security review first, and the budget is approved at $50k.
[01:20] Dana Reyes: I'll send the quote on Friday at 10:00. Kim, can you schedule the security review for next Tuesday?
[01:30] Mo Haddad: Perfect. I'll pitch it to the board, I'm convinced. This is exactly what we need.
"""


@pytest.fixture(scope="module")
def insights():
    return LocalParser().parse(CALL).insights


def test_pains_and_goals_are_the_customers_own_words(insights):
    assert insights.pain_points == ["We lose two hours a day because agents copy tickets by hand."]
    assert insights.goals == ["We want to cut response time by 30 % before our contract ends in March."]
    assert insights.why_and_why_now == ["We want to cut response time by 30 % before our contract ends in March."]


def test_next_steps_have_who_and_when_and_the_agenda_is_none(insights):
    assert insights.next_steps == [
        "Dana Reyes: I'll send the quote on Friday at 10:00.",
        "Dana Reyes: Kim, can you schedule the security review for next Tuesday?",
    ]


def test_people_come_from_the_list_the_speakers_and_introductions(insights):
    assert [(person.name, person.organization, person.role) for person in insights.people] == [
        ("Dana Reyes", "Unknown", "Account Executive"),
        ("Mo Haddad", "Northwind", "Head of Support"),
        ("Kim Ode", "Unknown", "Sales Engineer"),
    ]


def test_objections_competitors_and_quotes_name_their_speaker(insights):
    assert insights.objections == ["Mo Haddad: I'm worried about the migration."]
    (mention,) = insights.competition_mentions
    assert (mention.competitor, mention.sentiment) == ("Zenlike", "positive")
    assert mention.context.startswith("Mo Haddad: Compared to Zenlike")
    assert any(quote.endswith("\u201d \u2014 Mo Haddad") for quote in insights.key_quotes)


def test_the_decision_process_has_its_facts(insights):
    process = insights.decision_process
    assert process.timeline.endswith("go live? March 3rd.")
    assert process.stakeholders == ["Mo Haddad (Head of Support)", "procurement"]
    assert process.budget_context.endswith("the budget is approved at $50k.")
    assert any("security review" in step for step in process.approval_steps)
    assert "Each seat is $40 per month." in insights.quantifiable_metrics


def test_the_mood_of_a_call_that_moves_on(insights):
    assert insights.call_sentiment.momentum == "forward"
    assert insights.call_sentiment.overall in {"positive", "mixed"}


INTRODUCED = """\
[00:00] Ines Falk: Hello both. I'm Ines Falk, account executive at Copperline.
[00:08] Ben Achebe: I'm Ben Achebe, Head of Warehousing at Tall Pine Foods, and Rosa Marin from finance is with me.
[00:16] Rosa Marin: Hello, I'm Rosa Marin, CFO at Tall Pine Foods. I sign off anything above twenty thousand pounds.
[00:30] Ben Achebe: Our contract with StockPilot expires on 30 June, so we need to decide before the end of April.
[00:40] Rosa Marin: Our previous provider, Stackwell, was slow.
[00:44] Rosa Marin: We evaluated Blue Crate last spring and it was too expensive at £60,000 a year.
[00:55] Ines Falk: Understood. We looked at Tall Pine last week. Shall we meet again?
[01:03] Ben Achebe: Yes. Legal and our IT security team need to approve it, and I'll introduce you to our IT lead.
"""


@pytest.fixture(scope="module")
def introduced():
    return LocalParser().parse(INTRODUCED).insights


def test_people_who_introduce_themselves_have_role_and_organization(introduced):
    assert [(person.name, person.organization, person.role) for person in introduced.people] == [
        ("Ines Falk", "Copperline", "Account executive"),
        ("Ben Achebe", "Tall Pine Foods", "Head of Warehousing"),
        ("Rosa Marin", "Tall Pine Foods", "CFO"),
    ]


def test_the_customers_vendors_are_competitors_and_the_customer_is_none(introduced):
    mentions = [(mention.competitor, mention.sentiment) for mention in introduced.competition_mentions]
    assert mentions == [("StockPilot", "neutral"), ("Stackwell", "negative"), ("Blue Crate", "negative")]


def test_an_ending_contract_tells_why_now_and_when_is_decided(introduced):
    (reason,) = introduced.why_and_why_now
    assert reason.startswith("Our contract with StockPilot")
    assert introduced.decision_process.timeline == reason


def test_what_the_customer_may_sign_and_finds_too_much_is_budget(introduced):
    budget = introduced.decision_process.budget_context
    assert "above twenty thousand pounds" in budget
    assert "too expensive at £60,000 a year" in budget


def test_stakeholders_keep_the_whole_name_of_their_team(introduced):
    assert introduced.decision_process.stakeholders == [
        "Ben Achebe (Head of Warehousing)",
        "Rosa Marin (CFO)",
        "legal",
        "IT security team",
        "IT lead",
    ]


@pytest.mark.parametrize(
    ("said", "role", "organization"),
    [
        (
            "My name is Ana Ruiz and I'm the VP of Customer Success at Lark & Sons.",
            "VP of Customer Success",
            "Lark & Sons",
        ),
        ("This is Ana Ruiz from Larkfield.", "Unknown", "Larkfield"),
        ("Ana here, managing director of operations at Larkfield.", "Managing director of operations", "Larkfield"),
        ("I'm Ana, CEO of Larkfield.", "CEO", "Larkfield"),
        ("I'm head of procurement at Larkfield.", "Head of procurement", "Larkfield"),
        ("I'm Ana Ruiz, the sales director for Europe.", "Sales director", "Unknown"),
        ("I'm Ana, and our director told us to wait.", "Unknown", "Unknown"),
        ("I'm Ana from London, happy to meet the owner.", "Unknown", "Unknown"),
        ("This is Bo Lind, CFO at Larkfield.", "Unknown", "Unknown"),
    ],
)
def test_introductions_in_other_words(said, role, organization):
    people = (
        LocalParser().parse(f"[00:00] Ana Ruiz: {said}\n[00:09] Bo Lind: Hello, welcome to the call.").insights.people
    )
    assert (people[0].name, people[0].role, people[0].organization) == ("Ana Ruiz", role, organization)
    assert len(people) == 2


@pytest.mark.parametrize(
    "said",
    [
        "We looked at Salesforce reports and the March figures.",
        "Our current vendor, I think, is fine. We considered London as well.",
        "Revenue from sales is up, and everything from marketing is with me.",
        "We may decide in a moment who reads the contract, and how it works.",
    ],
)
def test_ordinary_sentences_name_no_competitor_person_or_date(said):
    found = LocalParser().parse(f"[00:00] Ana Ruiz: {said}\n[00:09] Bo Lind: Hello, welcome to the call.").insights
    assert (found.competition_mentions, found.why_and_why_now, found.decision_process.timeline) == ([], [], "")
    assert [person.name for person in found.people] == ["Ana Ruiz", "Bo Lind"]


def test_the_raw_answer_keeps_talk_share_questions_dates_and_amounts():
    parsed = LocalParser().parse(CALL)
    raw = json.loads(parsed.raw)
    assert (parsed.parsed_by, parsed.model) == ("local", None)
    assert next(iter(raw["talk_share"])) == "Mo Haddad"
    assert sum(raw["talk_share"].values()) == pytest.approx(1, abs=0.01)
    assert "Kim Ode: What would stop you?" in raw["questions"]
    assert {"March 3rd", "next Tuesday"} <= set(raw["dates"])
    assert {"$40", "30 %", "$50k"} <= set(raw["amounts"])


def test_roles_follow_words_first_and_titles_second():
    people = [
        Person(name="Mo Haddad", role="Head of Support"),
        Person(name="Kim Ode"),
        Person(name="Al", role="CFO"),
        Person(name="Bo"),
    ]
    roles = LocalParser().classify([*people, Person(name="Cy", role="Legal Counsel")], CALL)
    assert roles == ["champion", "unknown", "decision_maker", "unknown", "influencer"]


def test_the_same_text_gives_the_same_answer():
    assert LocalParser().parse(CALL).to_json() == LocalParser().parse(CALL).to_json()


@pytest.mark.parametrize(
    "text", ["", "\n", "Ann:", "no speakers at all", "1234 " * 100, "\u201c" * 200, "Speaker 1: hi\nSpeaker 2: ho"]
)
def test_a_text_that_tells_nothing_gives_empty_insights(text):
    found = LocalParser().parse(text).insights
    assert (found.pain_points, found.people, found.next_steps, found.competition_mentions) == ([], [], [], [])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("AE (Jordan)", Label("ae", "Jordan", "Account Executive")),
        ("Prospect (Priya \u2013 RevOps Director)", Label("prospect", "Priya", "RevOps Director")),
        ("CISO (Elena)", Label("ciso", "Elena", "CISO")),
        ("Luis (SE)", Label(None, "Luis", "Sales Engineer")),
        ("Ann Lee (CFO, Acme)", Label(None, "Ann Lee", "CFO", "Acme")),
        ("SE (reads on-screen)", Label("se", None, "Sales Engineer")),
        ("Audio plays", Label()),
        ("Speaker 2", Label()),
    ],
)
def test_speaker_labels_are_taken_apart(text, label):
    assert label_of(text) == label


def processor_seconds(text):
    began = time.process_time()
    LocalParser().parse(text)
    return time.process_time() - began


@pytest.mark.parametrize("text", ["1" * 250_000, "\n" * 250_000, "A: " * 80_000, "(" * 250_000, "Ann from " * 27_000])
def test_hostile_text_cannot_keep_the_parser_busy_for_minutes(text):
    assert processor_seconds(text) < 60


def test_without_a_key_the_local_parser_is_the_current_one(settings):
    settings.GEMINI_API_KEY = ""
    assert isinstance(current(), LocalParser)


@needs_samples
@pytest.mark.parametrize(
    "name", ["sales_call_demo.txt", "gong_paste_dev.txt", "teams_transcript_dev.docx", "transcript_dev.pdf"]
)
def test_the_demo_call_reads_well_in_every_format(name):
    found = LocalParser().parse(formats.read((SAMPLES / name).read_bytes(), name).text).insights
    assert {person.name: person.role for person in found.people} == {
        "Jordan": "Account Executive",
        "Priya": "RevOps Director",
        "Luis": "Sales Engineer",
    }
    assert found.pain_points[:3] == [
        "Slow onboarding of new AEs",
        "Lack of structured insight for coaching",
        "No way to surface buying signals automatically",
    ]
    assert [mention.competitor for mention in found.competition_mentions] == ["Brightcall"]
    assert "Target go-live date? July 1st, if IT signs off this month." in found.decision_process.timeline
    assert not any("Competitor" in str(value) for value in found.to_json().values())


@needs_samples
def test_the_call_about_objections_gives_its_recap_as_next_steps():
    found = LocalParser().parse((SAMPLES / "sales_call_objection.txt").read_text()).insights
    assert found.next_steps[:2] == [
        "Share SOC 2 report and pen-test summary (Elena)",
        "Provide DPA with India addendum (Elena)",
    ]
    assert any("(July 15) and Hindi diarization (Oct 30)" in step for step in found.next_steps)
    assert {person.name for person in found.people} == {"Jordan", "Arjun", "Sara", "Priya", "Elena", "Luis"}
    assert "June 30" in found.decision_process.timeline


@needs_samples
def test_a_lecture_is_not_mistaken_for_a_sale():
    name = "zoom_cloud_transcript_dev.vtt"
    found = LocalParser().parse(formats.read((SAMPLES / name).read_bytes(), name).text).insights
    assert (found.pain_points, found.goals, found.objections, found.next_steps, found.competition_mentions) == ([],) * 5
    assert len(found.people) == 5
