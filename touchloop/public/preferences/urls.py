"""Addresses of choices, under /c/."""

from __future__ import annotations

from django.urls import path

from touchloop.public.preferences import views

urlpatterns = [
    path("c/u/<str:token>", views.unsubscribe, name="public_unsubscribe"),
    path("c/p/", views.fresh_link, name="public_fresh_link"),
    path("c/p/<str:token>", views.preferences, name="public_preferences"),
]
