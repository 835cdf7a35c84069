"""Addresses of the programs' door beside the console."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from touchloop.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/decide", views.decide, name="api-decide"),
    path("v1/outcomes", views.outcomes, name="api-outcomes"),
    path("v1/prompts", views.prompts, name="api-prompts"),
    path("v1/prompts/answer", views.prompt_answer, name="api-prompt-answer"),
    path("v1/<path:rest>", views.nowhere),  # a program is answered in JSON, also when it errs
]
