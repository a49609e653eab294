"""All systems, by name."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.simulate.dialects import frontpage, his_csv, his_gbk, lis, modern, window7
from suwen.simulate.dialects.system import System

SYSTEMS: Mapping[str, System] = {module.SYSTEM.name: module.SYSTEM for module in (his_gbk, his_csv, lis, modern, window7, frontpage)}
