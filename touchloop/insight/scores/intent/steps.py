"""The steps of a visit, what each is, and what is known after each of them.

Training and the live path count by the same code: nothing is known of a step that comes later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from touchloop.insight.scores.churn.cut import said
from touchloop.insight.scores.learner.classifier import Told
from touchloop.profiles.api import ORDER as ORDER_COMPLETED

Floats = NDArray[np.float64]

GAP_SECONDS: Final = 1_800  # of silence end a visit
CHANNELS: Final = ("web", "mobile")
PAGES: Final = ("page", "screen")  # the types whose every name is a step

# The acts that are counted, in the order in which they are kept.
ACTS: Final = (
    "page",
    "product",
    "list",
    "cart",
    "remove",
    "cart_view",
    "checkout",
    "order",
    "other",
)
PLACE: Final = {act: place for place, act in enumerate(ACTS)}
EVENTS: Final = {
    "Product Viewed": "product",
    "Product Clicked": "product",
    "Product List Viewed": "list",
    "Product List Filtered": "list",
    "Products Searched": "list",
    "Product Added": "cart",
    "Product Removed": "remove",
    "Cart Viewed": "cart_view",
    "Checkout Started": "checkout",
    "Checkout Step Viewed": "checkout",
    "Checkout Step Completed": "checkout",
    "Payment Info Entered": "checkout",
    ORDER_COMPLETED: "order",
}
_PAGES: Final = (
    ("checkout", "checkout"), ("payment", "checkout"), ("cart", "cart_view"),
    ("basket", "cart_view"), ("search", "list"), ("categor", "list"), ("product", "product"),
)  # fmt: skip
_REFERRERS: Final = (
    ("search", ("google.", "bing.", "duckduckgo.", "yahoo.", "ecosia.", "yandex.", "baidu.")),
    ("social", ("facebook.", "instagram.", "tiktok.", "pinterest.", "linkedin.", "youtube.")),
    ("mail", ("mail.", "outlook.", "/mail")),
)  # fmt: skip

FEATURES: Final = (
    "pages", "products", "lists and searches", "added to cart", "removed", "looked at the cart",
    "checkout steps", "steps", "seconds in the visit", "seconds since last step",
    "seconds each step", "earlier visits", "earlier orders", "on a phone", "came from", "hour",
    "weekday",
)  # fmt: skip

TOLD: Mapping[str, Told] = {
    "pages": said("saw %.0f pages (others %.1f)"),
    "products": said("looked at %.0f products (others %.1f)"),
    "lists and searches": said("searched or browsed %.0f times (others %.1f)"),
    "added to cart": said("put %.0f products into the cart (others %.1f)"),
    "removed": said("took %.0f products out of the cart (others %.1f)"),
    "looked at the cart": said("looked at the cart %.0f times (others %.1f)"),
    "checkout steps": said("took %.0f steps of the checkout (others %.1f)"),
    "steps": said("took %.0f steps (others %.1f)"),
    "seconds in the visit": said("has been here for %.0f seconds (others %.0f)"),
    "seconds since last step": said("took %.0f seconds for the last step (others %.0f)"),
    "seconds each step": said("takes %.0f seconds for a step (others %.0f)"),
    "earlier visits": said("visited %.0f times before (others %.1f)"),
    "earlier orders": said("ordered %.0f times before (others %.1f)"),
}
MANY: Final = 20  # earlier visits and orders are counted so far: a window may have seen fewer


def act_of(type: str, name: str) -> str:
    """What one interaction is: a page or screen, or one of `EVENTS`."""
    if type == "track":
        return EVENTS[name]
    lower = name.lower()
    return next((act for word, act in _PAGES if word in lower), "page")


def came_from(referrer: str | None) -> str:
    """What kind of place a visitor came from."""
    if not referrer:
        return "nowhere"
    lower = referrer.lower()
    return next((kind for kind, hosts in _REFERRERS if any(h in lower for h in hosts)), "elsewhere")


def inputs(
    *,
    counts: NDArray[np.int64],
    started_us: NDArray[np.int64],
    at_us: NDArray[np.int64],
    before_us: NDArray[np.int64],
    visits: NDArray[np.int64],
    orders: NDArray[np.int64],
    phone: NDArray[np.bool_],
    referrers: NDArray[np.str_],
) -> pa.Table:
    """The features after a step. `counts`: rows × ACTS so far in the visit, this step included;
    `before_us` is the instant of the step before, that of this one at the first step.
    """
    steps = counts.sum(axis=1).astype(np.float64)
    seconds = (at_us - started_us) / 1e6
    days = started_us // 86_400_000_000
    columns = (
        *(counts[:, PLACE[act]].astype(np.float64) for act in _COUNTED),
        steps,
        seconds,
        (at_us - before_us) / 1e6,
        seconds / np.maximum(steps - 1, 1),
        np.minimum(visits, MANY).astype(np.float64),
        np.minimum(orders, MANY).astype(np.float64),
        np.where(phone, "yes", "no"),
        referrers,
        (started_us // 3_600_000_000 % 24).astype(np.float64),
        np.char.add("day ", ((days + 3) % 7 + 1).astype(np.str_)),
    )
    return pa.table({name: pa.array(c) for name, c in zip(FEATURES, columns, strict=True)})


_COUNTED = ("page", "product", "list", "cart", "remove", "cart_view", "checkout")
