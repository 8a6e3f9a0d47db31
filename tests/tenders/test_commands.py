"""`tenders_import` on the command line: sums in words, and a file that is none leaves nothing behind."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobs.models import Run
from tenders.models import Tender
from tests.standins.tender_portals import PACKAGE, za_release

pytestmark = pytest.mark.django_db


def run(*paths, **options):
    out, err = StringIO(), StringIO()
    try:
        call_command("tenders_import", *map(str, paths), stdout=out, stderr=err, **options)
    except CommandError as error:
        return out.getvalue(), err.getvalue() + str(error)
    return out.getvalue(), err.getvalue()


def test_an_import_tells_its_sums_and_what_was_left_out(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**PACKAGE, "releases": [za_release(1), {"ocid": "o"}]}))
    out, err = run(path)
    assert out.splitlines() == [
        "a.json: 2 releases, 1 added, 0 updated, 0 unchanged, 1 left out",
        "  releases[1] has no id.",
    ]
    assert err == ""
    assert Run.objects.get().function.endswith("-process-alerts")


def test_a_bad_file_is_told_and_the_good_one_beside_it_is_stored(tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps({**PACKAGE, "releases": [za_release(1)]}))
    bad.write_text("<html>")
    out, err = run(bad, tmp_path / "missing.json", good, no_alerts=True)
    assert "good.json: 1 releases, 1 added" in out
    assert "the file is HTML. Nothing of it was stored." in err
    assert "missing.json: No such file or directory." in err
    assert "2 of 3 files could not be imported." in err
    assert Tender.objects.count() == 1
    assert not Run.objects.exists()
