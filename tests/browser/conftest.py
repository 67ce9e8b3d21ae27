"""Headless Chromium for standalone pages, none of which may send requests off the machine."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the Chromium to use: one named by ``CHROMIUM``, or an installed one."""
    installed = filter(None, map(shutil.which, NAMES))
    return os.environ.get("CHROMIUM") or next(installed, None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser; tests that need one are skipped if there is none."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()
