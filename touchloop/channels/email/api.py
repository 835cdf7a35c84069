"""What the doors may use of the e-mail channel: `from touchloop.channels.api import email`."""

from touchloop.channels.email.channel import hang_up
from touchloop.channels.email.choosing import (
    PAUSES,
    PER_WEEK,
    Cell,
    Choices,
    Row,
    Said,
    Use,
    choices,
    keep,
    link,
    whose,
)
from touchloop.channels.email.inbox import Kept, Mail, Receiver
from touchloop.channels.email.inbox import keep as keep_in_inbox
from touchloop.channels.email.inbox import listing as inbox
from touchloop.channels.email.inbox import one as inbox_mail
from touchloop.channels.email.inbox import serve as serve_inbox
from touchloop.channels.email.leaving import (
    Subscription,
    send_fresh_link,
    subscription,
    unsubscribe,
)
from touchloop.channels.email.letters import Words
from touchloop.channels.email.links import Visit, click, opening
from touchloop.channels.email.mailboxes import Imap
from touchloop.channels.email.mailboxes import in_files as mail_in_files
from touchloop.channels.email.preview import preview, version
from touchloop.channels.email.returns import Returned, read_back
from touchloop.channels.email.templates import (
    MARKUPS,
    Template,
    Topic,
    Written,
    check,
    draft,
    get,
    history,
    listing,
    save,
    save_topic,
    topics,
)

__all__ = [
    "Cell", "Choices", "Imap", "Kept", "MARKUPS", "Mail", "PAUSES", "PER_WEEK", "Receiver",
    "Returned", "Row", "Said", "Subscription", "Template", "Topic", "Use", "Visit", "Words",
    "Written", "check", "choices", "click", "draft", "get", "hang_up", "history", "inbox",
    "inbox_mail", "keep", "keep_in_inbox", "link", "listing", "mail_in_files", "opening", "preview",
    "read_back", "save", "save_topic", "send_fresh_link", "serve_inbox", "subscription", "topics",
    "unsubscribe", "version", "whose",
]  # fmt: skip
