"""Numbers of people: phones, cards, accounts, US social security numbers, addresses of machines, dates of birth.

A pattern begins with a set of characters, not with a look behind it: `re` skips to the next of them ten times faster.
Numbers are believed only where their law holds: cards by Luhn (ISO/IEC 7812-1), accounts by the remainder of 97 (ISO
13616), social security numbers by the areas that are issued, addresses by `ipaddress`, dates by the calendar.
"""

import re
from datetime import date
from ipaddress import ip_address

_SEVEN_DIGITS = re.compile(r"[0-9](?:[ ().-]{0,3}+[0-9]){6}")
_RUN = re.compile(r"[0-9](?:[ .-]?+[0-9]){12,}+")
_CARD_PREFIX = re.compile(r"4|5[1-5]|2[2-7]|3[045678]|6")
_DOTTED_CARD = re.compile(r"\d{4}\.\d{4}\.\d{4}\.\d{1,4}(?:\.\d{3})?|\d{4}\.\d{6}\.\d{4,5}")
_IBAN = re.compile(r"[A-Za-z](?<![^\W_].)[A-Za-z]\d{2}(?: ?+[A-Za-z0-9]){11,30}+")
_PHONE = re.compile(
    r"[+(0-9](?<![\w.#].)(?:"
    r"(?:(?<=\+)|(?<=0)0)\d(?:[ ().-]{0,2}+\d){6,14}"  # international
    r"|(?<=\()\d{2,5}\)[ -]?\d(?:[ .-]?\d){4,9}"  # area code in brackets
    r"|(?<=\d)\d{2}[ .-]\d{3}[ .-]\d{4}"  # North American
    r"|(?<=1)[ .-]\d{3}[ .-]\d{3}[ .-]\d{4}"  # with its country code
    r"|(?<=0)\d{1,4}[ /-]\d(?:[ -]?\d){4,9}"  # trunk prefix
    r"|(?<=0)[1-9]\d{8,9}"  # the same, plain
    r")(?![\w-])"
)
_PLAIN_PHONE = re.compile(r"[2-9](?<![\w.#-].)\d{2}(?:\d{7}|[ .-]\d{4}|\d{2}[ .-]\d{5})(?![\w-]|\.\d)")
_CALLS = re.compile(
    r"(?i:phone|\btel\b|\bcell|mobile|\bfax|whatsapp|\bsms\b|\bcall|\bdial|\bring|\breach|\btext(?:ed)? )"
)
_CALL_WORDS = ("phone", "tel", "cell", "mobile", "fax", "whatsapp", "sms", "call", "dial", "ring", "reach", "text")
_SSN = re.compile(r"[0-9](?<![\w.-].)\d{2}([- ]?)\d{2}\1\d{4}(?![\w-]|\.\d)")
_SOCIAL = re.compile(r"(?i:\bssn\b|social[ -]security)")
_IPV4 = re.compile(r"[0-9](?<![\w.-].)\d{0,2}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
_THREE_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:|::[0-9A-Fa-f]{1,4}\b")
_IPV6 = re.compile(r"[0-9A-Fa-f:](?<![\w:.].)[0-9A-Fa-f]{0,3}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_NUMBERED = re.compile(r"(?i:\bv|\bver|version|release|build|section|clause|chapter|§|[a-z][\w.]*/)[ .:=]{0,2}$")
_BORN = re.compile(r"[bBdDgG](?<![A-Za-z].)(?i:irth|orn\b|ob\b|\.o\.b\b|eburtsdatum\b|eboren\b)")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = f"(?i:(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}\\.?)"
_DATE = re.compile(
    r"(?<![\w.])(?:(?P<y>\d{4})([-/.])(?P<m>\d{1,2})\2(?P<d>\d{1,2})|(?P<a>\d{1,2})([-/.])(?P<b>\d{1,2})\6(?P<c>\d{4}|\d{2})"
    rf"|(?P<e>\d{{1,2}})(?:st|nd|rd|th)?\.? (?:of )?(?P<f>{_MONTH}),? (?P<g>\d{{4}})"
    rf"|(?P<h>{_MONTH}) (?P<i>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<j>\d{{4}}))(?!\w)"
)
CONTEXT_BEFORE_CHARACTERS, NEAR_CONTEXT_BEFORE_CHARACTERS, CONTEXT_AFTER_CHARACTERS = (
    30,
    12,
    40,
)  # characters around a number in which a word says what it is
MIN_BIRTH_YEAR = 1900


def redact_phones(text: str) -> str:
    """Numbers that are written like phones, and plain ones behind a word such as "call"."""
    if not _SEVEN_DIGITS.search(text):
        return text
    text = _PHONE.sub(lambda found: found[0] if _no_phone(found[0]) else "[phone]", text)
    lower = text.lower()
    if not any(word in lower for word in _CALL_WORDS):
        return text
    return _PLAIN_PHONE.sub(lambda found: "[phone]" if _before(found, _CALLS) else found[0], text)


def _before(found: "re.Match[str]", words: "re.Pattern[str]", characters: int = CONTEXT_BEFORE_CHARACTERS) -> bool:
    """Whether one of the words stands a little before it."""
    return words.search(found.string, max(0, found.start() - characters), found.start()) is not None


def _no_phone(text: str) -> bool:
    """Whether this begins with a date, or with what no country and no area begins with."""
    found = _DATE.match(text)
    return text.startswith("000") or (found is not None and _dates(found))


def redact_cards(text: str) -> str:
    """Card numbers, in groups or plain."""
    return _RUN.sub(_without_cards, text) if _SEVEN_DIGITS.search(text) else text


def _without_cards(found: "re.Match[str]") -> str:
    """A run of digits in groups, with each card number that begins and ends at a group replaced."""
    run = found[0]
    places = [at for at, each in enumerate(run) if each not in " -."]
    digits = "".join(run[at] for at in places)
    edges = [0, *(n for n in range(1, len(places)) if places[n - 1] < places[n] - 1), len(places)]
    ends, kept, done = set(edges), [], 0
    for start in edges:
        if start >= len(places) - 12:
            break
        if places[start] >= done and (length := _card_length(digits, start, ends)):
            first, last = places[start], places[start + length - 1] + 1
            if _written_as_one(found, first, last):
                kept += [run[done:first], "[card]"]
                done = last
    return "".join(kept) + run[done:]


def _written_as_one(found: "re.Match[str]", first: int, last: int) -> bool:
    """Whether dots group its digits as on a card; behind a decimal point or before an exponent it is a number."""
    text, at, end = found.string, found.start() + first, found.start() + last
    if "." in text[at:end] and not _DOTTED_CARD.fullmatch(text, at, end):
        return False
    if text[max(0, at - 1) : at].isalpha() and text[end : end + 1].isalpha():
        return False  # digits inside an id
    pointed = text[max(0, at - 1) : at] == "." and text[max(0, at - 2) : at - 1].isdigit()
    return not pointed and not re.match(r"\.\d|[eE][+-]?\d", text[end : end + 3])


def _card_length(digits: str, start: int, ends: set[int]) -> int:
    """How many digits from `start` are a card number; 0 where none begins."""
    if not _CARD_PREFIX.match(digits, start):
        return 0
    fits = (n for n in range(19, 12, -1) if start + n in ends and is_luhn_valid(digits[start : start + n]))
    return next(fits, 0)


def is_luhn_valid(digits: str) -> bool:
    """Whether the check digit agrees.

    >>> is_luhn_valid("4111111111111111"), is_luhn_valid("4111111111111112")
    (True, False)
    """
    doubled = [int(each) * 2 for each in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


def redact_ibans(text: str) -> str:
    """Bank accounts."""
    return _IBAN.sub(_without_iban, text) if _SEVEN_DIGITS.search(text) else text


def _without_iban(found: "re.Match[str]") -> str:
    """The longest beginning of the run that is an account number, at a group's end."""
    run = found[0]
    rest = found.string[found.end() : found.end() + 1]
    for end in range(len(run), 14, -1):
        after = run[end : end + 1] or rest
        if not after.isalnum() and iban_remainder(run[:end].replace(" ", "")) == 1:
            return "[iban]" + run[end:]
    return run


def iban_remainder(account: str) -> int:
    """The remainder that is 1 for a valid account number.

    >>> iban_remainder("DE89370400440532013000")
    1
    """
    return int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97


def redact_ssn(text: str) -> str:
    """US social security numbers: with hyphens, or behind their name."""
    return _SSN.sub(_without_ssn, text)


def _without_ssn(found: "re.Match[str]") -> str:
    """The number replaced where it may have been issued (SSA, randomization of 2011: no 000, 666 or 900 to 999)."""
    digits = re.sub(r"\D", "", found[0])
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    issued = area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
    return "[ssn]" if issued and (found[1] == "-" or _before(found, _SOCIAL)) else found[0]


def redact_ip_addresses(text: str) -> str:
    """IP addresses of either version, but those of the machine itself."""
    text = _IPV4.sub(_without_ip, text)
    return _IPV6.sub(_without_ip, text) if _THREE_COLONS.search(text) else text


def _without_ip(found: "re.Match[str]") -> str:
    """The address replaced; what only looks like one stays, as versions do."""
    try:
        address = ip_address(found[0])
    except ValueError:
        return found[0]
    mine = address.is_loopback or address.is_unspecified
    short = address.version == 6 and found[0].count(":") < 3  # `a::b` is a name in C++
    return found[0] if mine or short or _before(found, _NUMBERED, NEAR_CONTEXT_BEFORE_CHARACTERS) else "[ip]"


def redact_birth_dates(text: str) -> str:
    """Dates close behind a word for birth."""
    lower = text.lower()
    if not any(word in lower for word in ("birth", "born", "dob", "d.o.b", "geb")):
        return text
    kept, done = [], 0
    for word in _BORN.finditer(text):
        found = _DATE.search(text, max(word.end(), done), word.end() + CONTEXT_AFTER_CHARACTERS)
        if found and _dates(found):
            kept += [text[done : found.start()], "[birth]"]
            done = found.end()
    return "".join(kept) + text[done:]


def _dates(found: "re.Match[str]") -> bool:
    """Whether the calendar has the date, with the day before the month or behind it."""
    part = found.groupdict()
    if part["y"]:
        return _is_date(part["y"], part["m"], part["d"])
    if part["a"]:
        year = part["c"] if len(part["c"]) == 4 else f"19{part['c']}"
        return _is_date(year, part["a"], part["b"]) or _is_date(year, part["b"], part["a"])
    name, day, year = (part["f"], part["e"], part["g"]) if part["e"] else (part["h"], part["i"], part["j"])
    return _is_date(year, str(_MONTHS.index(name[:3].lower()) + 1), day)


def _is_date(year: str, month: str, day: str) -> bool:
    """Whether there is such a day."""
    try:
        return date(int(year), int(month), int(day)).year >= MIN_BIRTH_YEAR
    except ValueError:
        return False
