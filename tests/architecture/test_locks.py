"""Advisory locks have names, and no two of them are the same lock."""

from __future__ import annotations

import re
from pathlib import Path

from touchloop.core import locks

ROOT = Path(locks.__file__).parent.parent
NUMBERED = re.compile(r"advisory\w*\(\s*\d")


def test_each_lock_is_another() -> None:
    named = {name: value for name, value in vars(locks).items() if name.isupper()}
    pairs = [value for value in named.values() if isinstance(value, tuple)]
    numbers = [value for value in named.values() if isinstance(value, int)]
    families = {locks.WITHDRAWALS, locks.RECIPIENT, locks.CLICKS, locks.MODEL, locks.TEMPLATE}
    assert len(set(pairs)) == len(pairs)
    assert not families & {first for first, _ in pairs}
    single = [value for name, value in named.items() if value in numbers and name not in _FAMILIES]
    assert len(set(single)) == len(single) and len(families) == len(_FAMILIES)


def test_no_lock_is_a_bare_number() -> None:
    """A migration is history: what it says stays as it was."""
    bare = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in ROOT.rglob("*.py")
        if not {"migrations", "tests"} & set(path.parts)
        for match in NUMBERED.finditer(path.read_text())
    ]
    assert not bare


_FAMILIES = ("WITHDRAWALS", "RECIPIENT", "CLICKS", "MODEL", "TEMPLATE")
