"""Addresses of the offers."""

from __future__ import annotations

from django.urls import path

from touchloop.console.offers import baseline, editing, people, views

urlpatterns = [
    path("offers/", views.listed, name="offers"),
    path("offers/new/", editing.new, name="offer_new"),
    path("offers/baseline/", baseline.beside, name="offers_baseline"),
    path("offers/<int:id>/", views.offer, name="offer"),
    path("offers/<int:id>/versions/", views.versions, name="offer_versions"),
    path("offers/<int:id>/customers/", people.behind, name="offer_customers"),
    path("offers/<int:id>/edit/", editing.edit, name="offer_edit"),
    path("offers/<int:id>/state/<slug:state>/", editing.state, name="offer_state"),
]
