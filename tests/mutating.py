"""JSON that was sound, with a few places of it changed: what a service in trouble, or somebody hostile, sends."""

from __future__ import annotations

import copy
import unicodedata
from typing import Any

from hypothesis import strategies as st

# What a name may try: a shell, Terraform, Jinja, a folder, an option, a terminal, a row of a table.
HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned #',
    '${file("/etc/hostname")}',
    "%{ if true }x%{ endif }",
    "{{ lookup('pipe', 'touch pwned') }}",
    "{% raw %}{{ 7 * 7 }}",
    "../../../../tmp/pwned",
    "/etc/passwd",
    "-oProxyCommand=touch pwned",
    "~nobody-here/x",
    "a\nb: c",
    "\x1b]0;pwned\x07\x1b[2J",
    "a\x00b",
    "half \ud800 a sign",
    "\u202egnp.exe",
    "x" * 300,
)
STRANGE = (
    *(None, True, False, 0, -1, 1.5, 10**30, 10**400, float("nan"), float("inf")),
    *("", "x", "7", "0.0.0.0/0", "::/0", "999.1.1.1", "0001-01-01T00:00:00+14:00"),
    *([], {}, [None], [[]], {"a": None}, [{}], {"rel": "next", "href": 7}),
)
VALUES = st.sampled_from((*HOSTILE, *STRANGE))


def acts(text: str) -> list[str]:
    """Return the signs of a text that would act on the terminal in which it is shown."""
    acting = ("Cc", "Cf", "Cs")
    return [sign for sign in text if unicodedata.category(sign) in acting and sign not in "\n\t"]


def places(content: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to each place of some JSON, the whole left out."""
    steps = content.items() if isinstance(content, dict) else enumerate(content)
    found = []
    for step, inner in steps:
        found.append((*way, step))
        if isinstance(inner, dict | list):
            found += places(inner, (*way, step))
    return found


@st.composite
def mutated(draw: Any, sound: Any, *, most: int = 3) -> Any:
    """Return the JSON with one place or a few changed, left out, or said twice."""
    content = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, most))):
        if not (ways := places(content)):
            break
        *way, last = draw(st.sampled_from(ways))
        around = content
        for step in way:
            around = around[step]
        _change(draw, around, last)
    return content


def _change(draw: Any, around: Any, last: Any) -> None:
    how = draw(st.sampled_from(("change", "change", "change", "leave out", "again")))
    if how == "change":
        around[last] = copy.deepcopy(draw(VALUES))
    elif how == "leave out":
        del around[last]
    elif isinstance(around, list):
        around.append(copy.deepcopy(around[last]))
    else:
        around[draw(st.sampled_from(("id", "name", "a\nb")))] = copy.deepcopy(around[last])
