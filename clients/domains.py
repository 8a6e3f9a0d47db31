"""What people and models write where a domain belongs, as one spelling: `https://www.X.com/` is `x.com`."""

import ipaddress
import re

import idna

LONGEST = 253
# What people paste around a domain: an address with its path, or a name in front of a mail address.
LONGEST_GIVEN = 4000
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//+", re.IGNORECASE)
_REST = re.compile(r"[/?#\\\s].*$", re.DOTALL)
_PORT = re.compile(r":\d{0,5}$")
# An address there says where somebody reads mail, not whose company it is.
MAILBOXES = frozenset(
    {
        *(
            "gmail.com",
            "googlemail.com",
            "outlook.com",
            "hotmail.com",
            "live.com",
            "yahoo.com",
            "icloud.com",
            "aol.com",
        ),
        *("gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "qq.com", "163.com", "mail.ru", "yandex.ru"),
    }
)


class NoDomain(ValueError):
    """This is no domain; the message says what it is, in words."""


def normalised(text: str | None) -> str:
    """Return the domain in small ASCII letters (IDN as Punycode), without scheme, `www.`, user, port, path and dot.

    An e-mail address counts as its domain. Empty text gives an empty string; anything else that names no domain with
    at least two labels, an IP address for one, raises NoDomain.
    """
    given = (text or "").strip()
    if not given:
        return ""
    if len(given) > LONGEST_GIVEN:
        raise NoDomain(f"{given[:60]!r}… is no domain but a text of {len(given):,} characters; write example.com.")
    host = _host(given)
    try:
        # UTS 46 is how browsers read what people type: capitals, full-width letters and dots.
        domain = idna.encode(host, uts46=True, transitional=False).decode("ascii").lower().strip(".")
    except (idna.IDNAError, UnicodeError):
        domain = _plain(host)
    domain = domain.removeprefix("www.") if domain.count(".") > 1 else domain
    _check(domain, given)
    return domain


def shown(domain: str) -> str:
    """Return a stored domain as people read it: Punycode decoded."""
    try:
        return idna.decode(domain) if "xn--" in domain else domain
    except (idna.IDNAError, UnicodeError):
        return domain


def _host(given: str) -> str:
    text = given.rpartition("<")[2][:-1].strip() if given.endswith(">") and "<" in given else given
    mail = text[7:] if text.lower().startswith("mailto:") else text
    schemed = _SCHEME.match(mail)
    host = _REST.sub("", mail[schemed.end() :] if schemed else mail)
    _, at, host = host.rpartition("@")
    host = _PORT.sub("", host)
    if at and not schemed and host.lower() in MAILBOXES:
        raise NoDomain(f"{given!r} is a private mail address; give the company's own domain.")
    return host.strip(".")


def _plain(host: str) -> str:
    """Names with an underscore are in use although no registry sells them; IDNA refuses them."""
    return host.lower() if re.fullmatch(r"[A-Za-z0-9._-]+", host) else ""


def _check(domain: str, given: str) -> None:
    try:
        ipaddress.ip_address(domain.strip("[]"))
    except ValueError:
        pass
    else:
        raise NoDomain(f"{given[:100]!r} is an IP address; give a domain, as in example.com.")
    labels = domain.split(".")
    fits = len(labels) > 1 and len(domain) <= LONGEST and not labels[-1].isdigit()
    if not fits or any(not 0 < len(label) < 64 or label.strip("-") != label for label in labels):
        raise NoDomain(f"{given[:100]!r} is no domain; write it as in example.com.")
