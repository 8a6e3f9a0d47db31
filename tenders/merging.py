"""A newer release meets what look-ups had filled in: the release's own words win, the rest is kept."""

import json
from collections.abc import Container
from typing import Any

from tenders.models.tender import ENRICHED, Tender
from tenders.ocds import quality
from tenders.ocds.notice import Notice

EMPTY: tuple[Any, ...] = (None, "", [], {})


def merged(notice: Notice, filled: Container[str]) -> dict[str, Any]:
    """Return the columns of a tender: the notice's, and where it has none, what look-ups filled in before.

    filled: the ocids of tenders that have such fields; for all others the database is not asked.
    """
    fields, filled_by = dict(notice.fields), {}
    if notice.ocid in filled:
        known = Tender.objects.values("filled_by", *ENRICHED).get(ocid=notice.ocid)
        for name, by in known["filled_by"].items():
            if fields.get(name) in EMPTY and known.get(name) not in EMPTY:
                fields[name], filled_by[name] = known[name], by
    fields["data_quality_score"] = quality.score(fields)
    fields["documents"], fields["awards"] = json.dumps(fields["documents"]), json.dumps(fields["awards"])
    fields["filled_by"] = json.dumps(filled_by)
    return fields
