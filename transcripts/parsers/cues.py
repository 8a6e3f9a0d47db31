"""The phrases by which the local parser knows what a sentence is about. English only; a gap is better than a guess."""

import re
from collections.abc import Iterator


class Phrases:
    """A pattern without regard to capitals. Small letters are searched first: three times as quick as the flag."""

    def __init__(self, pattern: str, *, hint: str = "") -> None:
        self._hint = re.compile(hint)
        self._small = re.compile(pattern)
        self._exact = re.compile(pattern, re.IGNORECASE)

    def search(self, text: str) -> re.Match[str] | None:
        """The first match in the text as it stands."""
        return self._exact.search(text) if self._is_in(text.lower()) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """All matches in the text as it stands."""
        return self._exact.finditer(text) if self._is_in(text.lower()) else iter(())

    def _is_in(self, small: str) -> bool:
        return self._hint.search(small) is not None and self._small.search(small) is not None


def phrases(*wanted: str) -> Phrases:
    """Any of these, at the beginning of a word."""
    # Typed and typographic apostrophes are one; PDF exports without the right font print a question mark.
    joined = "|".join(wanted).replace("'", "['\u2019?]")
    return Phrases(rf"\b(?:{joined})")


FIRST_PERSON = phrases(r"(?:i|we|our|my|us|me|i'm|i've|we're|we've)\b")

_MONTH = (
    r"(?:january|february|march|april|june|july|august|september|october|november|december|may)\b(?!\.?\s+\d{1,2}\b)"
    r"(?!\.?\s+\d{1,2}(?:st|nd|rd|th))(?:\s+\d{4}\b)?"
)
_PART = r"(?:beginning|start|middle|end) of"
DATE = phrases(
    rf"(?:by|before|until|in|around|early|mid|late)[ -](?:{_MONTH}|(?:the )?(?:{_PART} {_MONTH}"
    r"|end of (?:the |this |next )?(?:week|month|quarter|year)|christmas|easter|summer))\b",
    rf"{_PART} {_MONTH}",
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\.?\s+\d{1,4}(?:st|nd|rd|th)?\b(?:,?\s+\d{4}\b)?",
    r"may\s+\d{1,2}(?:st|nd|rd|th)?\b",
    r"\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:january|february|march|april|may|june|july|august"
    r"|september|october|november|december)\b",
    r"\d{4}-\d{2}-\d{2}\b",
    r"(?:next |this |on |by )?(?:mon|tues|wednes|thurs|fri|satur|sun)day\b(?:\s+at\s+\d{1,2}(?::\d{2})?\s?(?:am|pm)?)?",
    r"tomorrow\b",
    r"(?:next|this|end of(?: the)?|by end of(?: the)?) (?:week|month|quarter|year|summer|fall|autumn|winter|spring)\b",
    r"(?:eod|cob|end of day)\b",
    r"q[1-4]\b(?:\s+\d{4}\b)?",
    r"in (?:the next )?(?:a|an|one|two|three|four|six|\d{1,3}) (?:days?|weeks?|months?|quarters?)\b",
    r"on the \d{1,2}(?:st|nd|rd|th)\b",
)

# Numbers are bounded in length, so that a page of digits cannot make the search slow.
_NUMBER = r"(?<![\d,.])\d[\d,.]{0,14}"
# Amounts in words are known by their round end; a list of all numerals would be slow.
_ROUND = r"(?:hundred|thousand|million) (?:dollars|euros|pounds)\b"
CURRENCY = re.compile(
    r"(?:[$\u20ac\u00a3\u20b9]|\b(?:USD|EUR|GBP|INR|ZAR)\s?)\d"
    + rf"|{_NUMBER}\s?(?:k|dollars|euros|pounds)\b"
    + rf"|{_ROUND}"
)
AMOUNT = Phrases(
    r"(?:[$\u20ac\u00a3\u20b9]|\b(?:usd|eur|gbp|inr|zar"
    # Groups of digits are parted by blanks as well, in India the first ones of two digits: 28 22 400.
    r"|rs\.?)\s?)\d[\d,.]{0,14}(?:(?:\s\d{2,3}){0,4}\s\d{3}\b)?(?:\s?(?:k|m|mn|bn|million|billion|lakhs?|crores?)\b)?"
    rf"|[~<>\u2264\u2265]?{_NUMBER}\s?(?:%|percent\b|k\b)"
    rf"|~?{_NUMBER}(?:\s\d{{3}})?\+?[- ](?:calls?|seats?|users?|reps?|hours?|hrs?|licen[cs]es?|leads?|deals|customers?"
    r"|employees|tickets|accounts|stores|sites|dollars|euros|pounds|invoices|orders|vendors?)\b(?:\s(?:a|per)\s\w+)?"
    rf"|(?<![a-z-])[a-z]+(?:-[a-z]+)?[- ]{_ROUND}",
    hint=r"\d|dollars|euros|pounds",
)

