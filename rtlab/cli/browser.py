"""The Chromium of this machine without a window: where it is, and what it is started with to do nothing unasked."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
# what Playwright itself leaves out, for one list replaces the other; then the popups of the address bar, which
# nobody sees: two pages that each window would load beside ours
_LEFT_OUT = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "WebUIOmniboxPopup",
)
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(_LEFT_OUT)}",
)
"""What it is started with to be alone with its page."""
FLAGS = ("--disable-gpu", *QUIET)
"""The same, and it draws by itself: what is measured and tested is so on every machine."""


def chromium_path() -> str:
    """Give the path of a Chromium, or nothing."""
    return next(filter(None, map(shutil.which, NAMES)), "")
