"""One table: what is hidden in text, however it is spelled, and what stays as it is."""

import json
import re
import time
from typing import Any

import pytest

from jobs.redaction import blotted, hint, redacted

S = "hunter2-Zq9"  # what must never be seen
SPELLINGS = [
    f"password={S}",
    f"password: {S}",
    f"password = {S}",
    f"Password : '{S}'",
    f'password="{S} with blanks"',
    f"PASSWORD={S}",
    f"passwd={S}",
    f"DB_PASSWD={S}",
    f"pwd={S};uid=ada",
    f"userPassword={S}",
    f"password2={S}",
    f"password_confirmation={S}",
    f"passwordHash: {S}",
    f"passphrase: {S}",
    f"secret={S}",
    f"client_secret={S}&grant=code",
    f"clientSecret: {S}",
    f"MY_SECRET={S}",
    f"secrets: [{S}, {S}]",
    f"token={S}",
    f"access_token={S}",
    f"accessToken={S}",
    f"refreshtoken={S}",
    f"X-Auth-Token: {S}",
    f"csrf-token: {S}",
    f"api_key={S}",
    f"apikey={S}",
    f"apiKey: {S}",
    f"x-api-key: {S}",
    f"X-API-KEY={S}",
    f"OPENAI_API_KEY={S}",
    f"AWS_SECRET_ACCESS_KEY={S}",
    f"aws_secret_access_key = {S}",
    f"private_key: {S}",
    f"privateKey={S}",
    f"credentials={S}",
    f'"credentials": {{"user": "ada", "pass": "{S}"}}',
    f"Authorization: Bearer {S}",
    f"Authorization: token {S}",
    f"Authorization: Basic {S}",
    f'Authorization: Digest username="ada", realm="x", response="{S}"',
    f"Authorization: {S}",
    f"Proxy-Authorization: Basic {S}",
    f"curl -H 'Authorization: token {S}' https://api.example.com",
    f"Bearer {S}",
    f"bearer {S}",
    f"Cookie: a=1; session={S}",
    f"Set-Cookie: sid={S}; Path=/",
    f"postgresql://ada:{S}@db/x",
    f"postgresql://ada:p@ss/{S}@db/x",
    f"redis://:{S}@cache:6379/0",
    f"https://ada:a:b#c?{S}@example.com/x",
    f"amqp://ada:it's{S}@mq",
    f"GET /x?key={S}&page=2",
    f"GET /x?a=1&sig={S}",
    f"GET /x?token={S}",
    f"POST /e/{S} HTTP/1.1",
    f'{{"password": "{S}"}}',
    f"{{'api_key': '{S}'}}",
    f'{{"password":\n  "{S}"}}',
    json.dumps({"body": json.dumps({"password": S})}),
    json.dumps({"body": json.dumps({"deep": json.dumps({"accessToken": f'a"{S}'})})}),
    f'"password": "a\\"{S}"',
    f"token=•••{S}",
    f'"token": "•••{S}"',
    f"user[password]={S}",
    f'config["secret"] = "{S}"',
    f"--password {S}",
    f"--api-key={S}",
    f"<password>{S}</password>",
    f'"password" => "{S}"',
    f"jwt={S}",
    f"token: Bearer {S}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{S}\n-----END RSA PRIVATE KEY-----",
]
FORMS = [
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "sk-proj-" + "a1B2" * 9,
    "xoxb-" + "1234567890-abc",
    "AKIA" + "ABCDEFGH12345678",
    "AIza" + "a1B2" * 9,
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0." + "abcdefgh",
]
INNOCENT = [
    "the tokens were counted: 412",
    "tokens=412",
    "input_tokens: 1200",
    "max_tokens=4096",
    "token_count: 3",
    "tokenizer=bpe",
    "the secretary: Ada",
    "keywords: sailing boats",
    "monkey=banana",
    "key: value",
    "primary_key=7",
    "public_key: abc",
    "author: Ada",
    "authority=high",
    "passenger: Ada",
    "compass=north",
    "passed: 12",
    "bearer of good news",
    "basic training in Python",
    "basic knowledge: yes",
    "https://example.com:8000/a@b",
    "http://localhost:5432/x?mail=ada@example.com",
    "mail ada@example.com: sent",
    "cookies are baked at: 180 degrees".replace("cookies are baked at", "biscuits"),
    "token=None",
    "password: null",
    "2026-11-29T09:00:00Z: started",
    "Traceback: line 3, in token_of",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_secret_is_hidden_however_it_is_spelled(text: str) -> None:
    for decided in (blotted(text), json.dumps(redacted({"said": [text]}), ensure_ascii=False)):
        assert S not in decided
        assert "•••" in decided
    assert re.search(hint(), text, re.IGNORECASE)
    assert blotted(blotted(text)) == blotted(text)


@pytest.mark.parametrize("text", FORMS)
def test_a_key_is_known_by_its_form_as_well(text: str) -> None:
    assert blotted(f"refused {text}, sorry") == "refused •••, sorry"


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert blotted(text) == text
    assert redacted({"said": text}) == {"said": text}


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "passwd",
        "pwd",
        "userPassword",
        "DB_PASSWORD",
        "secret",
        "clientSecret",
        "token",
        "accessToken",
        "access-token",
        "X-Api-Key",
        "apikey",
        "private_key",
        "privateKey",
        "credentials",
        "credential",
        "AWS_SECRET_ACCESS_KEY",
        "Authorization",
        "Set-Cookie",
        "passphrase",
        "signing_key",
        "password_hash",
        "token2",
        "jwt",
    ],
)
def test_the_value_of_a_secret_name_is_hidden_in_data(name: str) -> None:
    assert redacted({name: S, "n": 1}) == {name: "•••", "n": 1}
    assert redacted({"in": [{name: {"deep": S}}]}) == {"in": [{name: "•••"}]}
    assert redacted({"name": name, "value": S}) == {"name": name, "value": "•••"}


@pytest.mark.parametrize(
    "name",
    [
        "tokens",
        "input_tokens",
        "token_count",
        "key",
        "keywords",
        "primary_key",
        "author",
        "authority",
        "passenger",
        "secretary",
        "tokenizer",
        "public_key",
        "compass",
        "bypass",
        "cookieless",
        "monkey",
        "passed",
    ],
)
def test_the_value_of_an_innocent_name_stays_in_data(name: str) -> None:
    assert redacted({name: "a value"}) == {name: "a value"}


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "password=" * 20_000,
        "://a:" * 40_000,
        "-" * 200_000,
        "Bearer " * 30_000,
        '"password": "' + "\\" * 100_000,
        "token" + " " * 200_000 + "=",
        "-----BEGIN PRIVATE KEY-----" * 8_000,
        "eyJaaaaaaaa-" * 16_000,
        '\\"token\\": ' * 16_000,
        "secret: [" * 20_000,
        "authorization: " * 14_000,
        "token=" + "'" * 200_000,
        'token="' + '\\"' * 100_000,
        "<token>" * 30_000,
        "--token-" * 25_000,
    ],
)
def test_a_text_of_200_kb_costs_no_time_that_grows_faster_than_it(text: str) -> None:
    def took(part: str) -> float:
        begin = time.process_time()
        blotted(part)
        return time.process_time() - begin

    assert took(text) < 2.5


def test_a_value_that_was_hidden_is_no_secret_of_its_own() -> None:
    shown: Any = redacted({"token": S, "said": f"password={S}"})
    assert redacted(shown) == shown
