"""What other rooms may use of the cases."""

from touchloop.records.cases.handling import assign, close_case, note, reopen, resume, wait
from touchloop.records.cases.opening import (
    COMPLAINT,
    DETRACTOR,
    HOURS,
    KINDS,
    REQUEST,
    NewCase,
    open_all,
    open_case,
)
from touchloop.records.cases.reading import (
    Case,
    Event,
    Figures,
    Filter,
    OpenCase,
    count,
    figures,
    get,
    history,
    listing,
    open_cases,
    selling_muted,
)

__all__ = [
    "COMPLAINT", "DETRACTOR", "HOURS", "KINDS", "REQUEST", "Case", "Event", "Figures", "Filter",
    "NewCase", "OpenCase", "assign", "close_case", "count", "figures", "get", "history", "listing",
    "note", "open_all", "open_case", "open_cases", "reopen", "resume", "selling_muted", "wait",
]  # fmt: skip
