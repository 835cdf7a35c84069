"""Addresses of the decisions."""

from __future__ import annotations

from django.urls import path

from touchloop.console.decisions import arbitration, simulator, views

urlpatterns = [
    path("decisions/", views.listed, name="decisions"),
    path("decisions/find/", views.find, name="decisions_find"),
    path("decisions/simulator/", simulator.show, name="simulator"),
    path("decisions/policy/", arbitration.policy, name="decision_policy"),
    path("decisions/policy/change/", arbitration.change, name="decision_policy_change"),
    path("decisions/policy/back/<int:version>/", arbitration.back, name="decision_policy_back"),
    path("decisions/<uuid:id>/", views.decision, name="decision"),
    path("decisions/<uuid:id>/replay/", views.replay, name="decision_replay"),
]
