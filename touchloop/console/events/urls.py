from __future__ import annotations

from django.urls import path

from touchloop.console.events import views

urlpatterns = [
    path("events/", views.show, name="events"),
    path("events/<int:kind_id>/", views.one, name="event"),
]
