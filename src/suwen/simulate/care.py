"""What happens in the visits of a block: orders, results, vital signs, procedures, reports, charges and settlements."""

from __future__ import annotations

from typing import Protocol

from suwen.simulate.catalogue import Catalogue
from suwen.simulate.charges import charges
from suwen.simulate.course import course
from suwen.simulate.orders import orders
from suwen.simulate.procedures import procedures
from suwen.simulate.reports import reports
from suwen.simulate.results import panels_of, results, vitals
from suwen.simulate.shapes import Block


class Settings(Protocol):
    """What care asks of the settings: the seed, and the last simulated day as a day number."""

    @property
    def seed(self) -> int: ...
    @property
    def last(self) -> int: ...


def care(knowledge: Catalogue, settings: Settings, block: Block) -> Block:
    """The block with procedure, order, result, vital, report, charge and settlement besides its person, visit and diagnosis.

    Rows stand in the order of the block's visits; numbers of samples, orders, reports and charges are the visit's number times a constant and more,
    so that a block made alone has the numbers it has among others. What is reported after the last day is not there, what is charged till then is.
    """
    seen = course(settings.seed, settings.last, block)
    panels, turn, sampled = panels_of(knowledge, seen)
    made = {"order": orders(knowledge, seen), "procedure": procedures(knowledge, seen)}
    made["report"], ready = reports(knowledge, seen)
    charge, settlement = charges(knowledge, seen, made, panels, sampled)
    return Block(
        block.number,
        {
            **block.rows,
            **made,
            "report": ready,
            "result": results(knowledge, seen, panels, turn, sampled),
            "vital": vitals(knowledge, seen),
            "charge": charge,
            "settlement": settlement,
        },
    )
