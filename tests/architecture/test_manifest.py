"""Every table stands in the privacy manifest: how it is exported, erased and aged, or why not."""

from __future__ import annotations

from collections import Counter

from django.apps import apps

from touchloop.privacy.manifest import MANIFEST


def test_every_table_stands_in_the_manifest_once() -> None:
    named = Counter(entry.table for entry in MANIFEST)
    assert [table for table, times in named.items() if times > 1] == []
    assert _tables() - set(named) == set(), "missing in privacy/manifest.py"
    assert set(named) - _tables() == set(), "no such table (any more)"


def test_what_is_kept_says_why() -> None:
    assert [e.table for e in MANIFEST if e.erased == "never" and not e.reason] == []


def _tables() -> set[str]:
    own = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    return own | {"django_migrations"}
