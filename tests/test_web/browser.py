"""A headless Chromium, driven by selenium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ['Tab', 'missing', 'open_tab']

CHROMIUM = ('chromium', 'chromium-browser', 'google-chrome')
DRIVER = 'chromedriver'
#: The machine may train networks meanwhile.
PATIENCE = 90


def missing() -> str | None:
    """What a browser test lacks here; ``None``: nothing."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return 'selenium is not installed'
    if not any(map(shutil.which, CHROMIUM)):
        return 'there is no chromium'
    if not shutil.which(DRIVER):
        return 'there is no chromedriver'
    return None


class Tab:
    """The page, as a visitor has it."""

    def __init__(self, driver: 'Chrome') -> None:
        self.driver = driver

    def wait(self, condition, words: str = ''):
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.ui import WebDriverWait

        # What is drawn anew is stale for a moment.
        return WebDriverWait(
            self.driver,
            PATIENCE,
            poll_frequency=0.2,
            ignored_exceptions=(WebDriverException,),
        ).until(lambda _: condition(), words)

    def all(self, selector: str) -> list:
        from selenium.webdriver.common.by import By

        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [found.text for found in self.all(selector)]

    def await_text(self, selector: str) -> str:
        """The first text at a place, once there is one."""
        return self.wait(
            lambda: next(filter(None, self.texts(selector)), None),
            f'no text at {selector}',
        )

    def upload(self, path: Path) -> None:
        """Choose a file, as the dialogue of the drop zone does."""
        self.wait(lambda: self.all('#c2f-drop input'), 'no drop zone')
        (field,) = self.all('#c2f-drop input')
        field.send_keys(str(path))

    def scores(self, key: str = 'score') -> list[str]:
        return self.texts(f'[data-bars={key}] li')

    def set_slider(self, name: str, value: float) -> None:
        """Type a value into the field of a slider."""
        self.driver.execute_script(
            'const field = arguments[0]; field.value = arguments[1];'
            'field.dispatchEvent(new Event("input", {bubbles: true}));'
            'field.dispatchEvent(new Event("change", {bubbles: true}));',
            self.all(f'#c2f-{name} input[type=range]')[0],
            str(value),
        )

    def choose_mode(self, mode: str) -> None:
        (choice,) = self.all(f'#c2f-mode input[value={mode}]')
        choice.click()

    def foreign_requests(self, address: str) -> list[str]:
        """Addresses that the page has asked beside its own server."""
        asked = self.driver.execute_script(
            'return performance.getEntriesByType("resource")'
            '.map(entry => entry.name)'
        )
        own = (address, 'data:', 'blob:')
        return [name for name in asked if not name.startswith(own)]


@contextmanager
def open_tab(address: str, size: tuple[int, int]) -> Iterator[Tab]:
    """Open a page; the browser ends with the block.

    Args:
        address: Of the page.
        size: Of the window in pixels.
    """
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, CHROMIUM)))
    for word in (
        '--headless=new',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--disable-background-networking',
        '--hide-scrollbars',
        f'--window-size={size[0]},{size[1]}',
    ):
        options.add_argument(word)
    if hasattr(os, 'geteuid') and os.geteuid() == 0:
        options.add_argument('--no-sandbox')
    service = Service(shutil.which(DRIVER))
    driver = Chrome(options=options, service=service)
    try:
        driver.set_page_load_timeout(PATIENCE)
        driver.get(address)
        yield Tab(driver)
    finally:
        driver.quit()
