"""The examples of docs/guide/api.md run as they stand, against a server."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.api_callers import token_of
from tests.integration.served import Served


@pytest.fixture(scope="module")
def address(served: Served) -> Iterator[str]:
    """The API over HTTP."""
    import waitress  # noqa: PLC0415 after Django knows the region
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    server = waitress.create_server(get_wsgi_application(), host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}/api/v1"
    server.close()
    thread.join(10)


def blocks(root: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (root / "docs" / "guide" / "api.md").read_text("utf-8"), re.DOTALL)


def test_the_python_of_the_guide_runs(root: Path, served: Served, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUWEN", address)
    monkeypatch.setenv("TOKEN", token_of(served, "analyst"))
    printed, names = io.StringIO(), dict[str, object]()
    with contextlib.redirect_stdout(printed):
        for block in blocks(root, "python"):
            exec(compile(block, "docs/guide/api.md", "exec"), names)
    text = printed.getvalue()
    assert "2025-Q1" in text
    assert re.search(r"[1-9][0-9]* records behind the value", text)
    assert re.search(r"[1-9][0-9]* rows", text)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_shell_of_the_guide_runs(root: Path, served: Served, address: str, tmp_path: Path) -> None:
    environment = {**os.environ, "SUWEN": address, "TOKEN": token_of(served, "analyst"), "no_proxy": "127.0.0.1"}
    said = ""
    for block in blocks(root, "sh")[1:]:
        done = subprocess.run(
            ["sh", "-e"], input=block.replace("curl -s", "curl -sf"), env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        said += done.stdout
    assert '"by_token": true' in said
    assert '"effects"' in said
    assert (tmp_path / "visits.csv").read_bytes().startswith(b"\xef\xbb\xbfcode,unit,period,value")
