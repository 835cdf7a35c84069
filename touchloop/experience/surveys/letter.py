"""The message that invites: a template of the e-mail channel to begin with, for staff to change.

A score in it leads to the page with that score chosen; only sending the page answers.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from touchloop.channels.api import email
from touchloop.core.db import Connection
from touchloop.core.errors import NotFound

TEMPLATE, TOPIC = "survey", "surveys"

_BODY = """<mjml><mj-head><mj-attributes><mj-all font-family="Helvetica, Arial, sans-serif" />
<mj-text font-size="16px" line-height="24px" color="#1d1c19" /></mj-attributes></mj-head>
<mj-body background-color="#faf9f6"><mj-section background-color="#ffffff"><mj-column>
<mj-text font-size="20px" line-height="28px" font-weight="600">{{ question }}</mj-text>
<mj-text>{% for each in scores %}<a href="{{ each.link }}" style="display:inline-block;
min-width:28px;padding:10px 4px;margin:0 4px 8px 0;border:1px solid #8b877c;border-radius:6px;
text-align:center;color:#71285c;text-decoration:none">{{ each.score }}</a>{% endfor %}</mj-text>
<mj-text font-size="14px" color="#545149">{{ scores.first.score }} [is] {{ low }},
{{ scores.last.score }} [is] {{ high }}.</mj-text>
<mj-button href="{{ link }}" background-color="#71285c" align="left">[answer]</mj-button>
</mj-column></mj-section></mj-body></mjml>"""


def ensure_letter(conn: Connection) -> None:
    """The template `survey`, made when there is none. Does not commit."""
    try:
        email.get(conn, TEMPLATE)
    except NotFound:
        email.save(
            conn,
            slug=TEMPLATE,
            name=_("Invitation to a survey"),
            kind="survey",
            topic=TOPIC,
            subject="{{ question }}",
            body=_BODY.replace("[is]", _("is")).replace("[answer]", _("Answer")),
        )
