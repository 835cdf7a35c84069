from __future__ import annotations

from django.urls import path

from touchloop.console.held import acts, views

urlpatterns = [
    path("held/", views.show, name="held"),
    path("held/<int:held_id>/", views.one, name="held_one"),
    path("held/replay/", acts.replay, name="held_replay"),
    path("held/discard/", acts.discard, name="held_discard"),
    path("held/restore/<str:token>/", acts.restore, name="held_restore"),
]
