"""The phrases of objections, and those in which another vendor is named."""

import re

from transcripts.parsers.cues import phrases

OBJECTION = phrases(
    r"concern(?:s|ed)?\b(?! is addressed)",
    r"worr(?:y|ied|ies)\b",
    r"not (?:so |too |entirely |really )?(?:sure|convinced|comfortable)\b",
    r"hesitant\b",
    r"reluctant\b",
    r"push ?back\b",
    r"too (?:expensive|pricey|costly|complex|complicated|risky|high|much (?:money|work|effort))\b",
    r"deal[- ]?breaker\b",
    r"show[- ]?stopper\b",
    r"(?:budget|hiring|spending) freeze\b",
    r"(?:no|not|out of|don't have(?: the| a)?) budget\b",
    r"(?:need|want) (?:that|this|it) in writing\b",
    r"claw ?back\b",
    r"won't (?:work|fly|pass)\b",
    r"(?:legal|security|privacy|compliance|procurement|finance|it)(?: team)? (?:may|might|will|would"
    r"|won't) (?:want|need|object|insist|ask|push|not)\b",
    r"already (?:have|use|pay)\b",
    r"happy with (?:our|what) ",
    r"(?:price|pricing|cost|quote|number)s?\b[^.?!;]{0,40}\b(?:problem|issue|high|steep|concern|hurdle|sticking point"
    r"|shock|surprise|showstopper|killer|tough|out of reach)\b",
    r"sticker shock\b",
    r"(?:above|over|beyond|outside|exceeds?|out of) (?:what we|our|my) (?:\w+ )?(?:planned|expected|budget(?:ed)?|range"
    r"|limit|had|have|reach|can)\b",
    r"more (?:money )?than (?:we|i) (?:can|could|planned|budgeted|wanted|expected|had|have|pay)\b",
    r"(?:can't|cannot|couldn't|can not|hard to|difficult to|unable to) (?:justify|afford|swallow|defend|stomach)\b",
    r"(?:twice|double|triple|three times) (?:what|as much|our|the (?:price|budget))\b",
    r"(?:quoted|offered) (?:us|me) (?:\w+ ){0,3}(?:less|lower|cheaper|half)\b",
    r"(?<!you )(?:is|are|was|were|came in|looks?|seems?) (?:\w+ )?(?:cheaper|lower|expensive|pricey|steep)\b",
    r"(?:need|want|looking for|expect(?:ed|ing)?|asking for) (?:\w+ ){0,3}(?:discount|better price|lower price)\b",
    r"what (?:happens )?if (?:it|you|we|the) ",
    r"skeptical\b",
    r"locked in(?:to)?\b",
)

COMPETITOR = re.compile(
    r"\b(?i:competitive with|compared? (?:to|with)|versus|vs\.?|switch(?:ing|ed)? from|mov(?:e|ing"
    r"|ed) (?:away )?from|instead of|alternatives? to|evaluat(?:e|ing|ed)|looking at|talking to"
    r"|also considering|considering"
    r"|currently (?:use|using|on)|competitors? (?:like|such as|is|are)|better than|cheaper than"
    r"|quote from|offer from|proposal from|demo (?:with"
    r"|from))\s+([A-Z][\w.&-]*[\w](?:\s[A-Z][\w&-]+){0,2})"
)
_ANY_VENDOR = r"([A-Z][\w&-]{0,30}\w(?:\s[A-Z][\w&-]{1,30})?)"
# A rival without a phrase of comparison: by what it asks, offers or is, in anybody's mouth.
RIVAL = re.compile(
    rf"\b{_ANY_VENDOR}\s(?i:(?:has |have |just |also |even |already )?(?:quoted|undercuts?|offered us|came in|pitched"
    r"|is (?:\w+ )?(?:cheaper|less expensive|half)|gave us|costs? (?:us )?(?:less|half)|would cost|charges?"
    r"|wants? only))\b"
    r"|\b(?i:(?:we|i|you|can|can['\u2019]t|cannot|to) (?:match|beat|undercut)|up against|going with|go with"
    r"|leaning towards?|shortlisted|lose to|lost to|price of|deal with|offer of|pilot with|trial with|between you and"
    rf"|also have|also use|also like)\s{_ANY_VENDOR}"
)
NAMED = re.compile(r"(?<![\w.])[A-Z][\w&-]{0,20}[a-z][\w&-]{0,20}")
# What the customer says of its own vendors, past and present. The name must end there: not `at Salesforce reports`.
_VENDOR_NAME = (
    r"([A-Z][\w.&-]*\w(?:\s[A-Z][\w&-]+){0,2})(?=[,.;:!?)]|$|\s(?:and|or|but|last|this|in|as|for|because|which|who|that"
    r"|before|ago|too|also|first|when|then|a|two|three|is|are|was|were|ends|expires|runs|recently|already|earlier)\b)"
)
OWN_VENDOR = re.compile(
    r"\b(?i:(?:current|existing|present|previous|former|old|incumbent) (?:vendor|provider|supplier|contract with)"
    rf"(?:,| is| was|:)?)\s{_VENDOR_NAME}"
    r"|\b(?:(?i:we|i)|[Ww]e['\u2019]ve|[Ww]e have)\s(?:(?:also|already|briefly)\s)?(?i:looked at|evaluated|tested"
    rf"|trial?led|piloted|shortlisted|considered)\s{_VENDOR_NAME}"
    rf"|\b(?i:(?:contract|licen[cs]e|agreement|subscription) with)\s{_VENDOR_NAME}(?=\s(?:ends|expires|runs|is up)\b)"
)
NO_COMPETITOR = re.compile(
    r"^(?:Competitor|A|An|If|In|And|So|But|Yes|No|They|He|She|My|Legal|Finance|Procurement|Sales|Marketing|HR|The|This|That|Our|Your|You|We|It|IT|Q[1-4]|Monday|Tuesday|Wednesday|Thursday"
    r"|Friday|January|July|June|AI|CRM|US|EU|UK|I|Europe|India|London|Germany|France"
    r"|Spain|Italy|Ireland|America|Asia|(?:Febru|Octo|Novem|Decem|Septem)\w+|March|April|May|August|Saturday|Sunday)\b"
)
