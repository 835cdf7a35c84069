"""The one Spark of this process, started when it is first asked for.

Which one is said by settings: SPARK_REMOTE (sc://host:15002, Spark Connect) or SPARK_MASTER
(spark://host:7077, local[4], …), by default this machine's cores. Everything else about a cluster
stands where Spark looks for it, in `spark-defaults.conf` under SPARK_CONF_DIR. Starting takes
seconds, so a process keeps its Spark until it ends.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import shutil
import tempfile
import threading
import warnings
from typing import Any

from touchloop.core import settings
from touchloop.core.errors import WrongSetting

Session = Any  # pyspark is an extra: it must not be imported before somebody chose it

# What the meaning of a statement depends on. Without substitution ${x} in a text stays a text.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.variable.substitute": "false",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}

_PARTITIONS = "spark.sql.shuffle.partitions"  # by default for a cluster of fifty cores

_lock = threading.Lock()
_root: Session | None = None


def new_session() -> Session:
    """A session of its own, with own views, on the Spark of this process."""
    global _root
    with _lock:
        if _root is None or _stopped(_root):
            _root = _start()
        session = _root.newSession()
    for name, value in MEANING.items():
        session.conf.set(name, value)
    if not remote() and session.conf.get(_PARTITIONS) == "200":  # nobody chose another number
        cores = session.sparkContext.defaultParallelism
        session.conf.set(_PARTITIONS, str(min(200, 4 * cores)))
    return session


def remote() -> bool:
    """Whether Spark is reached by Spark Connect."""
    return bool(os.environ.get("SPARK_REMOTE", "").strip())


def check() -> None:
    """What can be known without starting: raises WrongSetting when Spark cannot be used here."""
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise WrongSetting(
            "TOUCHLOOP_ENGINE=spark needs the package pyspark: install touchloop[spark]"
        ) from error
    if remote():
        _check_remote()
        return
    master = _master()
    if not master.startswith(("local", "spark://", "yarn", "k8s://")):
        raise WrongSetting(
            "SPARK_MASTER must look like local[4], spark://host:7077, yarn or k8s://…,"
            f" not {master!r}"
        )
    if _java() is None:
        raise WrongSetting(
            "TOUCHLOOP_ENGINE=spark needs Java 17 or newer here: install a JRE or set JAVA_HOME,"
            " or let SPARK_REMOTE name a Spark Connect server"
        )


def _check_remote() -> None:
    given = os.environ["SPARK_REMOTE"].strip()
    if not given.startswith("sc://"):
        raise WrongSetting(f"SPARK_REMOTE must look like sc://host:15002, not {given!r}")
    try:
        for name in ("grpc", "grpc_status", "google.rpc", "zstandard", "pandas"):
            importlib.import_module(name)
    except ImportError as error:
        raise WrongSetting(
            f"SPARK_REMOTE needs the client of Spark Connect ({error.name} is missing): install"
            " pyspark[connect]"
        ) from error


def _start() -> Session:
    check()
    # Queries that fail would be logged with their text, and texts hold values of people.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of pandas, which is not used
        return _connected() if remote() else _started()


def _connected() -> Session:
    from pyspark.sql.connect.session import SparkSession

    try:
        return SparkSession.builder.remote(os.environ["SPARK_REMOTE"].strip()).create()
    except Exception as error:
        raise WrongSetting(
            f"SPARK_REMOTE: no Spark Connect server answers: {_line(error)}"
        ) from error


def _started() -> Session:
    from pyspark.sql import SparkSession

    master = _master()
    builder = SparkSession.builder.master(master).appName("touchloop")
    for name, value in {**MEANING, **_of_this_process(master)}.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:
        raise WrongSetting(
            f"SPARK_MASTER={master}: Spark does not start: {_line(error)}"
        ) from error
    atexit.register(_stop, session)
    return session


def _of_this_process(master: str) -> dict[str, str]:
    """No pages, nothing in the working folder; a local Spark is reached from this machine only."""
    folder = tempfile.mkdtemp(prefix="touchloop-spark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    found = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": os.path.join(folder, "warehouse"),
        "spark.local.dir": folder,
    }
    if master.startswith("local"):
        found |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    if master.startswith("local-cluster["):
        cores, megabytes = master.rstrip("]").split(",")[1:3]
        found |= {"spark.executor.memory": f"{megabytes.strip()}m"}
        found |= {"spark.executor.cores": cores.strip()}
    if master.startswith("local") and os.environ.get("LAKE_MEMORY_MB", "").strip():
        megabytes = str(settings.number("LAKE_MEMORY_MB", 1024, least=512))
        found |= {"spark.driver.memory": f"{megabytes}m"}
    return found


def _master() -> str:
    given = os.environ.get("SPARK_MASTER", "").strip()
    cores = settings.number("LAKE_THREADS", os.cpu_count() or 1, least=1)
    return given or f"local[{cores}]"


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME", "").strip()
    return shutil.which("java", path=os.path.join(home, "bin") if home else None)


def _stopped(session: Session) -> bool:
    if remote():
        return bool(session.client.is_closed) if hasattr(session.client, "is_closed") else False
    return session.sparkContext._jsc is None


def _stop(session: Session) -> None:
    try:
        session.stop()
    except Exception:  # the process ends: there is nobody to tell
        return


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
