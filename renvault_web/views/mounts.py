"""What the presenter keeps for each mounted view: options, memory, and the tree sent last.

Options come from attributes in JavaScript's names and units; what does not fit is as good as absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from . import banner, dashboard
from .banner import BannerMemory, BannerOptions
from .dashboard import DashboardOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .node import Node
    from .snapshot import Snapshot

HIDE_DELAYS = (0.0, 3600.0)
REFRESH_INTERVALS = (0.5, 3600.0)
"""Seconds."""


class BannerMount:
    """A mounted banner: its options, what it remembers, and the tree sent last."""

    def __init__(self) -> None:
        self.sent = ""
        self.memory = BannerMemory()
        self._options = BannerOptions()

    def configure(self, given: Mapping[str, object]) -> None:
        """Take over the element's attributes; what does not fit has its default."""
        default = BannerOptions()
        self._options = BannerOptions(
            enabled=_flag(given, "enabled", default.enabled),
            auto_hide=_flag(given, "autoHide", default.auto_hide),
            hide_delay=_seconds(given, "hideDelay", default.hide_delay, HIDE_DELAYS),
        )

    @property
    def enabled(self) -> bool:
        """Whether the element wants to show anything."""
        return self._options.enabled

    def step(self, snapshot: Snapshot) -> None:
        """Take note of ``snapshot``, whether it will be drawn or not."""
        self.memory = banner.step(self.memory, snapshot, snapshot.now, self._options)

    def draw(self, snapshot: Snapshot) -> Node:
        """Return the tree."""
        return banner.view(self.memory, snapshot)

    def next_change(self, now: float) -> float | None:
        """Return when to draw again without news, None for not."""
        return self.memory.next_change


class DashboardMount:
    """A mounted dashboard: its options and the tree sent last."""

    def __init__(self) -> None:
        self.sent = ""
        self._options = DashboardOptions()

    def configure(self, given: Mapping[str, object]) -> None:
        """Take over the element's attributes; what does not fit has its default."""
        default = DashboardOptions()
        self._options = DashboardOptions(
            enabled=_flag(given, "enabled", default.enabled),
            refresh_interval=_seconds(given, "refreshInterval", default.refresh_interval, REFRESH_INTERVALS),
            show_details=_flag(given, "showDetails", default.show_details),
        )

    def step(self, snapshot: Snapshot) -> None:
        """Remember nothing: the dashboard shows what is."""

    def draw(self, snapshot: Snapshot) -> Node:
        """Return the tree."""
        return dashboard.view(snapshot, self._options)

    def next_change(self, now: float) -> float | None:
        """Return the next refresh, for what no service tells."""
        return now + self._options.refresh_interval if self._options.enabled else None


Mount: TypeAlias = BannerMount | DashboardMount

MOUNTS: dict[str, type[BannerMount] | type[DashboardMount]] = {"banner": BannerMount, "dashboard": DashboardMount}


def _flag(given: Mapping[str, object], name: str, default: bool) -> bool:
    value = given.get(name)
    return value if isinstance(value, bool) else default


def _seconds(given: Mapping[str, object], name: str, default: float, allowed: tuple[float, float]) -> float:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    low, high = allowed
    return value / 1000 if low <= value / 1000 <= high else default
