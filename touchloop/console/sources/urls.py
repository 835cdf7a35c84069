from __future__ import annotations

from django.urls import path

from touchloop.console.sources import acts, views

urlpatterns = [
    path("sources/", views.show, name="sources"),
    path("sources/add/", acts.add, name="source_add"),
    path("sources/<int:source_id>/", views.one, name="source"),
    path("sources/<int:source_id>/waiting/", views.waiting, name="source_waiting"),
    path("sources/<int:source_id>/plan/", views.plan, name="source_plan"),
    path("sources/<int:source_id>/settings/", views.settings, name="source_settings"),
    path("sources/<int:source_id>/key/", acts.rotate, name="source_rotate"),
    path("sources/<int:source_id>/switch/", acts.switch, name="source_switch"),
    path("sources/<int:source_id>/secret/", acts.secret, name="source_secret"),
]
