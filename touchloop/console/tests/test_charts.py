"""What a chart hands to its page: JSON only, the same rows in the table and in the file."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.test import Client, RequestFactory

from touchloop.console.ui.charts import Chart, Lead, drawn


def chart(**given: object) -> Chart:
    return Chart(
        **{
            "id": "sizes",
            "title": "Grows",
            "option": {"series": [{"data": [1.0, float("nan")]}]},
            "columns": (("Name", "text"), "Size", ("Share", "percent"), ("Change", "points")),
            "rows": [("=1+1", 1200, 0.25, -0.031), (Lead("<b>", "/x/"), None, None, 0.0)],
            **given,
        }  # type: ignore[arg-type]
    )


def test_numbers_stand_at_the_end_and_names_are_escaped() -> None:
    made = chart()
    assert [end for _head, end in made.heads] == [False, True, True, True]
    first, second = ([str(cell) for cell, _end in row] for row in made.cells)
    assert first[1:] == ["<bdi>1,200</bdi>", "<bdi>25.0 %</bdi>", "<bdi>−3.1 %</bdi>"]
    assert second[0] == '<a href="/x/"><bdi>&lt;b&gt;</bdi></a>' and second[1] == "<bdi>–</bdi>"


def test_figures_are_rounded_and_not_cut() -> None:
    made = chart(
        columns=(("A", "points"), ("B", "points"), ("C", "money"), ("D", "money")),
        rows=[(0.03196, -0.00999, 1234.567, Decimal("0.999"))],
    )
    shown = [
        str(cell).removeprefix("<bdi>").removesuffix("</bdi>") for cell, _end in next(made.cells)
    ]
    assert shown == ["+3.2 %", "−1.0 %", "1,234.57", "1.00"]


def test_the_option_is_json_without_nan() -> None:
    assert json.dumps(chart().drawing, allow_nan=False) == '{"series": [{"data": [1.0, null]}]}'
    with pytest.raises(ValueError, match="identifier"):
        chart(id="not one")


def test_the_file_has_plain_values_and_runs_nothing(rf: RequestFactory) -> None:
    request = rf.get("/somewhere/", {"csv": "sizes", "days": "30"})
    answer = drawn(request, "never.html", {}, None, chart())  # type: ignore[arg-type]
    assert answer["Content-Disposition"] == 'attachment; filename="sizes.csv"'
    lines = answer.content.decode().splitlines()
    assert lines == ["Name,Size,Share,Change", "'=1+1,1200,0.25,-0.031", "<b>,,,0.0"]


def test_every_shape_stands_on_the_living_page(admin: Client) -> None:
    page = admin.get("/ui/").content.decode()
    for name in ("lines", "bars", "shares", "curve", "grid", "network"):
        assert f'id="sample_{name}_option"' in page
