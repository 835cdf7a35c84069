from __future__ import annotations

from django.urls import path

from touchloop.console.settings import appearance, audit_page, organisation_page, people

urlpatterns = [
    path("settings/", organisation_page.show, name="settings"),
    path("settings/people/", people.show, name="settings_people"),
    path("settings/people/add/", people.add, name="person_add"),
    path("settings/people/<int:person_id>/", people.one, name="person"),
    path("settings/people/<int:person_id>/password/", people.new_password, name="person_password"),
    path("settings/audit/", audit_page.show, name="settings_audit"),
    path("settings/appearance/", appearance.show, name="appearance"),
]
