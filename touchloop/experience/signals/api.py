"""What other rooms may use of the signals."""

from touchloop.experience.signals.noticing import concerns, on_batch
from touchloop.experience.signals.reading import Count, Signal, counts, latest, of_customers
from touchloop.experience.signals.rules import DEFAULTS, Rule, change_rule, rules
from touchloop.experience.signals.scanning import scan

__all__ = [
    "Count", "DEFAULTS", "Rule", "Signal", "change_rule", "counts", "latest", "of_customers",
    "concerns", "on_batch", "rules", "scan",
]  # fmt: skip
