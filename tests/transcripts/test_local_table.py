"""Sentences as people say them in calls, each with what a person would mark; recall and precision are reported.

The words are ours, their faults are those of real calls: no cue phrase, a date in passing, a recap that sounds like a
promise. A sentence that is not marked for an area counts against its precision.
"""

import pytest

from transcripts.parsers.local import LocalParser

OBJECTION, STEP, RIVAL = "objections", "next_steps", "competition_mentions"
# Who says it (B the customer, S the seller), the sentence, and its areas.
SENTENCES = [
    ("B", "Honestly the price is a problem for us.", {OBJECTION}),
    ("B", "It's way above what we planned for this year.", {OBJECTION}),
    ("B", "That is more than we can spend on a single tool.", {OBJECTION}),
    ("B", "I can't justify that number to my board.", {OBJECTION}),
    ("B", "We got a bit of sticker shock when we saw the quote.", {OBJECTION}),
    ("B", "Your quote is twice what we pay today.", {OBJECTION}),
    ("B", "The cost per seat looks steep.", {OBJECTION}),
    ("B", "We would need a discount to make this work.", {OBJECTION}),
    ("B", "It's outside our range, I'm afraid.", {OBJECTION}),
    ("B", "Legal might push back on the data clause.", {OBJECTION}),
    ("B", "I'm worried about the migration.", {OBJECTION}),
    ("B", "We don't have budget until April.", {OBJECTION}),
    ("B", "The price list is on our shared drive.", set()),
    ("B", "Pricing is fair and the team likes it.", set()),
    ("B", "Our prices go up once a year.", set()),
    ("B", "It is above the door, on the left.", set()),
    ("S", "Many teams find the price is a problem at first.", set()),
    ("S", "We'll shoot docs over by 16:00 IST.", {STEP}),
    ("S", "I'll ping you Monday at 10 am.", {STEP}),
    ("B", "I'll take it to our CFO on Thursday.", {STEP}),
    ("B", "We'll come back to you by Friday with a yes or no.", {STEP}),
    ("S", "You'll have the revised quote by Tuesday.", {STEP}),
    ("S", "Maya will share the security sheet tomorrow.", {STEP}),
    ("S", "I can send the contract on Wednesday.", {STEP}),
    ("S", "Let's talk again next Tuesday at 3 pm.", {STEP}),
    ("S", "I'll drop the recording in your inbox this afternoon.", {STEP}),
    ("B", "I will loop in our IT lead before Monday.", {STEP}),
    ("S", "Please send us the list of sites.", {STEP}),
    ("S", "We'll set up the trial account within two days.", {STEP}),
    ("B", "Can you send me the reference list?", {STEP}),
    ("S", "I'll follow up with the order form.", {STEP}),
    ("S", "Last week we discussed the plan for Friday.", set()),
    ("S", "To recap, we looked at three plans on Monday and you liked the second.", set()),
    ("S", "Quick recap: we talked about pricing and you mentioned the audit in March.", set()),
    ("S", "As I said, the release came out on 3 May.", set()),
    ("B", "I'll be on holiday until Monday.", set()),
    ("B", "We'll see how it goes in March.", set()),
    ("B", "We went live on Tuesday and nobody noticed.", set()),
    ("B", "I'll never forget that Friday.", set()),
    ("B", "Our warehouse opens at 6 am on Monday.", set()),
    ("B", "And Zendrift quoted us less.", {OBJECTION, RIVAL}),
    ("B", "Freshmint came in even lower.", {OBJECTION, RIVAL}),
    ("S", "We can't match Zendrift on list price.", {RIVAL}),
    ("B", "We are up against Freshmint in two regions.", {RIVAL}),
    ("B", "We're leaning towards Zendrift at the moment.", {RIVAL}),
    ("B", "Compared to Freshmint your reports are better.", {RIVAL}),
    ("B", "We switched from Zendrift last spring.", {RIVAL}),
    ("B", "My team knows the tool well.", set()),
    ("B", "I spoke with Paula about Berlin.", set()),
    ("S", "Berlin is our second office.", set()),
    ("B", "The train to Munich came in late.", set()),
]


