"""What other rooms may use of privacy."""

from touchloop.privacy.manifest import MANIFEST, Entry
from touchloop.privacy.person import erase, export
from touchloop.privacy.retention import RULES, Rule, age
from touchloop.privacy.tombstones import FILE as ERASED
from touchloop.privacy.tombstones import add as add_erased
from touchloop.privacy.tombstones import erased_since
from touchloop.privacy.tombstones import text as erased_text

__all__ = [
    "ERASED", "MANIFEST", "RULES", "Entry", "Rule", "add_erased", "age", "erase", "erased_since",
    "erased_text", "export",
]  # fmt: skip
