"""The stores, customers and answers of the surveys' tests."""

from __future__ import annotations

from touchloop.console.surveys.tests.conftest import make, post, scene, stores

__all__ = ["make", "post", "scene", "stores"]
