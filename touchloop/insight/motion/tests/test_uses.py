"""What rules, origins and templates read of what is captured."""

from __future__ import annotations

import pytest

from touchloop.insight.motion import api
from touchloop.insight.segments import api as segments

RULE = {
    "all": [
        {"trait": {"name": "income", "op": "exists"}},
        {"score": {"name": "clv", "value": 2}},
        {
            "interactions": {
                "events": ["Order Completed", "Order Refunded"],
                "where": [{"path": "coupon.code", "op": "exists"}],
                "measure": "count",
                "op": "gte",
                "value": 1,
            }
        },
        {
            "not": {
                "sequence": {
                    "first": {"events": ["Cart Viewed"]},
                    "then": {
                        "events": ["Order Completed"],
                        "lines": [{"field": "department", "op": "in", "value": ["DELI"]}],
                    },
                    "within": {"last": 7, "unit": "days"},
                }
            }
        },
    ]
}


def test_a_rule_reads_events_properties_and_traits() -> None:
    segments.parse(RULE)  # it is one
    assert api.of_rule(RULE) == {
        ("trait", "income"),
        ("event", "Order Completed"),
        ("event", "Order Refunded"),
        ("event", "Cart Viewed"),
        ("property", "Order Completed.coupon"),
        ("property", "Order Refunded.coupon"),
        ("property", "Order Completed.products"),
    }
    spent = {"events": ["Order Completed"], "measure": "sum", "of": "value", "op": "gt", "value": 9}
    assert ("property", "Order Completed.total") in api.of_rule({"interactions": spent})
    assert api.of_rule(None) == api.of_rule("x") == api.of_rule({"events": [3]}) == set()


@pytest.mark.parametrize("example", segments.EXAMPLES, ids=lambda example: example.name)
def test_every_example_reads_something(example: segments.Example) -> None:
    found = api.of_rule(example.rule)
    assert found or "score" in str(example.rule) or "stage" in str(example.rule)


@pytest.mark.parametrize(
    ("origin", "item"),
    [
        ("Order Completed", ("event", "Order Completed")),
        ("Order Completed.total", ("property", "Order Completed.total")),
        ("Order Completed.products.price", ("property", "Order Completed.products")),
        ("trait income", ("trait", "income")),
        ("score clv", None),
        ("", None),
    ],
)
def test_a_feature_comes_from_something(origin: str, item: object) -> None:
    assert api.of_origin(origin) == item


def test_a_message_reads_traits() -> None:
    said = "Hi {{ customer.first_name | default: 'you' }}", "{% if customer.title %}x{% endif %}"
    assert api.of_template(*said) == {("trait", "first_name"), ("trait", "title")}
