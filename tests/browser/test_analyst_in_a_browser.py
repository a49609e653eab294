"""The analyst's way in a real browser, in both languages and three widths, with axe on every page; skipped where there is no chromium or playwright."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suwen.govern.policy.actions import Role
from tests.integration import served as region_served
from tests.integration.served import PASSWORD

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright axe-playwright-python)")
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
WIDTHS, LANGUAGES = (390, 820, 1440), {"en": "en", "zh": "zh-hans"}
GRAVE = ("serious", "critical")
OTHERS = ("/indicators", "/organisations", "/feeds", "/feeds/h0001-his", "/templates", "/releases", "/releases/1", "/glossary", "/search?q=h", "/account")
MONTH = "2025-06"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The served region at a port of this machine, with an analyst for each language."""
    served = region_served.shared(tmp_path_factory)
    import waitress  # noqa: PLC0415 Django must know the region first
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    from suwen.govern.people.models import User  # noqa: PLC0415

    for name, language in LANGUAGES.items():
        served.add(f"browsing-{name}", (Role.ANALYST, ""))
        User.objects.filter(name=f"browsing-{name}").update(language=language)
    served.add("browsing-administrator", (Role.ADMINISTRATOR, ""))
    server = waitress.create_server(get_wsgi_application(), host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Any]:
    """Chromium, started after the region is made: Django refuses its database inside the browser's loop."""
    with playwright_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visit:
    """One analyst's visit: pages looked at, each held against axe, its width, and what the browser complained of."""

    def __init__(self, browser: Any, address: str, language: str, width: int) -> None:
        self.address, self.language, self.width = address, language, width
        self.page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda one: self.complaints.append(one.url) if not one.url.startswith((address, "data:")) else None)

    def sign_in(self, name: str = "") -> None:
        """Through the form, as a person does."""
        self.page.goto(f"{self.address}/sign-in")
        self.look("sign in")
        self.page.fill("[name=name]", name or f"browsing-{self.language}")
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url(f"{self.address}/")

    def look(self, name: str) -> None:
        """Hold the page that is open against what every page promises."""
        self.page.wait_for_load_state("networkidle")
        found = axe_api.Axe().run(self.page).response["violations"]
        grave = [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found if one["impact"] in GRAVE]
        assert not grave, f"{name}: {grave}"
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width, f"{name} is wider than the screen"
        assert not self.complaints, f"{name}: {self.complaints}"

    def follow(self, selector: str, name: str) -> None:
        """Click the first link of that form and look at where it leads."""
        self.page.locator(selector).first.click()
        self.look(name)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_from_the_province_to_the_bytes(browser: Any, address: str, language: str, width: int) -> None:
    visit = Visit(browser, address, language, width)
    visit.sign_in()
    assert visit.page.get_attribute("html", "lang") == ("zh-CN" if language == "zh" else "en")
    visit.look("overview")
    visit.follow('.multiples a[href^="/indicators/SV01"]', "indicator")
    visit.page.goto(f"{address}/indicators/SV01?unit=990100&period={MONTH}")
    visit.look("indicator of the city")
    visit.follow('table a[href*="unit=990101"]', "indicator of the district")
    visit.follow('table a[href*="unit=H0001"]', "indicator of the hospital")
    visit.follow('a[href^="/records/"]', "record")
    assert "landing/objects/" in visit.page.inner_text("main")
    assert visit.page.locator("pre.bytes").first.is_visible()
    visit.follow('main a[href^="/persons/"]', "person")


def test_why_is_answered_without_leaving_the_page(browser: Any, address: str) -> None:
    visit = Visit(browser, address, "en", 1440)
    visit.sign_in()
    visit.page.goto(f"{address}/indicators/CE02?unit=H0001&period=2025-06&against=2025-03")
    visit.page.locator('#why a[hx-get*="by=age"]').click()
    visit.page.wait_for_selector('#why a[aria-current][hx-get*="by=age"]')
    visit.look("why")
    assert visit.page.url.endswith("against=2025-03")


def test_the_keyboard_reaches_the_content_and_the_search(browser: Any, address: str) -> None:
    visit = Visit(browser, address, "en", 1440)
    visit.sign_in()
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "main"
    visit.page.keyboard.press("/")
    visit.page.keyboard.type("SV0")
    visit.page.wait_for_selector("#hits a")
    assert "SV01" in visit.page.inner_text("#hits")
    visit.page.keyboard.press("Escape")
    assert visit.page.locator("#hits a").count() == 0


@pytest.mark.deep
@pytest.mark.parametrize(
    "name", ["/indicators", "/organisations", "/feeds", "/feeds/h0001-his", "/templates", "/releases", "/releases/1", "/glossary", "/search?q=h", "/account"]
)
@pytest.mark.parametrize("width", (390, 1440))
def test_other_pages_keep_the_same_promises(browser: Any, address: str, name: str, width: int) -> None:
    visit = Visit(browser, address, "zh", width)
    visit.sign_in()
    visit.page.goto(address + name)
    visit.look(name)


@pytest.mark.parametrize("width", (390, 1440))
def test_pages_of_an_administrator_keep_the_same_promises(browser: Any, address: str, width: int) -> None:
    visit = Visit(browser, address, "en", width)
    visit.sign_in("browsing-administrator")
    for name in ("/people", "/people/1", "/audit", "/quarantine", "/account", "/account/tokens", "/account/second-factor"):
        visit.page.goto(address + name)
        visit.look(name)


def test_pictures_are_made_for_the_manual(root: Path) -> None:
    """The pictures that the manual shows are there and small."""
    pictures = sorted((root / "docs/images/console").glob("*.png"))
    assert pictures
    assert all(picture.stat().st_size < 250_000 for picture in pictures)