@pytest.fixture(scope="module")
def marked():
    """What the parser marks in each sentence, in a call about two rivals who are named before and after it."""
    found = []
    for side, sentence, _ in SENTENCES:
        who = "AE (Sam)" if side == "S" else "Prospect (Priya)"
        other = "Prospect (Priya)" if side == "S" else "AE (Sam)"
        call = (
            f"{other}: Good morning.\n{who}: {sentence}\n{other}: I see.\n"
            "Prospect (Priya): Zendrift. Freshmint. Maya.\nAE (Sam): Zendrift. Freshmint. Fine.\n"
        )
        insights = LocalParser().parse(call).insights.to_json()
        areas = {area for area in (OBJECTION, STEP) if any(sentence in entry for entry in insights[area])}
        rival = any(sentence in mention["context"] for mention in insights[RIVAL])
        found.append(areas | ({RIVAL} if rival else set()))
    return found


@pytest.mark.parametrize("area", [OBJECTION, STEP, RIVAL])
def test_the_local_parser_marks_what_a_person_would(marked, area, record_property):
    wanted = [area in areas for _, _, areas in SENTENCES]
    got = [area in areas for areas in marked]
    both = sum(1 for one, other in zip(wanted, got, strict=True) if one and other)
    recall, precision = both / sum(wanted), both / max(1, sum(got))
    record_property("figures", f"local parser, {area}: recall {recall:.2f}, precision {precision:.2f}")
    wrong = [s for (_, s, areas), has in zip(SENTENCES, marked, strict=True) if (area in areas) != (area in has)]
    assert recall >= 0.9, wrong
    assert precision >= 0.9, wrong


CALL = """\
AE (Sam): Hi Priya. With me is Maya, our pricing strategist, and Tom, our deal wizard.
Maya: Hello, the list price includes support.
Tom: Hello.
Prospect (Priya – Head of Operations): The price is a problem. Nothing over ₹28 22 400.
Prospect (Priya – Head of Operations): Zendrift quoted us less, and Freshmint is cheaper too.
{}
AE (Sam): We'll shoot docs over by 16:00 IST.
""".format("\n".join(["Prospect (Priya – Head of Operations): Zendrift has a scanner and Freshmint has one."] * 6))


@pytest.fixture(scope="module")
def insights():
    return LocalParser().parse(CALL).insights


def test_whom_a_seller_calls_ours_is_no_buyer_and_has_a_role_and_no_organization_of_that_name(insights):
    people = {person.name: (person.organization, person.role) for person in insights.people}
    assert people["Maya"] == ("Unknown", "Pricing strategist")
    assert people["Tom"] == ("Unknown", "Deal wizard")
    assert insights.decision_process.stakeholders == ["Priya (Head of Operations)"]


@pytest.mark.parametrize(
    "label", ["Maya (Pricing Strategist)", "Maya – Pricing Strategist", "Maya, Pricing Strategist"]
)
def test_a_role_in_a_label_is_no_organization(label):
    call = f"AE (Sam): Hello.\n{label}: Good morning, all of you.\nProspect (Priya): Hello.\n{label}: Shall we begin?\n"
    people = {person.name: (person.organization, person.role) for person in LocalParser().parse(call).insights.people}
    assert people["Maya"] == ("Unknown", "Pricing Strategist")


def test_two_rivals_named_again_and_again_are_competition(insights):
    assert {mention.competitor for mention in insights.competition_mentions} == {"Zendrift", "Freshmint"}


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("₹28 22 400 is our limit", "₹28 22 400"),
        ("₹28,22,400 is our limit", "₹28,22,400"),
        ("it costs Rs. 12 lakh a year", "Rs. 12 lakh"),
        ("about ₹3 crore in all", "₹3 crore"),
        ("€1 250 000 for all sites", "€1 250 000"),
        ("$50 for 20 seats", "$50"),
        ("$1,200 per seat", "$1,200"),
        ("£40k a year", "£40k"),
    ],
)
def test_an_amount_is_read_whole(said, amount):
    assert f'"{amount}"' in LocalParser().parse(f"AE (Sam): Hello.\nProspect (Priya): I think {said}.\n").raw
