"""The lake: the history of interactions in an open table format, and the engine that queries it.

Owns the Delta tables `interactions` and `lines`, and `lake_exports` (which batches went in).
Reads nothing by itself: callers hand it the rows of the log.
Offers export (each row once), compaction, rebuild, erasure, and an analytical engine.
"""