PAIN = phrases(
    r"drowning in\b",
    r"struggl(?:e|es|ed|ing) (?:with|to)\b",
    r"pain(?:s|ful| points?)?\b",
    r"frustrat(?:ed|ing|ion)\b",
    r"wast(?:e|es|ed|ing) \w+",
    r"haphazard\b",
    r"manually\b",
    r"by hand\b",
    r"no (?:good )?way to\b",
    r"(?:can't|cannot|unable to) (?:see|find|tell|get|track|trust|measure|keep up)\b",
    r"takes? (?:us |me |them )?(?:too long|forever|ages)\b",
    r"(?:too|so) (?:slow|many tools|much time)\b",
    r"(?:hard|difficult|impossible) (?:for us )?to\b",
    r"problems? (?:with|on)\b",
    r"issues? with\b",
    r"unhappy\b",
    r"bottleneck",
    r"error-prone\b",
    r"we(?:'re| are)? (?:keep )?los(?:e|ing)\b",
    r"fall(?:s|ing)? through\b",
    r"reps guess\b",
    r"spread ?sheets? (?:everywhere|all over)\b",
    r"half of (?:my|our) (?:day|week|time)\b",
    r"lack of\b",
    r"overwhelm(?:ed|ing)\b",
    r"headaches?\b",
    r"messy\b",
    r"a mess\b",
)
PAIN_LIST = phrases(
    r"pains? (?:points? )?(?:that )?(?:you|they|we)?\s?(?:flagged|mentioned|named|have|see|described)[^:]{0,30}:",
    r"(?:main|primary|top|biggest) (?:pains?|challenges|problems)[^:]{0,40}:",
)

GOAL = phrases(
    r"(?:our|my|the|main|primary) goals? (?:is|are|for)\b",
    r"(?:i|we|leadership|management|team) (?:really )?wants? (?:to (?!know|discuss|start|talk|say"
    r"|show|take|ask|mention|make sure|point|go|share|introduce|thank|be clear|rush)|an?\b|the\b"
    r"|[\"\u201c?])",
    r"(?:i'd|we'd|i would|we would) (?:like|love) (?:to\b|a\b|an\b)",
    r"(?:we're|i'm|we are|i am) (?:looking|hoping|trying|planning|aiming) (?:for\b|to (?!think|say"
    r"|figure|do this|get in))",
    r"we need (?!to\b|your\b|you\b|it\b|that\b|this\b)\w+",
    r"we need to (?:reduce|increase|improve|cut|grow|scale|get|have|see)\b",
    r"it would be (?:great|ideal) (?:if|to)\b",
    r"our (?:target|objective|aim) is\b",
)
NEGATED_WISH = phrases(r"(?:don't|do not|doesn't|never) want\b", r"exactly what we need\b")

WHY = phrases(
    r"that's why\b",
    r"so that we (?:can|could)\b",
    r"before (?:our|the|we) (?:renewal|audit|launch|busy|peak|fiscal|contract|season|year)",
    r"deadline\b",
    r"(?:contract|licen[cs]e|agreement|subscription)\b[^.?!;]{0,60}?\s(?:ends|expires|is up|is ending|runs out)\b",
    r"(?:need|have|must|want|plan|hope)s? (?:to )?(?:decide|choose|switch|move|go live|be live|migrate|sign)\b"
    r"[^.?!;]{0,40}\b(?:before|by)\b",
    r"renewal\b",
    r"(?:expand|expanding|growing|scaling|moving|migrating|merging) (?:in)?to\b",
    r"leadership (?:wants|asked|needs|expects)\b",
    r"(?:the )?board (?:wants|asked|expects)\b",
    r"(?:top|high|big) priority\b",
    r"(?:new )?(?:regulation|law|audit)s?\b.{0,40}\b(?:requires?|in force|comes?|by)\b",
    r"no longer (?:supported|works?|scales?)\b",
    r"can't wait\b",
    r"this (?:quarter|year) (?:because|or)\b",
    r"matters (?:because|to us|now)\b",
    r"if we don't\b",
)

RECAP = re.compile(
    r"\brecap\b[^.?!:\u2014]{0,40}(?::|\u2014|\?(?=\w))|\b(?:action items|next steps|open items"
    r"|to-?dos)\b[^.?!:\u2014]{0,40}:",
    re.IGNORECASE,
)
NUMBERED_STEP = re.compile(r"^step \d+\s*:\s*", re.IGNORECASE)
LIST_ITEM = re.compile(r"^(?:\(?\d{1,2}[.)]|[-\u2022])\s+")
INLINE_ITEM = re.compile(r"(?:^|(?<=[,;:]\s)|(?<=and\s)|(?<=:))\(?\d{1,2}[.)]\s+")

APPROVAL = phrases(
    r"sign(?:s|ed)?[- ]?off\b",
    r"(?:security|legal|it|privacy|procurement|compliance|vendor) (?:review|approval|assessment|questionnaire)\b",
    r"approv(?:al|e|es|ed)\b",
    r"purchase order\b",
    r"green[- ]light\b",
    r"pitch (?:to )?(?:leadership|the board|management)\b",
    r"check with (?:leadership|legal|finance|my boss|procurement)\b",
)
