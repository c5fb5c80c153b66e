"""Redaction finds what it should in the corpus, leaves what only looks like it, and takes linear time."""

import time

import pytest

from controlsurface.ingest.content.redact import REDACTION_STEPS, Redactor
from tests.redaction.corpus import lines
from tests.redaction.recall import alarms, recall

ALL = Redactor(REDACTION_STEPS)
LEAST = {"email": 0.8, "phone": 0.9, "secret": 0.95}  # of the others all: what has a form and a law


def test_the_corpus_has_500_lines() -> None:
    assert len(lines()) == 500
    assert all(line.value in line.text for line in lines())


@pytest.mark.parametrize("kind", REDACTION_STEPS)
def test_redaction_finds_of_each_kind_what_its_form_tells(kind: str) -> None:
    found, n = recall()[kind]
    assert n == 42
    assert found / n >= LEAST.get(kind, 1.0)


def test_redaction_changes_nothing_that_only_looks_like_personal_data() -> None:
    assert {kind: changed for kind, (changed, _) in alarms().items() if changed} == {}


def test_redaction_of_one_kind_leaves_the_others() -> None:
    only = Redactor(["ip"])
    assert only.text("ann@example.org from 203.0.113.9") == "ann@example.org from [ip]"


# Reported of other tools: what they missed, or took for something that it is not.
@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("2221000000000009", "[card]"),  # presidio, pull request 2075: Mastercard's second series
        ("6200000000000000000", "[card]"),  # presidio, pull request 2075: 19 digits
        ("1748503543012 please check this", None),  # presidio, issue 1607: milliseconds
        ("1336016856420878523610405373190268534701", None),  # bettercap, issue 220: inside of a long number
        ("confidence: 0.5227687358856201", None),  # spool, pull request 341: the digits of a fraction
        ("8.46786664623715e-47", None),  # zaproxy, issue 5124: an exponent
        ("card 0 - 4532015112830366", "card 0 - [card]"),  # opentelemetry-collector-contrib, issue 41998: in part
        ("uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4", None),  # codegate, issue 587
        ("tokenizationId: 'f865288c97ca4913887373728b8dfc4c'", None),  # gitleaks, issue 1219: an id
        (  # gitleaks, issue 538: the integrity of a package
            "has: sha512-GDHVin2EJ9PGJ33VMGlqtPcvUlY+pkTbaWs4jWv8oBaEK8UUBzS5ZpEc4xi7Xp5vIXnVsCSLKNC6bgvR9X/AoQ==",
            None,
        ),
        ('fake-sk = "ABCDEF+c2L7yXeGvUyrPgYsDnWRRC1AYEXAMPLE"', 'fake-sk = "[secret]"'),  # gitleaks, issue 357
        ("export const KEY='ASIAZZZZZZZZZZZZZZZZ'", "export const KEY='[secret]'"),  # detect-secrets, pull request 796
        ("my_password: exposed", "my_password: [secret]"),  # opentelemetry-collector-contrib, issue 42659
        ("vaultKey: 'inf-role-id'", None),  # gitleaks, issue 1321: the name of a secret
    ],
)
def test_redaction_reads_what_others_misread(text: str, clean: str | None) -> None:
    assert ALL.text(text) == (text if clean is None else clean)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgres://app:s3cr3t@db:5432/x", "postgres://[secret]@db:5432/x"),
        ("https://example.org/a:b@c", "https://example.org/a:b@c"),
        ("SSN 000-12-3456, 666-12-3456, 912-34-5678", "SSN 000-12-3456, 666-12-3456, 912-34-5678"),
        ("::1 and 127.0.0.1 are here", "::1 and 127.0.0.1 are here"),
        ("999.1.2.3 and 1.2.3.4.5", "999.1.2.3 and 1.2.3.4.5"),
        ("born 31.02.1980", "born 31.02.1980"),
        ("the invoice of 1980-02-03", "the invoice of 1980-02-03"),
        ("max_token: 1024000", "max_token: 1024000"),
        ("api_key = os.environ['KEY']", "api_key = os.environ['KEY']"),
        ("token = config.auth.token", "token = config.auth.token"),
        ("password = ask(prompt)", "password = ask(prompt)"),
        ("an oxidant in basic solutions. It is", "an oxidant in basic solutions. It is"),
    ],
)
def test_redaction_holds_numbers_to_their_law(text: str, clean: str) -> None:
    assert ALL.text(text) == clean


def test_redaction_reads_json_by_its_names() -> None:
    assert ALL.text('{"dob":"1980-02-03","clientSecret":"abc"}') == '{"dob":"[birth]","clientSecret":"[secret]"}'


HOSTILE = ["://a", "://a:", "1.", "1-", "born ", "dob 1", "::", "a:", "secret", "key:", "is ", "@", "sha256-", "A/b1"]
HOSTILE += ["call 2", "api_key", "e4:", "password is ", "1.2.3.", "AKIA", "x9", "12 Mar "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_redaction_takes_linear_time_of_any_repeated_piece(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.process_time()
    ALL.text(text)
    assert time.process_time() - begun < 3  # linear: under 0.5 s; quadratic: minutes
