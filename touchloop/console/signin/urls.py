"""Only what the console uses of allauth: no sign-up, no e-mail management, no reset by mail."""

from __future__ import annotations

from allauth.account import views
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path


def closed(request: HttpRequest) -> HttpResponse:
    """The name must exist for allauth; the page must not."""
    raise Http404


urlpatterns = [
    path("sign-in/", views.login, name="account_login"),
    path("sign-out/", views.logout, name="account_logout"),
    path("sign-up/", closed, name="account_signup"),
    path("sign-in/confirm/", views.reauthenticate, name="account_reauthenticate"),
    path("password/", views.password_change, name="account_change_password"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("settings/security/", include("allauth.mfa.urls")),
]
