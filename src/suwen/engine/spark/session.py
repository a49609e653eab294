"""Spark's session: one for a process, on this machine, a standalone cluster or any other master."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from pyspark.sql import SparkSession

from suwen.base.errors import Defect, SuwenError
from suwen.engine.spark.fixed import FIXED
from suwen.model.region import Settings

JAVA = 17  # the oldest that PySpark 4.3 takes
_WHERE = "region.toml"
_STACK = "16m"  # of the driver's threads: a statement is parsed by recursion
_PATIENCE = 60.0  # seconds until a worker of a cluster must have come
_UNITS = {"GiB": "g", "MiB": "m", "GB": "g", "MB": "m"}
_STANDALONE = re.compile(r"([^:,/]+):([0-9]+)")
# Nothing of Spark's own log reaches the screen: its messages may repeat values of rows.
_LOG = "appender.none.type = Null\nappender.none.name = none\nrootLogger.level = off\nrootLogger.appenderRef.none.ref = none\n"
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_SPILL = ".spark-"
_lock = Lock()
_used: set[int] = set()  # sessions of engines that are open


def session(settings: Settings, scratch: Path) -> SparkSession:
    """A session with names of its own in the process's one application. Raises SuwenError where Java or the master is not to be had, or is another's."""
    with _lock:
        active = SparkSession.getActiveSession() or SparkSession._instantiatedSession
        master = settings.spark.master or f"local[{settings.threads}]"
        if active is not None and not stopped(active) and active.sparkContext.master != master:
            if _used:
                what = f"Spark runs on {active.sparkContext.master} in this process already"
                raise SuwenError(what, where=_WHERE, expected="one master at a time in a process", do="start another process")
            active.stop()
        if active is None or stopped(active):
            active = _started(settings, master, scratch)
        made = active.newSession()
        _used.add(id(made))
        return made


def unused(spark: SparkSession) -> None:
    """Tell that a session is used no more; the application goes on for the next, unless that is to run elsewhere."""
    _used.discard(id(spark))


def _started(settings: Settings, master: str, scratch: Path) -> SparkSession:
    _check_java()
    _check_reachable(master)
    spill = _spill(scratch)
    log = spill / "log.properties"
    log.write_text(_LOG, encoding="utf-8")
    logging.getLogger("SQLQueryContextLogger").disabled = True  # PySpark's own, which repeats statements and messages on the screen
    builder = SparkSession.builder.master(master).appName("suwen")
    for name, value in _settings(settings, master, log).items():
        builder = builder.config(name, value)
    try:
        made = builder.getOrCreate()
    except Exception as error:  # whatever Py4J makes of what the Java side says
        do = "mend what it names: memory in [engine], or a setting in [spark.config]"
        raise SuwenError(
            f"Spark did not start: {_said(error)}",
            where=_WHERE,
            expected=f"the master {master}",
            do=do if master.startswith("local") else f"{do}; or look at the master's log",
        ) from None
    if master.startswith("local") and "PYSPARK_PYTHON" not in os.environ:
        made.sparkContext.pythonExec = sys.executable  # PySpark would take the first python3 of PATH, and heeds no setting where no spark-submit began it
    if master.startswith("spark://"):  # others start workers when there is work
        _await_worker(made, master)
    return made


def _settings(settings: Settings, master: str, log: Path) -> Mapping[str, str]:
    """All settings: ours for speed, the region's over them, and those on which the meaning rests over all."""
    amount, unit = re.fullmatch(r"([0-9]+)(\w+)", settings.memory).groups()  # type: ignore[union-attr]
    loopback = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    local = loopback if master.startswith("local") else {}
    ours = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": f"{amount}{_UNITS[unit]}",
        "spark.local.dir": str(log.parent),
        "spark.sql.shuffle.partitions": str(8 * settings.threads),
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",  # files are named one by one; a job to list them costs more than listing
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",  # without a file of checksums beside each
        "spark.sql.maxPlanStringLength": "2000",  # nobody reads how a statement was planned
        "spark.sql.ui.explainMode": "simple",
        "spark.scheduler.mode": "FAIR",
    }
    java_options = f"-Xss{_STACK} -Dlog4j2.configurationFile=file:{log} {settings.spark.config.get(_JAVA_OPTIONS, '')}"
    return {**ours, **local, **settings.spark.config, _JAVA_OPTIONS: java_options.strip(), **FIXED}


def _spill(scratch: Path) -> Path:
    """The process's own folder beside a scratch folder, for what Spark itself puts aside: a run empties the scratch folder, the session goes on."""
    for left in scratch.parent.glob(f"{_SPILL}*"):
        number = left.name.removeprefix(_SPILL)
        if number.isdigit() and not _is_alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)
    made = scratch.with_name(f"{_SPILL}{os.getpid()}")
    made.mkdir(parents=True, exist_ok=True)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _said(error: Exception) -> str:
    """The first line of what Java or PySpark says; there is no data yet that it could repeat."""
    try:
        java = getattr(error, "java_exception", None)
        text = str(java.getMessage()) if java is not None else str(error)
    except Exception:  # a gateway that is gone tells nothing
        text = ""
    return text.strip().split("\n", 1)[0][:300] or type(error).__name__


def _check_java() -> None:
    """Raises SuwenError where there is no Java, or one that Spark does not take."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    expected = f"Java {JAVA} or later on the PATH, or JAVA_HOME naming its folder"
    try:
        said = subprocess.run([java or "java", "-version"], capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        raise SuwenError("there is no Java, which Spark needs", where=home or "PATH", expected=expected, do="install Java, or set JAVA_HOME") from None
    found = re.search(r'version "(?:1\.)?([0-9]+)', said)
    if found is None or int(found[1]) < JAVA:
        version = found[1] if found else "of an unknown version"
        raise SuwenError(f"Java is {version}, too old for Spark", where=java or "PATH", expected=expected, do="install a newer Java, or set JAVA_HOME")


def _check_reachable(master: str) -> None:
    """Raises SuwenError where no host of a standalone master answers: Spark itself would try for minutes."""
    if not master.startswith("spark://"):
        return
    for host, port in _STANDALONE.findall(master.removeprefix("spark://")):
        try:
            with socket.create_connection((host, int(port)), timeout=10):
                return
        except (OSError, OverflowError):
            continue
    raise SuwenError("Spark's master cannot be reached", where=_WHERE, expected=f"a master that answers at {master}", do="start it, or mend [spark] master")


def _await_worker(made: SparkSession, master: str) -> None:
    """Raises SuwenError where no worker offers itself in time; a statement would wait for ever."""
    until = time.monotonic() + _PATIENCE
    context: Any = made.sparkContext._jsc
    while time.monotonic() < until:
        if context is None or context.sc().isStopped():
            break
        if context.sc().getExecutorMemoryStatus().size() > 1:  # the driver is one of them
            return
        time.sleep(0.2)
    made.stop()
    raise SuwenError(
        "no worker of Spark's cluster took up the work",
        where=_WHERE,
        expected=f"workers with free cores and memory at {master}",
        do="look at the master's page",
    )


def stopped(spark: SparkSession) -> bool:
    """Whether the application of a session has ended, by itself or by its master."""
    context: Any = spark.sparkContext._jsc
    return context is None or bool(context.sc().isStopped())


def java(spark: SparkSession) -> Any:
    """The door to Spark's Java side."""
    gateway = spark.sparkContext._jvm
    if gateway is None:
        raise Defect("Spark's Java side is gone")
    return gateway
