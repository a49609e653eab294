"""A standalone cluster of Spark on this machine: one master, two workers, each a process of its own that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.integration.on_spark import CONFIG

# What an executor may have, so that each worker takes one.
CLUSTER_CONFIG = {
    **CONFIG,
    "spark.executor.cores": "1",
    "spark.executor.memory": "512m",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
_PATIENCE = 120.0


@dataclass
class Cluster:
    """A running cluster: the address of its master, and its workers."""

    master: str
    workers: list[subprocess.Popen[bytes]]

    def kill_worker(self, number: int) -> None:
        """End a worker and the executor it has started, at once and without a word."""
        _kill(self.workers[number])


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """One master and two workers of one core each; everything ends with the `with`."""
    port = _free_port()
    address = f"spark://127.0.0.1:{port}"
    started = [_start(folder, "master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")]
    try:
        _await(port, started[0])
        for number in range(2):
            own = ("--cores", "1", "--memory", "600m", "--host", "127.0.0.1", "--webui-port", "0", "--work-dir", str(folder / f"work{number}"))
            started.append(_start(folder, f"worker{number}", "org.apache.spark.deploy.worker.Worker", *own, address))
        yield Cluster(address, started[1:])
    finally:
        for process in started:
            _kill(process)


def _start(folder: Path, name: str, word: str, *arguments: str) -> subprocess.Popen[bytes]:
    found = find_spec("pyspark")
    assert found is not None and found.origin is not None
    home = Path(found.origin).parent
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": CONFIG["spark.driver.extraJavaOptions"]}
    with (folder / f"{name}.log").open("wb") as log:
        command = [str(home / "bin" / "spark-class"), word, *arguments]
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True, cwd=folder)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """A process and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, "the master ended"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the master does not answer")
