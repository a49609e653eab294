"""A system that sends the last seven days again every night: values in quotes between semicolons, with what has vanished meanwhile simply absent.

A stay is sent for seven days after the admission and for seven days after the discharge, under the day of its last change.
"""

from __future__ import annotations

from suwen.simulate.dialects.events import Style, kinds, masters
from suwen.simulate.dialects.second_thoughts import with_mistakes
from suwen.simulate.dialects.system import System
from suwen.simulate.dialects.text import Form

_OF_VISIT = {"patient": "HZID", "visit": "JZID"}
_END = {"changed": "SJRQ"}

STYLE = Style(
    headings={
        "departments": {"code": "KSID", "name": "KSMC"},
        "doctors": {"code": "YSID", "name": "XM", "sex": "XB", "department": "KSID", "title": "ZC"},
        "patients": {
            "patient": "HZID", "name": "XM", "sex": "XB", "born": "CSRQ", "resident": "SFZHM", "ethnic": "MZ", "address": "ZZ", "area": "DQDM",
            "phone": "SJH", "occupation": "ZY", **_END,
        },
        "registrations": {
            "visit": "JZID", "patient": "HZID", "class": "JZLX", "start": "KSSJ", "end": "JSSJ", "department": "KSID",
            "doctor": "YSID", "payer": "FYLY", **_END,
        },
        "stays": {
            "visit": "JZID", "patient": "HZID", "class": "JZLX", "times": "ZYCS", "start": "KSSJ", "end": "JSSJ", "department": "KSID",
            "department_out": "CYKSID", "ward": "BQ", "bed": "CW", "doctor": "YSID", "route": "RYTJ", "way": "LYFS", "payer": "FYLY", "days": "ZYTS",
            "planned": "ZZYJH", **_END,
        },
        "diagnoses": {**_OF_VISIT, "rank": "XH", "type": "LX", "code": "ICD", "name": "MC", "on_admission": "RYBQ", **_END},
        "procedures": {**_OF_VISIT, "rank": "XH", "code": "BM", "name": "MC", "level": "JB", "doctor": "YSID", "anaesthesia": "MZ", "incision": "QK", **_END},
        "theatre": {
            **_OF_VISIT, "rank": "XH", "session": "TC", "code": "BM", "name": "MC", "level": "JB", "unplanned": "FJHCF", "anaesthesia": "MZ", "incision": "QK",
            **_END,
        },
        "orders": {
            "number": "YZID", **_OF_VISIT, "code": "YPBM", "name": "YPMC", "spec": "GG", "dose": "JL", "dose_unit": "JLDW", "per_day": "PC", "route": "TJ",
            "quantity": "SL", "days": "TS", "long_term": "CQ", "end": "TZSJ", **_END,
        },
        "charges": {
            "number": "SFID", **_OF_VISIT, "fee": "FYLB", "code": "XMBM", "name": "XMMC", "quantity": "SL", "price": "DJ", "amount": "JE",
            "insured": "TC", **_END,
        },
        "results": {
            "sample": "BBH", **_OF_VISIT, "code": "XMBM", "name": "XMMC", "value": "JG", "unit": "DW", "range": "CKZ", "flag": "BZ", "sampled": "CYSJ", **_END,
        },
        "vitals": {**_OF_VISIT, "code": "XMBM", "value": "Z", "unit": "DW", **_END},
        "reports": {"number": "BGID", **_OF_VISIT, "code": "JCBM", "name": "JCMC", "performed": "JCSJ", "text": "JL", **_END},
        "cards": {
            "number": "KPID", **_OF_VISIT, "code": "ICD", "name": "MC", "onset": "FBRQ", "diagnosed": "ZDSJ", "area": "DQDM", "confirmed": "SYSQZ", **_END,
        },
    },
    files={
        "departments": "ht_ks_{date}.csv", "doctors": "ht_ys_{date}.csv", "patients": "ht_hz_{date}.csv", "registrations": "ht_mz_{date}.csv",
        "stays": "ht_zy_{date}.csv", "diagnoses": "ht_zd_{date}.csv", "procedures": "ht_ss_{date}.csv", "theatre": "ht_sm_{date}.csv",
        "orders": "ht_yz_{date}.csv",
        "charges": "ht_sf_{date}.csv", "results": "ht_jy_{date}.csv", "vitals": "ht_tz_{date}.csv", "reports": "ht_jc_{date}.csv", "cards": "ht_crb_{date}.csv",
    },
    sex=("M", "F"),
    classes=("MZ", "JZ", "LG", "ZY", "RJ", "TJ"),
    ranks=("Z", "Q"),
    yes_no=("N", "Y"),
)  # fmt: skip
SYSTEM = System(
    name="window7",
    template="hengtai-his/window",
    form=Form(delimiter=";", newline="\n", quoted=True),
    kinds=tuple(with_mistakes(kind, "SFID") if kind.name == "charges" else kind for kind in kinds(STYLE)),
    masters=masters(STYLE),
    daily="window",
    daily_mode="window",
    window=7,
)
