"""The phrases of promises, requests and appointments, and of what is only told again."""

import re

from transcripts.parsers.cues import phrases

_DOING = (
    r"(?:send|share (?!(?:my |the |your )?screen)|schedule|set up|follow up|provide|prepare|draft"
    r"|update|post\b|reach out|call (?!(?:you|them) back|it\b|that\b)|line up|get back|check (?:with"
    r"|on|in)"
    r"|make (?:an |the )?intro|introduce you|resend|attach|loop in|book|circle back|coordinate|review"
    r"|forward|e-?mail|invite|confirm|arrange|organi[sz]e|talk to|speak (?:to|with)|sign\b|handle"
    r"|green-?light"
    r"|aim for|bring in|need feedback|put together|get you|pull together|connect you|run (?:it"
    r"|this) by|finali[sz]e|submit)"
)
NEXT_STEP = phrases(
    rf"(?:i'll|we'll|i will|we will|i'm going to|we're going to|i am going to|we are going to"
    rf"|i'm gonna)\s+(?:also |then |just |quickly )?{_DOING}",
    rf"(?:can|could|would|will) you (?:please |also )?{_DOING}",
    rf"please {_DOING}",
    r"let's (?:schedule|book|set up|meet|reconvene|sync|regroup)\b",
    r"to follow\b\.?$",
    r"i should have \w+ .{0,40}\bby\b",
    r"next (?:sync|meeting|call|session|checkpoint) (?:is |on |will )?",
    r"by (?:eod|cob|end of (?:day|week)|tomorrow|(?:mon|tues|wednes|thurs|fri)day)\b",
)
IMPERATIVE = re.compile(
    rf"(?:^|[.;:]\s+|\u2014)(?:please |will )(?:re)?{_DOING}|^(?:send (?:over|us|me|it)|share the"
    rf"|schedule (?:a|the))\b",
    re.IGNORECASE,
)
# Whoever promises names the day or the hour; what a person will merely see or be is no promise.
PROMISE = phrases(
    r"(?:i'll|we'll|i will|we will|i'm going to|we're going to|you'll (?:get|have|receive|hear))\b"
    r"(?! (?:be|see|think|know|try|wait|need|love|say|have to|never|not|talk about|experience|hear|learn|look at)\b)",
    rf"(?:i|we) can {_DOING}",
    r"let's (?:talk|speak|do|meet|get|have|plan|try|pick|regroup|catch|close|aim)\b",
)
# Somebody else does it: `Maya will share the quote tomorrow`.
FOR_ANOTHER = re.compile(rf"\b(?:[A-Z][a-z'\u2019-]+|[Ss]he|[Hh]e|[Tt]hey) (?:will|is going to) (?:also )?{_DOING}")
CLOCK = phrases(
    r"(?:by|before|at|until|around) (?:noon|midnight|lunch|\d{1,2}(?::\d{2})?\s?(?:am|pm|o'clock|hours|hrs)\b"
    r"|\d{1,2}:\d{2}\b)",
    r"(?:later today|tonight|this (?:morning|afternoon|evening))\b",
    r"within (?:an hour|the hour|(?:two|three|\d{1,3}) (?:minutes|hours|days))\b",
)
# What was, and is only told again.
LOOKING_BACK = phrases(
    r"(?:last|previous|first) (?:time|week|month|call|meeting|session|quarter)\b",
    r"as (?:i|we|you) (?:said|mentioned|discussed|agreed|talked)\b",
    r"(?:earlier|previously|back then|ago|yesterday)\b",
    r"(?:you|we|i|they|he|she) (?:also )?(?:said|mentioned|told|asked|talked|discussed|looked|covered|went|spoke"
    r"|reviewed|sent|shared|received|got|walked|saw|agreed that)\b",
)
