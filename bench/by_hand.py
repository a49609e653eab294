"""The Synthea mapping as a job written for Spark by hand: DataFrames, no SQL of ours, no hash of ours. What our engine on Spark is held against.

It reads the example's CSV files (or our staged Parquet, texts all the same), makes every row that the template `synthea/csv` makes, with all published
columns of each table, ids by Spark's own xxhash64, references by the same, and four columns of provenance (number of the file, number of the row, the
target's name, the run). Keyed records come once; a row without its required columns, or whose person is not there, is left out and counted while the
rest is written. Each table is one folder of zstd Parquet.

It does not do: versions of a key over several deliveries, content hashes and an index of keys, keyless records counted among their equals (their ids are
by place), reasons by record, dispositions and a ledger, fingerprints, parts by month, one file to a part, comparison with what stood before, Delta.
Codes of standard vocabularies are 0, as in a region without one.
"""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as f

from bench.family import FamilyClock
from bench.measure import ROOT, Measured, bytes_of
from bench.sources import ZONE

MAPS = ROOT / "src" / "suwen" / "packs" / "core" / "standard"
Columns = Mapping[str, Column]


def mapping(source: str, out: str, threads: int, memory: str, staged: bool = False) -> Measured:
    """Do the job. `source`: a folder of CSV files or, `staged`, of our staged Parquet by kind. Says rows and rejects by table, bytes, seconds to start."""
    began = time.perf_counter()
    spark = _session(threads, memory, Path(out))
    started = time.perf_counter() - began
    shutil.rmtree(out, ignore_errors=True)
    with FamilyClock() as clock:
        job = Job(spark, Path(source), staged)
        rows, rejects = job.write(Path(out))
    measured = clock.measured({"rows": rows, "rejects": rejects, "bytes": bytes_of(Path(out)), "start": started})
    spark.stop()
    return measured


