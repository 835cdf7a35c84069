"""What stands at the end of every message: why this, what we used, change it here.

The words are the house's, not the template's: no template can leave them out. They speak to whoever
reads, also to somebody to whom the message was forwarded, so they name no address and no value that
was not given for it.
"""

from __future__ import annotations

import re
from typing import Final

from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _

_BODY_END: Final = re.compile(r"</body\s*>", re.I)
_STYLE: Final = (
    "max-width:600px;margin:0 auto;padding:16px 25px 24px;border-top:1px solid #e5e2da;"
    "font:13px/19px Helvetica,Arial,sans-serif;color:#545149;text-align:start"
)


def added_to_html(html: str, *, language: str) -> str:
    """The HTML of a message, Liquid in it, with its end before `</body>`."""
    with translation.override(language):
        end = _in_html()
    ends = [found.start() for found in _BODY_END.finditer(html)]
    at = ends[-1] if ends else len(html)
    return html[:at] + end + html[at:]


def added_to_text(text: str, *, language: str) -> str:
    """The plain text of a message, Liquid in it, with its end."""
    with translation.override(language):
        return text.rstrip("\n") + _in_text()


def _in_html() -> str:
    words = {key: escape(text) for key, text in _words().items()}
    paragraph = '<p style="margin:0 0 8px">'
    return (
        f'<div style="{_STYLE}" role="contentinfo">'
        f"{paragraph}<strong>{words['why']}</strong> {{{{ touchloop.why }}}}</p>"
        "{% if touchloop.used %}"
        f"{paragraph}<strong>{words['used']}</strong> "
        "{% for fact in touchloop.used %}{{ fact }}{% unless forloop.last %}; {% endunless %}"
        "{% endfor %}</p>{% endif %}"
        f'{paragraph}<a href="{{{{ touchloop.preferences }}}}" style="color:#71285c">'
        f"{words['change']}</a>"
        '{% if touchloop.unsubscribe %} · <a href="{{ touchloop.unsubscribe }}"'
        f' style="color:#71285c">{words["leave"]}</a>{{% endif %}}</p>'
        '<p style="margin:0">{{ touchloop.sender }}'
        "{% if touchloop.postal %}, {{ touchloop.postal }}{% endif %}</p></div>"
        '{% if touchloop.pixel %}<img src="{{ touchloop.pixel }}" width="1" height="1" alt="">'
        "{% endif %}"
    )


def _in_text() -> str:
    words = _words()
    return (
        f"\n\n-- \n{words['why']} {{{{ touchloop.why }}}}\n"
        "{% if touchloop.used %}"
        f"{words['used']} "
        "{% for fact in touchloop.used %}{{ fact }}{% unless forloop.last %}; {% endunless %}"
        "{% endfor %}\n{% endif %}"
        f"{words['change']}: {{{{ touchloop.preferences }}}}\n"
        f"{{% if touchloop.unsubscribe %}}{words['leave']}: {{{{ touchloop.unsubscribe }}}}\n"
        "{% endif %}{{ touchloop.sender }}"
        "{% if touchloop.postal %}, {{ touchloop.postal }}{% endif %}\n"
    )


def _words() -> dict[str, str]:
    return {
        "why": _("Why this?"),
        "used": _("What we used:"),
        "change": _("Change what we send and use"),
        "leave": _("Unsubscribe"),
    }


def why(kind: str, topic: str, *, language: str) -> str:
    """The rule in words, for a message whose sender gave no better one."""
    with translation.override(language):
        if kind == "marketing":
            return _("You agreed to e-mail from us about %s.") % topic.replace("-", " ")
        if kind == "survey":
            return _("You were our customer, and we would like to know how it went.")
        return _("It belongs to something that you did or asked for with us.")
