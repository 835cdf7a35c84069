"""Addresses of the messages."""

from __future__ import annotations

from django.urls import path

from touchloop.console.messages import (
    campaigns,
    composing,
    hooks,
    outbox,
    people,
    policy,
    received,
    steering,
    triggering,
    triggers,
)

urlpatterns = [
    path("messages/", campaigns.listed, name="messages"),
    path("messages/campaigns/past/", campaigns.past, name="campaigns_past"),
    path("messages/campaigns/new/", steering.new, name="campaign_new"),
    path("messages/campaigns/preview/", steering.preview, name="campaign_preview"),
    path("messages/campaigns/<int:id>/", campaigns.campaign, name="campaign"),
    path("messages/campaigns/<int:id>/progress/", campaigns.progress, name="campaign_progress"),
    path("messages/campaigns/<int:id>/people/", people.people, name="campaign_people"),
    path("messages/campaigns/<int:id>/edit/", steering.edit, name="campaign_edit"),
    path("messages/campaigns/<int:id>/state/", steering.state, name="campaign_state"),
    path("messages/campaigns/<int:id>/undo/", steering.undo_pause, name="campaign_undo_pause"),
    path("messages/triggers/", triggers.listed, name="triggers"),
    path("messages/triggers/new/", triggering.new, name="trigger_new"),
    path("messages/triggers/<int:id>/edit/", triggering.edit, name="trigger_edit"),
    path(
        "messages/triggers/<int:id>/restore/<int:version>/",
        triggering.restore,
        name="trigger_restore",
    ),
    path("messages/triggers/<int:id>/", triggers.trigger, name="trigger"),
    path("messages/triggers/<int:id>/state/", triggers.state, name="trigger_state"),
    path("messages/triggers/<int:id>/undo/<slug:state>/", triggers.undo, name="trigger_undo"),
    path("messages/templates/", composing.listed, name="templates"),
    path("messages/templates/new/", composing.new, name="template_new"),
    path("messages/templates/preview/", composing.preview, name="template_preview"),
    path("messages/templates/readers/", composing.readers, name="template_readers"),
    path("messages/templates/of/<slug:slug>/", composing.template, name="template"),
    path("messages/templates/of/<slug:slug>/edit/", composing.edit, name="template_edit"),
    path("messages/templates/of/<slug:slug>/frame/", composing.frame, name="template_frame"),
    path("messages/outbox/", outbox.listed, name="outbox"),
    path("messages/outbox/<int:id>/", outbox.delivery, name="delivery"),
    path("messages/inbox/", received.inbox, name="demo_inbox"),
    path("messages/inbox/<int:id>/", received.one, name="received"),
    path("messages/inbox/<int:id>/frame/", received.frame, name="received_frame"),
    path("messages/webhooks/", hooks.listed, name="webhooks"),
    path("messages/webhooks/add/", hooks.add, name="webhook_add"),
    path("messages/webhooks/<slug:slug>/change/", hooks.change, name="webhook_change"),
    path("messages/webhooks/<slug:slug>/trial/", hooks.trial, name="webhook_trial"),
    path("messages/webhooks/<slug:slug>/key/", hooks.rotate, name="webhook_rotate"),
    path("messages/webhooks/<slug:slug>/remove/", hooks.remove, name="webhook_remove"),
    path("messages/policy/", policy.policy, name="contact_policy"),
    path("messages/policy/change/", policy.change, name="contact_policy_change"),
]