def _session(threads: int, memory: str, out: Path) -> SparkSession:
    """As one sets Spark up for such a job on one machine: little to shuffle, one partition a core."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": memory.replace("GiB", "g"),
        "spark.local.dir": str(out.with_name("by-hand-spill")),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(2 * threads),
        "spark.sql.parquet.compression.codec": "zstd",
    }
    builder = SparkSession.builder.master(f"local[{threads}]").appName("by hand")
    for name, value in settings.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


class Job:
    """The mapping over one folder of source files."""

    def __init__(self, spark: SparkSession, source: Path, staged: bool) -> None:
        self._spark, self._source, self._staged = spark, source, staged
        self._persons: DataFrame | None = None

    def write(self, out: Path) -> tuple[dict[str, int], dict[str, int]]:
        """Write every table; gives its rows, and those left out."""
        self._persons = f.broadcast(self._read("patients").select(_id("person", f.col("Id")).alias("known")).distinct())
        rows, rejects = {}, {}
        for table, targets in self._tables().items():
            frame = None
            for target in targets:
                made = target()
                frame = made if frame is None else frame.unionByName(made)
            assert frame is not None
            counts = Observation()
            kept = f.col("_reason").isNull()
            seen = frame.observe(counts, f.count_if(kept).alias("rows"), f.count_if(~kept).alias("rejects"))
            seen.where(kept).drop("_reason").write.parquet(str(out / table))
            rows[table], rejects[table] = counts.get["rows"], counts.get["rejects"]
        return rows, rejects

    def _tables(self) -> Mapping[str, list[Callable[[], DataFrame]]]:
        return {
            "location": [self._location, self._organization_location],
            "person": [self._person],
            "death": [self._death],
            "care_site": [self._care_site],
            "provider": [self._provider],
            "visit_occurrence": [self._visit],
            "cost": [self._cost],
            "condition_occurrence": [self._condition],
            "drug_exposure": [self._medication, self._immunization],
            "procedure_occurrence": [self._procedure],
            "observation": [self._observation, self._allergy],
            "device_exposure": [self._device, self._supply],
            "payer_plan_period": [self._payer_plan_period],
        }

    def _read(self, kind: str) -> DataFrame:
        if self._staged:
            return self._spark.read.parquet(str(self._source / kind))
        path = self._source / f"{kind}.csv"
        with path.open(encoding="utf-8") as stream:
            names = next(csv.reader(stream))
        schema = ", ".join(f"`{name}` string" for name in names)
        return self._spark.read.csv(str(path), schema=schema, header=True, quote='"', escape='"', mode="PERMISSIVE")

    def _rows(self, table: str, target: str, source: DataFrame, columns: Columns, *, person: bool = True) -> DataFrame:
        """Rows of a table: its published columns in order, null where nothing is said, then provenance, and why a row is to be left out."""
        place = f.monotonically_increasing_id()
        origin = {"_receipt": f.lit(1).cast("bigint"), "_record": place, "_template": f.lit(target), "_run": f.lit(1).cast("bigint")}
        shape = _SHAPES[table]
        said = [(columns[name] if name in columns else f.lit(None)).cast(kind).alias(name) for name, kind, _ in shape]
        made = source.select(*said, *(value.alias(name) for name, value in origin.items()))
        missing = f.lit(False)
        for name, _, required in shape:
            missing = missing | f.col(name).isNull() if required else missing
        reason = f.when(missing, f.lit("a required column is empty"))
        if not person:
            return made.withColumn("_reason", reason)
        assert self._persons is not None
        joined = made.join(self._persons, f.col("person_id") == f.col("known"), "left")
        return joined.withColumn("_reason", reason.when(f.col("known").isNull(), f.lit("no such person"))).drop("known")

    def _location(self) -> DataFrame:
        rows = self._read("patients").dropDuplicates(["Id"])
        return self._rows("location", "location", rows, {**_address(), "location_id": _id("location", f.col("Id")), "county": _text("COUNTY")}, person=False)

    def _organization_location(self) -> DataFrame:
        rows = self._read("organizations").dropDuplicates(["Id"])
        return self._rows("location", "organization_location", rows, {**_address(), "location_id": _id("organization_location", f.col("Id"))}, person=False)

    def _person(self) -> DataFrame:
        born = _day("BIRTHDATE")
        columns = {
            "person_id": _id("person", f.col("Id")),
            "gender_concept_id": _concept("GENDER", "sex"),
            "gender_source_value": _text("GENDER"),
            "year_of_birth": f.year(born),
            "month_of_birth": f.month(born),
            "day_of_birth": f.day(born),
            "birth_datetime": born.cast("timestamp_ntz"),
            "race_concept_id": _concept("RACE", "race"),
            "race_source_value": _text("RACE"),
            "ethnicity_concept_id": _concept("ETHNICITY", "ethnicity"),
            "ethnicity_source_value": _text("ETHNICITY"),
            "location_id": _id("location", f.col("Id")),
            "person_source_value": _text("Id"),
        }
        return self._rows("person", "person", self._read("patients").dropDuplicates(["Id"]), columns, person=False)

    def _death(self) -> DataFrame:
        rows = self._read("patients").dropDuplicates(["Id"]).where(_text("DEATHDATE").isNotNull())
        columns = {"person_id": _id("person", f.col("Id")), "death_date": _day("DEATHDATE"), "death_type_concept_id": f.lit(32817)}
        return self._rows("death", "death", rows, columns)

    def _care_site(self) -> DataFrame:
        columns = {
            "care_site_id": _id("care_site", f.col("Id")),
            "care_site_name": _text("NAME"),
            "location_id": _id("organization_location", f.col("Id")),
            "care_site_source_value": _text("Id"),
        }
        return self._rows("care_site", "care_site", self._read("organizations").dropDuplicates(["Id"]), columns, person=False)

    def _provider(self) -> DataFrame:
        columns = {
            "provider_id": _id("provider", f.col("Id")),
            "provider_name": _text("NAME"),
            "care_site_id": _id("care_site", f.col("ORGANIZATION")),
            "gender_concept_id": _concept("GENDER", "sex"),
            "gender_source_value": _text("GENDER"),
            "specialty_concept_id": _concept("SPECIALITY", "speciality"),
            "specialty_source_value": _text("SPECIALITY"),
            "provider_source_value": _text("Id"),
        }
        return self._rows("provider", "provider", self._read("providers").dropDuplicates(["Id"]), columns, person=False)

    def _visit(self) -> DataFrame:
        start, stop = _local("START"), _local("STOP")
        columns = {
            "visit_occurrence_id": _id("visit", f.col("Id")),
            "person_id": _id("person", f.col("PATIENT")),
            "visit_concept_id": _concept("ENCOUNTERCLASS", "encounter-class"),
            "visit_start_date": start.cast("date"),
            "visit_start_datetime": start,
            "visit_end_date": stop.cast("date"),
            "visit_end_datetime": stop,
            "visit_type_concept_id": f.when(_text("STOP").isNull(), 32220).otherwise(32827),
            "provider_id": _id("provider", f.col("PROVIDER")),
            "care_site_id": _id("care_site", f.col("ORGANIZATION")),
            "visit_source_value": _text("ENCOUNTERCLASS"),
        }
        return self._rows("visit_occurrence", "visit", self._read("encounters").dropDuplicates(["Id"]), columns)

    def _cost(self) -> DataFrame:
        columns = {
            "cost_id": _id("visit_cost", f.col("Id")),
            "cost_event_id": _id("visit", f.col("Id")),
            "cost_domain_id": f.lit("Visit"),
            "cost_type_concept_id": f.lit(32814),
            "currency_concept_id": f.lit(44818668),
            "total_charge": _number("TOTAL_CLAIM_COST", "decimal(18,4)"),
            "paid_by_payer": _number("PAYER_COVERAGE", "decimal(18,4)"),
        }
        return self._rows("cost", "visit_cost", self._read("encounters").dropDuplicates(["Id"]), columns, person=False)

    def _condition(self) -> DataFrame:
        columns = {"condition_start_date": _day("START"), "condition_end_date": _day("STOP")}
        return self._event("conditions", "condition_occurrence", "condition", columns)

    def _medication(self) -> DataFrame:
        start, stop = _local("START"), _local("STOP")
        columns = {
            "drug_exposure_start_date": start.cast("date"),
            "drug_exposure_start_datetime": start,
            "drug_exposure_end_date": f.coalesce(stop, start).cast("date"),
            "drug_exposure_end_datetime": stop,
            "verbatim_end_date": stop.cast("date"),
        }
        return self._event("medications", "drug_exposure", "medication", columns, type_id=32838)

    def _immunization(self) -> DataFrame:
        at = _local("DATE")
        names = ("drug_exposure_start_date", "drug_exposure_end_date")
        columns = {**dict.fromkeys(names, at.cast("date")), "drug_exposure_start_datetime": at, "drug_exposure_end_datetime": at}
        return self._event("immunizations", "drug_exposure", "immunization", columns)

    def _procedure(self) -> DataFrame:
        start, stop = _local("START"), _local("STOP")
        columns = {
            "procedure_date": start.cast("date"),
            "procedure_datetime": start,
            "procedure_end_date": stop.cast("date"),
            "procedure_end_datetime": stop,
        }
        return self._event("procedures", "procedure_occurrence", "procedure", columns)

    def _observation(self) -> DataFrame:
        at, numeric = _local("DATE"), f.col("TYPE") == "numeric"
        unit = f.nullif(_text("UNITS"), f.lit("null"))
        columns = {
            "observation_date": at.cast("date"),
            "observation_datetime": at,
            "value_as_number": f.when(numeric, _number("VALUE", "decimal(24,8)")),
            "value_as_string": f.when(numeric, f.lit(None)).otherwise(_text("VALUE")),
            "value_source_value": _text("VALUE"),
            "unit_concept_id": f.when(unit.isNotNull(), 0),
            "unit_source_value": unit,
        }
        return self._event("observations", "observation", "observation", columns)

    def _allergy(self) -> DataFrame:
        columns = {
            "observation_concept_id": _concept("CATEGORY", "allergy-category"),
            "observation_date": _day("START"),
            "value_as_concept_id": f.when(_text("CODE").isNotNull(), 0),
            "value_as_string": _text("DESCRIPTION"),
            "value_source_value": _text("CODE"),
            "observation_source_value": _text("CATEGORY"),
            "observation_source_concept_id": f.lit(None),
        }
        return self._event("allergies", "observation", "allergy", columns)

    def _device(self) -> DataFrame:
        start, stop = _local("START"), _local("STOP")
        columns = {
            "device_exposure_start_date": start.cast("date"),
            "device_exposure_start_datetime": start,
            "device_exposure_end_date": stop.cast("date"),
            "device_exposure_end_datetime": stop,
            "unique_device_id": _text("UDI"),
        }
        return self._event("devices", "device_exposure", "device", columns)

    def _supply(self) -> DataFrame:
        columns = {"device_exposure_start_date": _day("DATE"), "quantity": _number("QUANTITY", "int")}
        return self._event("supplies", "device_exposure", "supply", columns)

    def _event(self, kind: str, table: str, target: str, columns: Columns, *, type_id: int = 32827) -> DataFrame:
        """Rows of a table of events, which all have a code, a person and a visit."""
        stem = {"condition_occurrence": "condition", "drug_exposure": "drug", "procedure_occurrence": "procedure", "device_exposure": "device"}.get(
            table, table
        )
        common = {
            f"{table}_id": _id(target, f.monotonically_increasing_id().cast("string")),
            "person_id": _id("person", f.col("PATIENT")),
            "visit_occurrence_id": _id("visit", f.col("ENCOUNTER")),
            f"{stem}_concept_id": f.lit(0),
            f"{stem}_source_value": _text("CODE"),
            f"{stem}_source_concept_id": f.lit(0),
            f"{stem}_type_concept_id": f.lit(type_id),
        }
        return self._rows(table, target, self._read(kind), {**common, **columns})

    def _payer_plan_period(self) -> DataFrame:
        payers = f.broadcast(self._read("payers").select(f.col("Id").alias("PAYER"), f.col("NAME").alias("PAYER_NAME")).dropDuplicates(["PAYER"]))
        rows = self._read("payer_transitions").join(payers, "PAYER", "left").where(f.coalesce(f.col("PAYER_NAME"), f.lit("")) != "NO_INSURANCE")
        columns = {
            "payer_plan_period_id": _id("payer_plan_period", f.monotonically_increasing_id().cast("string")),
            "person_id": _id("person", f.col("PATIENT")),
            "payer_plan_period_start_date": _local("START_YEAR").cast("date"),
            "payer_plan_period_end_date": _local("END_YEAR").cast("date"),
            "payer_concept_id": _concept("PAYER_NAME", "payer"),
            "payer_source_value": _text("PAYER_NAME"),
            "family_source_value": _text("MEMBERID"),
        }
        return self._rows("payer_plan_period", "payer_plan_period", rows, columns)


def _id(entity: str, key: Column) -> Column:
    """63 bits of Spark's own hash; null for an empty key."""
    key = f.nullif(key, f.lit(""))
    return f.when(key.isNotNull(), f.xxhash64(f.lit(entity), key).bitwiseAND(f.lit(2**63 - 1)))


