"""What other rooms may use of the channels."""

from touchloop.channels.contacts import Reached, note_contacts
from touchloop.channels.email import api as email
from touchloop.channels.handing import chunk, deliver_once, hand_off, hand_straight
from touchloop.channels.outcomes import (
    Outcome,
    cancel,
    delivery,
    delivery_of_message,
    outcome,
    outcomes,
)
from touchloop.channels.overview import (
    Pressed,
    Shown,
    Which,
    counts,
    deliveries,
    held_back,
    one_delivery,
    pressed,
)
from touchloop.channels.pace import Pace, paces, set_pace
from touchloop.channels.policy import Cap, Policy
from touchloop.channels.reachable import ContactVerdict, decide_contact
from touchloop.channels.registry import channel, channels, register, unregister
from touchloop.channels.requesting import Requested, Wanted, request
from touchloop.channels.rules import change_policy, contact_policy, stored_policy
from touchloop.channels.seam import Channel, Delivery, Rendered, Sent, Unfit
from touchloop.channels.straight import Straight, straight
from touchloop.channels.suppressing import keep_refusals, lift, suppress
from touchloop.channels.till.prompting import Prompt, acknowledge, prompts
from touchloop.channels.webhook import api as webhook
from touchloop.channels.words import reason_text, state_text

__all__ = [
    "Cap", "Channel", "ContactVerdict", "Delivery", "Outcome", "Pace", "Policy", "Pressed",
    "Prompt", "Reached", "Rendered", "Requested", "Sent", "Shown", "Straight", "Unfit", "Wanted",
    "Which", "acknowledge", "cancel", "change_policy", "channel", "channels", "chunk",
    "contact_policy", "counts", "decide_contact", "deliver_once", "deliveries", "delivery",
    "delivery_of_message", "email", "hand_off", "hand_straight", "held_back", "keep_refusals",
    "lift", "note_contacts", "one_delivery", "outcome", "outcomes", "paces", "pressed", "prompts",
    "reason_text", "register", "request", "set_pace", "state_text", "stored_policy", "straight",
    "suppress", "unregister", "webhook",
]  # fmt: skip
