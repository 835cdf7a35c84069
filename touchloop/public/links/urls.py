"""Addresses of tracked links and openings, under /c/."""

from __future__ import annotations

from django.urls import path

from touchloop.public.links import views

urlpatterns = [
    path("c/l/<str:token>", views.followed, name="public_link"),
    path("c/o/<str:token>.gif", views.opened, name="public_opening"),
]
