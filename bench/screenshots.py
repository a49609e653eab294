"""Pictures of the console: `python -m bench.screenshots REGION OUT` serves a region to Debian's chromium and photographs its pages.

Widths, languages and colours can be narrowed: `--width 390 --language zh --theme dark --page overview`. `--manual` takes the pictures of docs/images/console
instead. Needs `pip install playwright` and chromium.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from suwen.flow.region import open_region
from suwen.govern.control import opened
from suwen.model.region import Region

NAME = "photographer"
WIDTHS, LANGUAGES, THEMES = (1440, 390), ("en", "zh"), ("light", "dark")
_CODES = {"en": "en", "zh": "zh-hans"}
TALL, SHOWN = 1500, 1000  # pixels of a page that a picture of the manual shows from its top; width of a wide one
# picture of the manual: page, language, width of the window
MANUAL: Mapping[str, tuple[str, str, int]] = {
    "overview": ("overview", "en", 1440),
    "overview-zh": ("overview", "zh", 1440),
    "indicator": ("district", "en", 1440),
    "indicator-narrow-zh": ("district", "zh", 390),
    "record": ("record", "en", 1440),
    "person": ("person", "en", 1440),
}


@contextmanager
def served(region: Region) -> Iterator[str]:
    """A region served at a free port of this machine; gives the address."""
    opened(region)
    import waitress  # noqa: PLC0415 Django must know the region first
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    server = waitress.create_server(get_wsgi_application(), host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()


def visitor(region: Region, language: str, theme: str, who: str = NAME) -> tuple[str, str]:
    """An administrator's account for the pictures, with this language and these colours; gives its name and new password."""
    opened(region)
    from suwen.govern.people import accounts  # noqa: PLC0415
    from suwen.govern.people.models import User  # noqa: PLC0415
    from suwen.govern.policy.actions import Role  # noqa: PLC0415

    name, password = f"{who}-{language}-{theme}", secrets.token_urlsafe(18)
    user = User.objects.filter(name=name).first()
    if user is None:
        user, _ = accounts.add(name, NAME, full_name="Demo")
        accounts.bind(user, Role.ADMINISTRATOR, "", NAME)
    user.set_password(password)
    user.must_change_password, user.language, user.theme = False, _CODES[language], theme
    user.save()
    return name, password


def pages(region: Region) -> Mapping[str, str]:
    """name -> address of what is photographed; addresses of rows are found on the way."""
    feed = sorted(region.feeds)[0]
    hospital = region.feeds[feed].organisation
    return {
        "overview": "/",
        "indicators": "/indicators",
        "organisations": "/organisations",
        "organisation": f"/organisations/{hospital}",
        "feeds": "/feeds",
        "feed": f"/feeds/{feed}",
        "templates": "/templates",
        "template": f"/templates/{region.feeds[feed].template}",
        "releases": "/releases",
        "release": "/releases/1",
        "quarantine": "/quarantine",
        "reason": f"/quarantine?feed={feed}",
        "glossary": "/glossary",
        "search": "/search?q=s",
        "missing": "/organisations/nowhere",
    }


def _signed_in(browser: Any, address: str, width: int, account: tuple[str, str], scale: float = 1) -> Any:
    page = browser.new_context(viewport={"width": width, "height": 900}, device_scale_factor=scale).new_page()
    page.goto(f"{address}/sign-in")
    page.fill("[name=name]", account[0])
    page.fill("[name=password]", account[1])
    page.click("main button")
    page.wait_for_url(f"{address}/")
    return page


def _of_an_indicator(page: Any, address: str, wanted: Mapping[str, str]) -> Mapping[str, str]:
    """The pages that are found from the first page on: an indicator, a hospital's, a record, a person."""
    page.goto(f"{address}/")
    links = page.eval_on_selector_all(".multiples h3 a", "all => all.map(one => one.getAttribute('href'))")
    if not links:
        return wanted
    found = {**wanted, "indicator": next((one for one in links if "CE02?" in one), links[-1])}
    found["hospital"] = found["indicator"].split("?")[0] + "?unit=H0001"
    below = page.goto(f"{address}/indicators/QS02") and page.eval_on_selector_all(".tile a", "all => all.map(one => one.getAttribute('href'))")
    found["district"] = f"/indicators/QS02{below[0]}" if below else found["indicator"]
    page.goto(address + found["district"])
    for name, start in (("record", "/records/"), ("person", "/persons/")):
        rows = page.eval_on_selector_all(f'a[href^="{start}"]', "all => all.map(one => one.getAttribute('href'))")
        found |= {name: rows[0]} if rows else {}
    return found


def photograph(region: Region, out: Path, widths: list[int], languages: list[str], themes: list[str], only: list[str]) -> None:
    """Every page, in every width, language and theme that is asked for."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 not among the locked requirements

    out.mkdir(parents=True, exist_ok=True)
    accounts = {(language, theme): visitor(region, language, theme) for language in languages for theme in themes}
    with served(region) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for language in languages:
            for theme in themes:
                for width in widths:
                    page = _signed_in(browser, address, width, accounts[language, theme])
                    page.on("console", lambda said: print("  console:", said.text[:200]) if said.type in ("error", "warning") else None)
                    for name, path in _of_an_indicator(page, address, pages(region)).items():
                        if only and name not in only:
                            continue
                        page.goto(address + path)
                        page.wait_for_load_state("networkidle")
                        wide = page.evaluate("document.documentElement.scrollWidth")
                        page.screenshot(path=out / f"{name}-{language}-{theme}-{width}.png", full_page=True)
                        print(f"{name} {language} {theme} {width}{'  TOO WIDE ' + str(wide) if wide > width else ''}", flush=True)
                    page.context.close()
        browser.close()


def photograph_manual(region: Region, out: Path) -> None:
    """The pictures that the manual shows: the upper part of pages, small."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 not among the locked requirements

    accounts = {language: visitor(region, language, "light") for language in LANGUAGES}
    with served(region) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for picture, (name, language, width) in MANUAL.items():
            page = _signed_in(browser, address, width, accounts[language], min(1, SHOWN / width))
            page.goto(address + _of_an_indicator(page, address, pages(region))[name])
            page.wait_for_load_state("networkidle")
            tall = min(TALL, page.evaluate("document.documentElement.scrollHeight"))
            page.screenshot(path=out / f"{picture}.png", full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tall})
            print(picture, flush=True)
            page.context.close()
        browser.close()


def main() -> None:
    """Read what is asked, and photograph it."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("region", type=Path)
    reader.add_argument("out", type=Path)
    reader.add_argument("--manual", action="store_true", help="the pictures of docs/images/console, into OUT")
    reader.add_argument("--width", type=int, action="append", default=None)
    reader.add_argument("--language", action="append", choices=LANGUAGES)
    reader.add_argument("--theme", action="append", choices=THEMES)
    reader.add_argument("--page", action="append", default=[])
    asked = reader.parse_args()
    if asked.manual:
        photograph_manual(open_region(asked.region), asked.out)
        return
    photograph(open_region(asked.region), asked.out, asked.width or list(WIDTHS), asked.language or list(LANGUAGES), asked.theme or list(THEMES), asked.page)


if __name__ == "__main__":
    main()
