"""The web application for a WSGI server."""

from __future__ import annotations

import multiprocessing
import os

from django.core.wsgi import get_wsgi_application

from touchloop.core.processes import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "touchloop.config.settings")
application = get_wsgi_application()

if multiprocessing.parent_process():
    end_with_parent()
