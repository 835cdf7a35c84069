"""The server's settings: durable, sized to the machine, tuned for a log that grows at its end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MB = 1 << 20
FILE = "touchloop.conf"
LOCAL = "local.conf"  # the operator's own settings; read last, never written by us


def render(*, sockets: Path, port: int, fsync: bool = True, memory: int | None = None) -> str:
    """The text of touchloop.conf. `memory` is the machine's, in bytes."""
    memory = memory or machine_memory()
    shared = min(memory // 4, 2048 * MB)
    values: dict[str, str | int | float] = {
        "listen_addresses": "''",
        "unix_socket_directories": f"'{sockets}'",
        "unix_socket_permissions": "0700",
        "port": port,
        "max_connections": 60,
        "cluster_name": "'touchloop'",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        # An acknowledged interaction is on the disk.
        "fsync": "on" if fsync else "off",
        "full_page_writes": "on" if fsync else "off",
        "synchronous_commit": "on",
        # Memory.
        "shared_buffers": f"{max(shared // MB, 32)}MB",
        "effective_cache_size": f"{max(memory // 2 // MB, 64)}MB",
        "work_mem": f"{min(max(memory // 512 // MB, 4), 64)}MB",
        "maintenance_work_mem": f"{min(max(memory // 32 // MB, 32), 512)}MB",
        "wal_buffers": "16MB",
        "dynamic_shared_memory_type": "posix" if _roomy_shm() else "mmap",
        # Few, spread-out checkpoints: the log arrives all day long.
        "max_wal_size": "4GB",
        "min_wal_size": "512MB" if fsync else "80MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": 0.9,
        # Short, known queries: compiling them costs more than it saves.
        "jit": "off",
        "random_page_cost": 1.1,
        "deadlock_timeout": "200ms",
        "idle_in_transaction_session_timeout": "10min",
        # Tables that only grow need freezing and fresh statistics early, in small portions.
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_scale_factor": 0.05,
        "autovacuum_vacuum_insert_scale_factor": 0.1,
        "autovacuum_analyze_scale_factor": 0.02,
        "autovacuum_vacuum_cost_limit": 1000,
        # A week of the server's own log, overwritten in turn.
        "logging_collector": "on",
        "log_directory": "'log'",
        "log_filename": "'postgresql-%a.log'",
        "log_rotation_age": "1d",
        "log_rotation_size": 0,
        "log_truncate_on_rotation": "on",
        "log_checkpoints": "off",
    }
    lines = [f"{name} = {value}" for name, value in values.items()]
    head = "# Written by Touchloop at each start. Your own settings go to local.conf beside it."
    return "\n".join([head, *lines, f"include_if_exists = '{LOCAL}'", ""])


def machine_memory() -> int:
    """The machine's memory in bytes, or the container's limit when that is lower."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in (
        Path("/sys/fs/cgroup/memory.max"),
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ):
        try:
            physical = min(physical, int(limit.read_text()))
        except (OSError, ValueError):
            continue
    return physical


def _roomy_shm() -> bool:
    """Containers often give /dev/shm 64 MB: too little for parallel queries."""
    try:
        return shutil.disk_usage("/dev/shm").total >= 512 * MB
    except OSError:
        return False