def _text(name: str) -> Column:
    return f.nullif(f.trim(f.col(name)), f.lit(""))


def _day(name: str) -> Column:
    return f.expr(f"try_cast(`{name}` AS date)")


def _local(name: str) -> Column:
    """A time in UTC as that of the organisation's zone, without one."""
    return f.expr(f"cast(from_utc_timestamp(try_cast(`{name}` AS timestamp), '{ZONE}') AS timestamp_ntz)")


def _number(name: str, kind: str) -> Column:
    return f.expr(f"try_cast(`{name}` AS {kind})")


def _concept(name: str, listed: str) -> Column:
    """The concept of a code by one of the small lists of the packs; 0 where it has none, null where there is no code."""
    with (MAPS / f"synthea-{listed}.csv").open(encoding="utf-8") as stream:
        known = [(row["source_code"], int(row["concept_id"])) for row in csv.DictReader(stream) if row["concept_id"]]
    code = _text(name)
    found = f.when(code.isNull(), f.lit(None).cast("int"))
    for source, concept in known:
        found = found.when(code == source, concept)
    return found.otherwise(0)


def _address() -> Columns:
    texts = {"address_1": "ADDRESS", "city": "CITY", "state": "STATE", "zip": "ZIP", "location_source_value": "Id"}
    numbers = {"latitude": "LAT", "longitude": "LON"}
    return {**{to: _text(name) for to, name in texts.items()}, **{to: _number(name, "decimal(24,8)") for to, name in numbers.items()}}


def _shapes() -> Mapping[str, list[tuple[str, str, bool]]]:
    """Table -> (column, type in Spark, whether it must be there), as OMOP CDM 5.4 publishes them with ids of 64 bits."""
    from suwen.model.cdm import TABLES  # noqa: PLC0415 the names of columns are a standard's, and nothing else here is Suwen's

    kinds = {"TIMESTAMP": "timestamp_ntz", "VARCHAR": "string", "INTEGER": "int"}
    return {name: [(c.name, kinds.get(str(c.type), str(c.type).lower()), c.required) for c in table.columns] for name, table in TABLES.items()}


_SHAPES = _shapes()
