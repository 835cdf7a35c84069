"""Addresses of the customers."""

from __future__ import annotations

from django.urls import path

from touchloop.console.customers import (
    acts,
    agreeing,
    customer,
    events,
    following,
    home,
    merging,
    views,
)

urlpatterns = [
    path("customers/", views.customers, name="customers"),
    path("customers/count/", views.count, name="customers_count"),
    path("customers/<int:id>/", customer.customer, name="customer"),
    path("customers/<int:id>/timeline/", events.part, name="customer_timeline"),
    path(
        "customers/<int:id>/timeline/<int:interaction_id>/",
        events.detail,
        name="customer_interaction",
    ),
    path("customers/<int:id>/weeks/", customer.weeks, name="customer_weeks"),
    path("customers/locations/", views.locations, name="customers_locations"),
    path("customers/<int:id>/trait/", customer.trait, name="customer_trait"),
    path("customers/<int:id>/trait/set/", acts.trait, name="customer_trait_set"),
    path("customers/<int:id>/next/", following.next_best, name="customer_next"),
    path("customers/<int:id>/consent/", agreeing.keep, name="customer_consent"),
    path("customers/<int:id>/consent/undo/", agreeing.undo, name="customer_consent_undo"),
    path("customers/<int:id>/home/part/", home.part, name="customer_home_part"),
    path("customers/<int:id>/home/rejoin/", home.rejoin, name="customer_home_rejoin"),
    path("customers/<int:id>/note/", acts.note, name="customer_note"),
    path("customers/<int:id>/merge/with/", merging.candidates, name="customer_merge_with"),
    path("customers/<int:id>/merge/<int:other_id>/", merging.beside, name="customer_beside"),
    path("customers/<int:id>/merge/", merging.merge, name="customer_merge"),
    path("customers/<int:id>/separate/", merging.separate, name="customer_separate"),
    path("customers/<int:id>/undo/", merging.undo, name="customer_undo"),
]
