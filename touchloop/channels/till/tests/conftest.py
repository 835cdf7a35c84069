"""The people and the clock of the room's own tests."""

from touchloop.channels.tests.conftest import conn, now, people, post

__all__ = ["conn", "now", "people", "post"]
