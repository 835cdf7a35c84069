"""What other rooms may use of privacy."""

from touchloop.privacy.manifest import MANIFEST, Entry
from touchloop.privacy.person import erase, export
from touchloop.privacy.retention import RULES, Rule, age

__all__ = ["MANIFEST", "RULES", "Entry", "Rule", "age", "erase", "export"]
