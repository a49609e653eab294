"""The door to the world: a region from its settings, block by block, with the truth of its persons, links and outbreaks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suwen.simulate.contacts import Scene, make_contacts
from suwen.simulate.illness import befall
from suwen.simulate.knowledge import Knowledge, read_knowledge
from suwen.simulate.outbreaks import Outbreaks, case_reports, plan_outbreaks
from suwen.simulate.people import cut, make_people, resident_number
from suwen.simulate.places import Places, make_places, organisations_csv
from suwen.simulate.settings import Settings
from suwen.simulate.shapes import NONE, Block, Ints
from suwen.simulate.visits import NUMBERS, diagnosis_rows, settle, visit_rows, with_patients


class World:
    """A simulated region. `places`, `knowledge` and `outbreaks` hold for all of it; each block holds some persons' events and is made alone, in any order."""

    def __init__(self, settings: Settings, knowledge: Knowledge | None = None) -> None:
        self.settings = settings
        self.knowledge = knowledge or read_knowledge()
        self.places: Places = make_places(settings, self.knowledge)
        self.outbreaks: Outbreaks = plan_outbreaks(settings, self.knowledge, self.places)
        self._cut = cut(settings.persons)

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return self._cut.count

    def block(self, number: int) -> Block:
        """The block with this number: person, patient, visit, diagnosis and case_report."""
        person = make_people(self.settings, self.knowledge, self.places, self._cut, number)
        illness = befall(self.settings, self.knowledge, self.places, self.outbreaks, person)
        first = number * NUMBERS
        episodes = first + np.arange(len(illness.mode), dtype=np.int64)
        scene = Scene(self.settings, self.knowledge, self.places, person, illness, episodes)
        contacts, dying = settle(scene, make_contacts(scene))
        visit = visit_rows(scene, contacts, first)
        patient, visit = with_patients(scene, visit, number, self._cut.size)
        fatal = np.flatnonzero(dying == 1)
        died_in = np.full(len(person), NONE)
        died_in[illness.person[contacts["episode"][fatal]]] = visit["visit"][fatal]
        person = type(person)("person", {**person.columns, "died_in": died_in})
        roots = {"condition": illness.condition, "day": illness.day, "outbreak": illness.outbreak, "known": illness.known(self.settings.first)}
        rows = {
            "person": person,
            "patient": patient,
            "visit": visit,
            "diagnosis": diagnosis_rows(scene, contacts, visit),
            "case_report": case_reports(self.settings, self.knowledge, person, int(person["person"][0]), visit, roots, first),
        }
        return Block(number, rows)

    def organisations(self) -> str:
        """The text of organisations.csv."""
        return organisations_csv(self.settings, self.knowledge, self.places)

    def links(self, block: Block) -> Mapping[str, Ints]:
        """The truth of links: who is who in which hospital, by each local number; the resident id (17 digits, check place) where the hospital has it right."""
        person, patient = block.rows["person"], block.rows["patient"]
        twins = np.flatnonzero(patient["twin"] != NONE)
        at = np.concatenate([np.arange(len(patient)), twins])
        local = np.concatenate([patient["local"], patient["twin"][twins]])
        who = patient["person"][at] - person["person"][0]
        number, check = resident_number(self.knowledge.areas.codes[person["area"][who]], person["born"][who], person["serial"][who])
        right = patient["resident_id"][at] == 0
        return {
            "hospital": patient["hospital"][at],
            "local": local,
            "person": patient["person"][at],
            "resident_id": np.where(right, number, NONE),
            "check": np.where(right, check, NONE),
        }

    def outbreak_truth(self) -> Mapping[str, Ints]:
        """The planned outbreaks as columns; realised sizes are counted from `outbreak` in case_report."""
        plan = self.outbreaks
        columns = ("condition", "area", "start", "days", "size", "shape", "youngest", "oldest")
        return {"outbreak": np.arange(len(plan), dtype=np.int64), **{name: getattr(plan, name) for name in columns}}
