"""What region.toml says of the engine, in [engine], [spark] and [ids]: checked, with file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace

from suwen.engine.spark.fixed import FIXED
from suwen.model.region import ENGINES, Settings, Spark
from suwen.packs.problem import nearest
from suwen.packs.section import Section

_MEMORY = re.compile(r"[1-9][0-9]{0,6}(MiB|GiB|MB|GB)")
_HOST = r"[A-Za-z0-9_.-]+:[0-9]{1,5}"
_MASTER = re.compile(rf"local(\[([1-9][0-9]*|\*)\])?|spark://{_HOST}(,{_HOST})*|yarn|k8s://\S+")
_CONFIG = re.compile(r"spark\.[A-Za-z0-9_.-]+")
_SECRET = re.compile(r"secret|password|token|credential|access\.key", re.IGNORECASE)


def read_settings(top: Section) -> Settings:
    """The engine's settings; mistakes are noted where they stand."""
    engine, ids = top.section("engine", ("use", "threads", "memory", "piece_mb")), top.section("ids", ("collisions", "bits"))
    settings = Settings(threads=os.cpu_count() or 1)
    if engine is not None:
        settings = _of_engine(engine, settings)
    spark = top.section("spark", ("master", "config"))
    if spark is not None:
        settings = replace(settings, spark=Spark(_master(spark), _config(spark)))
    if ids is not None:
        settings = replace(settings, id_bits=ids.whole("bits", settings.id_bits, least=8))
        if settings.id_bits > 63:
            ids.problem("bits", "ids have at most 63 bits", do="leave the key out")
    return settings


def _of_engine(engine: Section, settings: Settings) -> Settings:
    use = engine.text("use", required=False, default=settings.engine)
    if use not in ENGINES:
        engine.problem("use", f'unknown engine "{use}"', expected=" or ".join(ENGINES), do=nearest(use, ENGINES))
    memory = engine.text("memory", required=False, default=settings.memory)
    if not _MEMORY.fullmatch(memory):
        engine.problem("memory", f'"{memory}" is not an amount of memory', expected='a whole number with its unit, such as "4GiB" or "900MiB"')
    threads, piece_mb = engine.whole("threads", settings.threads, least=1), engine.whole("piece_mb", settings.piece_mb, least=1)
    return replace(settings, engine=use, memory=memory, threads=threads, piece_mb=piece_mb)


def _master(spark: Section) -> str:
    master = spark.text("master", required=False)
    if master and not _MASTER.fullmatch(master):
        spark.problem("master", f'"{master}" is no address of Spark', expected='such as "local[4]", "spark://host:7077", "yarn" or "k8s://https://host:443"')
    return master


def _config(spark: Section) -> Mapping[str, str]:
    """Further settings by their names in Spark; not those that decide what a result is, nor secrets."""
    section = spark.section("config", None)
    found: dict[str, str] = {}
    for name, value in section.data.items() if section else ():
        assert section is not None
        if not _CONFIG.fullmatch(name):
            section.problem(name, f'"{name}" is no setting of Spark', expected='a quoted name such as "spark.executor.memory"')
        elif name in FIXED or name == "spark.master":
            section.problem(name, f'"{name}" is not for a region to set', do="use the key master" if name == "spark.master" else "leave the key out")
        elif _SECRET.search(name):
            section.problem(name, f'"{name}" holds a secret', do="put it into spark-defaults.conf in the folder that SPARK_CONF_DIR names")
        elif isinstance(value, (str, bool, int, float)):
            found[name] = str(value).lower() if isinstance(value, bool) else str(value)
        else:
            section.problem(name, f'"{name}" is no text', expected="a text, a number, true or false")
    return found
