"""What unlocks: keys by their prefix or their look, passwords in addresses, and what a name says is secret."""

import re

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----)[\s\S])*+(?:-----END [A-Z ]+-----)?")
_SCHEME = re.compile(r"[bB](?<![\w].)(?i:earer|asic)[ ]+([\w.~+/-]{8,}+=*)")
_SECRET_LOOK = re.compile(r"[0-9_=/+]|[a-z][A-Z]|\.\w")
_IN_ADDRESS = re.compile(r"://([^\s/:@\"'<>]*+):([^\s/@\"'<>]++)@")
# All of these are found inside long words only, which are few.
_LONG = re.compile(r"\S{16,}+")
_PREFIXED = re.compile(
    r"\b(?:[spr]k[-_][\w-]{16,}+"
    r"|(?:gh[opsur]|github_pat|glpat|hf|xox\w|npm|pypi)[-_][\w-]{16,}+"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}+"
    r"|eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?)"
)
_FORTY = re.compile(r"(?<![\w/+.:@-])[A-Za-z0-9/+]{40}(?![\w/+=.-])")  # an AWS secret
_RUN = re.compile(r"(?<![\w+-])[\w+-]{20,}+={0,2}")
_HASH = re.compile(
    r"(?i:commit|\bsha|md5|digest|hash|checksum|revision|\brev\b|tree|blob|parent|etag|@|trace|span"
    r"|(?:\b|_)id\b|(?-i:[a-z]Id\b))[^\s]{0,12}\s{0,2}[\"'(]?$"
)
CONTEXT_BEFORE_CHARACTERS = 30  # characters in which a word says that hexadecimal digits are a hash or an id
_HASH_LENGTHS = {32, 40, 64, 96, 128}
_INTEGRITY = re.compile(r"(sha(?:256|384|512)-[A-Za-z0-9+/]{43,88}={0,2})")
_HEX = re.compile(r"[0-9a-fA-F]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TURN = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")

_OWNERS = ("api", "access", "secret", "private", "signing", "encryption", "account", "auth", "shared", "license")
_OWNED = "|".join(f"(?<={owner}{gap}key)" for owner in _OWNERS for gap in ("", "[-_ ]"))
_WORDS = (
    rf"[kK](?i:ey)(?i:{_OWNED})"
    r"|[sStTpPcC](?:(?<![A-Za-z].)|(?<=[a-z][STPC]))"
    r"(?i:ecret(?:[-_ ]?(?:access[-_ ]?)?key)?|oken|assw(?:or)?d|assphrase|asscode|wd|redentials?)"
)
SECRET_NAME = re.compile(rf"(?:{_WORDS})(?![A-Za-z])")
_ASSIGNMENT = r"(?:[-_]\w{1,12})?[\"']?\s{0,3}(?:[:=]>?|\bis\b)\s{0,3}[\"']?"
_NAMED = re.compile(rf"(?P<name>(?:{_WORDS})(?![A-Za-z]){_ASSIGNMENT})(?P<value>[^\s\"',;]{{6,}}+)")
_GATES = ("key", "secret", "token", "passw", "pwd", "passphrase", "passcode", "credential")
_CODE = re.compile(
    r"\$\{|\$\(|<|getenv|\*{3}|\[secret\]|[A-Za-z_][\w.]*\([^)]*\)"
    r"|(?:self|cls|this|config|settings|os|process|env|args|options|request|auth)[.\[]"
)
_NUMBER = re.compile(r"[\d.,_]+\W*")


def redact_secrets(text: str) -> str:
    """The text without secrets."""
    if "PRIVATE KEY-----" in text:
        text = _PRIVATE_KEY.sub("[secret]", text)
    if "earer " in text.lower() or "asic " in text.lower():
        text = _SCHEME.sub(lambda found: "[secret]" if _SECRET_LOOK.search(found[1]) else found[0], text)
    if "://" in text and "@" in text:
        text = _IN_ADDRESS.sub(r"://[secret]@", text)
    lower = text.lower()
    if any(word in lower for word in _GATES):
        text = _NAMED.sub(_without_named, text)
    return _LONG.sub(_without_keys, text)


def _without_named(found: re.Match[str]) -> str:
    """The secret hidden, the name before it kept: `password: [secret]`. Counts, code and plain words are none."""
    name, value = found["name"].lower(), found["value"]
    counted = name.startswith(("token", "key")) and _NUMBER.fullmatch(value)
    spoken = re.search(r"\sis\s", name) and not re.search(r"\d", value)
    return found[0] if counted or spoken or _CODE.match(value) else f"{found['name']}[secret]"


def _without_keys(found: re.Match[str]) -> str:
    """A long word without what has the prefix of a key, or looks drawn by chance; hashes that say so stay."""
    if "sha" not in found[0]:
        return _keyless(found[0], found)
    parts = _INTEGRITY.split(found[0])
    parts[::2] = [_keyless(part, found) for part in parts[::2]]
    return "".join(parts)


def _keyless(word: str, found: re.Match[str]) -> str:
    """A part of a long word without keys."""
    word = _PREFIXED.sub("[secret]", word)
    for least, pattern in ((40, _FORTY), (20, _RUN)):
        if len(word) >= least:
            word = pattern.sub(lambda each: "[secret]" if _is_key(each, found) else each[0], word)
    return word


def _is_key(run: re.Match[str], found: re.Match[str]) -> bool:
    """Whether a run is no word, and no hash or id that is called one."""
    if not looks_random(run[0]):
        return False
    if len(run[0]) not in _HASH_LENGTHS or not _HEX.fullmatch(run[0]):
        return True
    before = found.string[max(0, found.start() - CONTEXT_BEFORE_CHARACTERS) : found.start()]
    return not _HASH.search(
        (before + run.string[max(0, run.start() - CONTEXT_BEFORE_CHARACTERS) : run.start()])[
            -CONTEXT_BEFORE_CHARACTERS:
        ]
    )


def looks_random(word: str) -> bool:
    """Digits and letters of either case in turns, as chance would have it: keys do, identifiers and words do not.

    >>> looks_random("wJalrXUtnFEMI0K7MDENGbPxRfiCYEXA"), looks_random("gpt-4o-mini-2024-07-18-preview")
    (True, False)
    """
    sample = word[:256]
    if len(sample) < (32 if _HEX.fullmatch(sample) else 20) or _UUID.fullmatch(sample):
        return False
    turns = len(_TURN.findall(sample))
    return turns >= len(sample) / 4 and len(set(sample)) >= 10 and not sample.isalpha()
