"""Striking secrets out of what leaves this machine: by their known values, and by how they look."""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[removed]"
# Shorter ones are words: striking them out would leave no text and protect nothing.
_SHORTEST = 6

_KEY = r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key|private_?key|credential|authorization|cookie)[\w.-]*"
_QUOTE = r"\\*[\"']"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Private keys of every kind; one that is cut off goes to the end.
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        GONE,
    ),
    # JSON web tokens, also without a signature; Keystone's Fernet tokens.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)*"), GONE),
    (re.compile(r"\bgAAAA[\w-]{16,}=*"), GONE),
    # scheme://user:password@host
    (re.compile(r"(?<=://)[^\s/@:\"']*:[^\s/@\"']+(?=@)"), GONE),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/-]{8,}=*"), rf"\1 {GONE}"),
    # "password": "x" in JSON, as deep as it may be quoted; password: x and PASSWORD=x elsewhere.
    (
        re.compile(
            rf"(?i)({_QUOTE}{_KEY}{_QUOTE}\s*:\s*)({_QUOTE})(?:(?!\2)(?:\\.|.))*\2",
        ),
        rf"\1\2{GONE}\2",
    ),
    (re.compile(rf"(?i)(?<![\w.-])({_KEY}\s*[=:]\s*)(?![\s\[\"'\\])[^\s,;\"'\\}}]+"), rf"\1{GONE}"),
    (
        re.compile(rf"(?i)(?<![\w.-])({_KEY}\s*[=:]\s*)({_QUOTE})(?:(?!\2)(?:\\.|.))+\2"),
        rf"\1\2{GONE}\2",
    ),
)


class Redaction:
    """Strikes out secrets; ``known`` are their values, whatever they look like."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        lines = {part.strip() for value in known for part in (value, *value.splitlines())}
        # The longer first: one may be a part of another.
        # The first line of a key is that of every key: by it the rest of another one is known.
        secret = (one for one in lines if len(one) >= _SHORTEST and not one.startswith("-----"))
        self._known = sorted(secret, key=len, reverse=True)

    def __repr__(self) -> str:
        """Return what it is without what it knows."""
        return f"Redaction({len(self._known)} values)"

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for value in self._known:
            text = text.replace(value, GONE)
        for pattern, put in _PATTERNS:
            text = pattern.sub(put, text)
        return text
