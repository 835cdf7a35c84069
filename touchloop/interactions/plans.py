"""Tracking plans: what a source has promised to send, as JSON Schema per event name."""

from __future__ import annotations

from typing import Any

import jsonschema

from touchloop.interactions.sources import Source


class Plans:
    """Compiled plans of all sources, made anew when a plan changes."""

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}

    def complaint(self, source: Source, name: str, properties: dict[str, Any]) -> str:
        """Why the properties break the source's plan; "" when they keep it.

        An event that the plan does not name breaks it too, unless the plan is empty.
        """
        if not source.plan:
            return ""
        validators = self._validators(source)
        if name not in validators:
            return f"event {name!r} is not in the plan"
        error = jsonschema.exceptions.best_match(validators[name].iter_errors(properties))
        return "" if error is None else f"{error.json_path}: {error.message}"[:500]

    def _validators(self, source: Source) -> dict[str, Any]:
        kept = self._compiled.get(source.id)
        if kept is None or kept[0] != source.plan:
            kept = (
                source.plan,
                {
                    name: jsonschema.Draft202012Validator(schema)
                    for name, schema in source.plan.items()
                },
            )
            self._compiled[source.id] = kept
        return kept[1]
