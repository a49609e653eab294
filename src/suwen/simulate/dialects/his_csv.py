"""A hospital system that exports for people: CSV in UTF-8 with a byte order mark, Chinese headings and words, 2023/1/5 8:05:00.

Quirks: running numbers for drugs, results with the unit as printed on the form, a comma inside texts, which then stand in quotes.
"""

from __future__ import annotations

from suwen.simulate.dialects.events import Style, kinds, masters
from suwen.simulate.dialects.system import System
from suwen.simulate.dialects.text import Form, Words
from suwen.simulate.dialects.values import numbered

_OF_VISIT = {"patient": "患者编号", "visit": "就诊号"}


def _drugs(codes: Words) -> Words:
    return numbered("XY", codes)


STYLE = Style(
    headings={
        "departments": {"code": "科室编码", "name": "科室名称"},
        "doctors": {"code": "工号", "name": "姓名", "sex": "性别", "department": "科室编码", "title": "职称代码"},
        "patients": {
            "patient": "患者编号", "name": "姓名", "sex": "性别", "born": "出生日期", "resident": "身份证号", "ethnic": "民族代码", "address": "现住址",
            "area": "地区代码", "phone": "联系电话", "occupation": "职业代码", "registered": "建档时间",
        },
        "registrations": {
            "visit": "就诊号", "patient": "患者编号", "class": "就诊类型", "start": "就诊时间", "end": "结束时间", "department": "科室编码",
            "department_name": "科室名称", "doctor": "医生工号", "payer": "付费方式",
        },
        "stays": {
            "visit": "就诊号", "patient": "患者编号", "class": "就诊类型", "times": "住院次数", "start": "入院时间", "end": "出院时间",
            "department": "入院科室", "department_out": "出院科室", "ward": "病区", "bed": "床号", "doctor": "主治医生", "route": "入院途径",
            "way": "离院方式", "payer": "付费方式", "planned": "31天内再住院计划",
        },
        "diagnoses": {**_OF_VISIT, "rank": "序号", "type": "诊断类型", "code": "诊断编码", "name": "诊断名称", "time": "诊断时间"},
        "procedures": {
            **_OF_VISIT, "rank": "序号", "code": "手术编码", "name": "手术名称", "level": "手术级别", "time": "手术时间", "minutes": "时长(分钟)",
            "doctor": "术者", "anaesthesia": "麻醉方式", "incision": "切口愈合",
        },
        "theatre": {
            **_OF_VISIT, "rank": "手术序号", "session": "台次", "code": "手术编码", "name": "手术名称", "level": "手术级别", "time": "入室时间",
            "unplanned": "非计划重返", "anaesthesia": "麻醉方式", "incision": "切口愈合",
        },
        "orders": {
            "number": "医嘱号", **_OF_VISIT, "code": "药品编码", "name": "药品名称", "spec": "规格", "dose": "单次剂量", "dose_unit": "剂量单位",
            "per_day": "每日次数", "route_name": "给药途径", "quantity": "数量", "pack": "包装单位", "days": "天数", "long_term": "长期医嘱",
            "start": "开始时间", "end": "停止时间",
        },
        "charges": {
            "number": "收费流水号", **_OF_VISIT, "fee_name": "费用类别", "code": "项目编码", "name": "项目名称", "quantity": "数量", "price": "单价",
            "amount": "金额", "insured": "医保支付", "time": "收费时间",
        },
        "results": {
            "sample": "样本号", **_OF_VISIT, "code": "项目代码", "name": "项目名称", "value": "结果", "unit": "单位", "range": "参考范围",
            "sampled": "采样时间", "reported": "报告时间",
        },
        "vitals": {**_OF_VISIT, "code": "体征代码", "name": "体征", "value": "测量值", "unit": "单位", "time": "测量时间"},
        "reports": {"number": "报告号", **_OF_VISIT, "code": "检查代码", "name": "检查名称", "performed": "检查时间", "reported": "报告时间",
            "text": "报告内容"},
        "cards": {
            "number": "卡片编号", **_OF_VISIT, "code": "疾病编码", "name": "疾病名称", "onset": "发病日期", "diagnosed": "诊断时间", "reported": "报告时间",
            "area": "现住地区代码", "confirmed": "实验室确诊",
        },
    },
    files={
        "departments": "科室_{date}.csv", "doctors": "医生_{date}.csv", "patients": "患者信息_{date}.csv", "registrations": "门急诊就诊_{date}.csv",
        "stays": "住院登记_{date}.csv", "diagnoses": "诊断记录_{date}.csv", "procedures": "手术操作_{date}.csv", "theatre": "手术室登记_{date}.csv",
        "orders": "药品医嘱_{date}.csv",
        "charges": "收费明细_{date}.csv", "results": "检验结果_{date}.csv", "vitals": "生命体征_{date}.csv", "reports": "检查报告_{date}.csv",
        "cards": "传染病报卡_{date}.csv",
    },
    day="{y}/{m}/{d}",
    clock=" {h}:{n:02d}:{s:02d}",
    sex=("男", "女"),
    classes=("门诊", "急诊", "留观", "住院", "日间", "体检"),
    ranks=("主要诊断", "次要诊断"),
    yes_no=("否", "是"),
    drugs=_drugs,
    unit="shown",
)  # fmt: skip
SYSTEM = System(
    name="his_csv", template="chenxi-his/csv", form=Form(bom=True, newline="\r\n"), kinds=kinds(STYLE), masters=masters(STYLE),
    mode="snapshot", daily="changes", daily_mode="upsert",
)  # fmt: skip
