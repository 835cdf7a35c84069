"""What other rooms may use of the flow."""

from touchloop.flow.exporting import rebuild as rebuild_lake
from touchloop.flow.state import Lag, Living, lag, living_workers
from touchloop.flow.worker import drain, run

__all__ = ["Lag", "Living", "drain", "lag", "living_workers", "rebuild_lake", "run"]
