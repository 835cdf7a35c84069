"""`fit` in a process of its own, as people start it: one line that says what is wrong, code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_an_empty_file_is_a_word(tmp_path: Path) -> None:
    (file := tmp_path / "empty.csv").write_text("\n")
    command = ["-m", "touchloop", "fit", "churn", str(file), "--target", "left", "--json"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is empty" in done.stderr and "Traceback" not in done.stderr
