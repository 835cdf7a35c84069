"""What other rooms ask of lifetime value; SciPy is loaded when somebody does."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any, Literal

from touchloop.core.errors import Invalid

Unit = Literal["week", "day"]
YEAR = 365.25
DISCOUNT = 0.10  # a year


def fit_clv(
    path: Path,
    *,
    calibration_end: date | None = None,
    unit: Unit = "week",
    horizon_months: float = 12.0,
    discount: float = DISCOUNT,
) -> dict[str, Any]:
    """Fit the buying models to a file of purchases (customer, date, value).

    Gives plain values: models with parameters and log-likelihoods, the one chosen, the hold-out
    after `calibration_end`, and words. Raises Invalid for a file that cannot be used.
    """
    from touchloop.insight.scores.lifetime import reporting

    if not 0 < horizon_months <= 240:
        raise Invalid("horizon", "between 0 and 240 months")
    if not 0 <= discount < 10:
        raise Invalid("discount", "a yearly rate such as 0.10")
    found = reporting.of_file(
        path,
        calibration_end=None if calibration_end is None else (calibration_end - _EPOCH).days,
        unit=7.0 if unit == "week" else 1.0,
        horizon=horizon_months * YEAR / 12.0,
        discount=discount,
    )
    return {key: _finite(value) for key, value in found.items()}


def fit_contracts(path: Path, *, discount: float = DISCOUNT) -> dict[str, Any]:
    """Fit sBG to a file of contracts (tenure, churned). Raises Invalid."""
    from touchloop.insight.scores.lifetime import reporting

    return reporting.contract(path, discount=discount)


def _finite(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


_EPOCH = date(1970, 1, 1)
