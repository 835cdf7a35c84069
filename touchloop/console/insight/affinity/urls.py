"""Addresses of affinity."""

from __future__ import annotations

from django.urls import path

from touchloop.console.insight.affinity import families, views

urlpatterns = [
    path("affinity/", views.pairs, name="insight_affinity"),
    path("affinity/pair/", views.pair, name="insight_affinity_pair"),
    path("affinity/ideas/", views.ideas, name="insight_affinity_ideas"),
    path("affinity/next/", views.next_categories, name="insight_affinity_next"),
    path("affinity/families/", families.listed, name="insight_affinity_families"),
    path("affinity/families/<int:id>/", families.change, name="insight_affinity_family"),
]
