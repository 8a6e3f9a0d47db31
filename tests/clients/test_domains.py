"""One spelling for every domain, whatever stands in the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.domains import NoDomain, normalised, shown


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("https://www.X.com/", "x.com"),
        ("x.com", "x.com"),
        ("  X.COM  ", "x.com"),
        ("http://x.com:8080/path?q=1#top", "x.com"),
        ("x.com:443", "x.com"),
        ("x.com/path", "x.com"),
        ("x.com.", "x.com"),
        ("https://www.x.com./", "x.com"),
        ("//cdn.x.com/file.js", "cdn.x.com"),
        ("https://user:secret@x.com/", "x.com"),
        ("www.x.co.uk", "x.co.uk"),
        ("shop.x.com", "shop.x.com"),
        ("www.com", "www.com"),
        ("info@x.com", "x.com"),
        ("mailto:info@X.com?subject=Hi", "x.com"),
        ("Ann Berg <ann@x.com>", "x.com"),
        ("https://www.münchen.de/", "xn--mnchen-3ya.de"),
        ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("例え。jp", "xn--r8jz45g.jp"),
        ("my_shop.example.com", "my_shop.example.com"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_domain_is_found_in_what_people_write(written, domain):
    assert normalised(written) == domain


@pytest.mark.parametrize(
    "written",
    [
        *("Acme Pallets", "acme", "localhost", "10.0.0.1", "http://[::1]/", "256.1.1.1", "x..com", "-x.com", "n/a"),
        *("https://", "@", ".", "javascript:alert(1)", "x.com\x00", f"{'a' * 64}.com", "ann@gmail.com", "a@b", "x.123"),
    ],
)
def test_what_is_no_domain_is_refused_in_words(written):
    with pytest.raises(NoDomain, match=r"company.s own domain|example\.com"):
        normalised(written)


def test_a_domain_is_shown_as_people_read_it():
    assert (shown("xn--mnchen-3ya.de"), shown("x.com"), shown("xn--bad-")) == ("münchen.de", "x.com", "xn--bad-")


@given(st.text(max_size=60))
def test_normalising_ends_in_a_domain_that_stays_as_it_is_or_in_words(text):
    try:
        domain = normalised(text)
    except NoDomain:
        return
    assert domain == "" or domain.isascii()
    assert normalised(domain) == domain
