"""Values in statements."""

from __future__ import annotations

from touchloop.lake.api import Step, statement


def test_a_value_is_never_the_place_of_another() -> None:
    said = statement(
        [Step("a", "SELECT {one} AS x, {two} AS y WHERE z LIKE '{3}'")],
        select="SELECT * FROM a",
        one="{two}",
        two="' OR 1=1 --",
    )
    assert "SELECT '{two}' AS x, ''' OR 1=1 --' AS y WHERE z LIKE '{3}'" in said
