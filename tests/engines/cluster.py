"""A small real cluster of Spark for the tests: its two executors are processes of their own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

MASTER = "local-cluster[2,1,768]"
# Spark's own classes need no proof that they are sound: it takes seconds of each start.
JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
# Compiling what runs for milliseconds, and tasks for a few rows, cost more than they bring.
CALM = {
    "spark.driver.memory": "640m",
    "spark.driver.extraJavaOptions": JAVA,
    "spark.executor.extraJavaOptions": JAVA,
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


def settings(folder: Path) -> dict[str, str]:
    """The settings of the cluster; skips without Java, fails without it in CI."""
    if shutil.which("java") is None:
        missing = "Spark needs Java, and there is none: install openjdk-17-jre-headless"
        if os.environ.get("TOUCHLOOP_TEST_SPARK"):
            pytest.fail(missing)
        pytest.skip(missing)
    home, conf = folder / "spark", folder / "conf"
    for made in (home, conf):
        made.mkdir()
    written = "\n".join(f"{name} {value}" for name, value in CALM.items())
    (conf / "spark-defaults.conf").write_text(written)
    import pyspark

    # Workers of a local cluster write beside Spark's own files: here, to a folder of links.
    for part in Path(pyspark.__file__).parent.iterdir():
        if part.name != "work":
            (home / part.name).symlink_to(part)
    return {
        "SPARK_HOME": str(home), "SPARK_CONF_DIR": str(conf), "SPARK_MASTER": MASTER,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }  # fmt: skip
