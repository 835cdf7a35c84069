"""What other rooms may call."""

from __future__ import annotations

from touchloop.insight.models.seam import Feature, Kind, Metric, Run, Scored, Trained

__all__ = ["Feature", "Kind", "Metric", "Run", "Scored", "Trained"]
