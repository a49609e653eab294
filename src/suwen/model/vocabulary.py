"""The vocabularies and domains that packs may name; the concepts themselves are loaded, never shipped."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suwen.model.cdm import read_rows

VOCABULARIES: Mapping[str, str] = MappingProxyType({row["vocabulary"]: row["en"] for row in read_rows("vocabulary.csv")})

# Domain ids of the OHDSI standardized vocabularies (https://athena.ohdsi.org).
DOMAINS: tuple[str, ...] = (
    "Condition",
    "Condition Status",
    "Condition/Device",
    "Condition/Meas",
    "Condition/Obs",
    "Condition/Procedure",
    "Cost",
    "Currency",
    "Device",
    "Device/Drug",
    "Device/Procedure",
    "Drug",
    "Drug/Procedure",
    "Episode",
    "Ethnicity",
    "Gender",
    "Geography",
    "Language",
    "Meas Value",
    "Meas Value Operator",
    "Meas/Procedure",
    "Measurement",
    "Metadata",
    "Note",
    "Obs/Procedure",
    "Observation",
    "Payer",
    "Place of Service",
    "Plan",
    "Plan Stop Reason",
    "Procedure",
    "Provider",
    "Race",
    "Regimen",
    "Relationship",
    "Revenue Code",
    "Route",
    "Spec Anatomic Site",
    "Spec Disease Status",
    "Specimen",
    "Sponsor",
    "Type Concept",
    "Unit",
    "Visit",
)
