"""Addresses of the cases."""

from __future__ import annotations

from django.urls import path

from touchloop.console.cases import acts, views

urlpatterns = [
    path("cases/", views.listed, name="cases"),
    path("cases/take/", acts.take, name="cases_take"),
    path("cases/give-back/", acts.give_back, name="cases_give_back"),
    path("cases/<int:id>/", views.case, name="case"),
    path("cases/<int:id>/assign/", acts.assign, name="case_assign"),
    path("cases/<int:id>/note/", acts.note, name="case_note"),
    path("cases/<int:id>/wait/", acts.wait, name="case_wait"),
    path("cases/<int:id>/resume/", acts.resume, name="case_resume"),
    path("cases/<int:id>/close/", acts.close, name="case_close"),
    path("cases/<int:id>/reopen/", acts.reopen, name="case_reopen"),
]
