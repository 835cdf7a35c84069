"""Addresses of the suggestions."""

from __future__ import annotations

from django.urls import path

from touchloop.console.suggestions import views

urlpatterns = [
    path("suggestions/", views.suggestions, name="suggestions"),
    path("suggestions/history/", views.history, name="suggestions_history"),
    path("suggestions/<int:id>/answer/", views.answer, name="suggestion_answer"),
    path("suggestions/undo/<int:operation>/", views.undo, name="suggestion_undo"),
]
