"""Customers from a CSV file: mapped, checked, matched by their identifiers, created or updated.

Owns `import_runs`. An import obeys the rules of the flow (identifiers, authority of traits, the
fold), but in sets: docs/decisions/0012-imports-are-facts.md tells how and why.
"""

from touchloop.collect.importing.report import ImportReport, Problem
from touchloop.collect.importing.run import run

__all__ = ["ImportReport", "Problem", "run"]
