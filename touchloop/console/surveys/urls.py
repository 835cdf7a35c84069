"""Addresses of the surveys."""

from __future__ import annotations

from django.urls import path

from touchloop.console.surveys import codes, editing, views

urlpatterns = [
    path("surveys/", views.listed, name="surveys"),
    path("surveys/new/", editing.new, name="survey_new"),
    path("surveys/preview/", editing.preview, name="survey_preview"),
    path("surveys/quarantine/", editing.quarantine, name="surveys_quarantine"),
    path("surveys/<int:id>/", views.survey, name="survey"),
    path("surveys/<int:id>/asked/", views.asked, name="survey_asked"),
    path("surveys/<int:id>/questions/", views.questions, name="survey_questions"),
    path("surveys/<int:id>/codes/", codes.codes, name="survey_codes"),
    path("surveys/<int:id>/code.<str:form>", codes.picture, name="survey_code"),
    path("surveys/<int:id>/edit/", editing.edit, name="survey_edit"),
    path("surveys/<int:id>/state/", editing.state, name="survey_state"),
    path("surveys/<int:id>/share/", editing.share, name="survey_share"),
]
