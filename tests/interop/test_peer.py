"""A bridge says what it needs of the library on its other side."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from toolrun.errors import MissingExtra, UnsupportedRelease
from toolrun.interop import _peer


def installed(monkeypatch: pytest.MonkeyPatch, release: str | None) -> None:
    def version(package: str) -> Any:
        if release is None:
            raise PackageNotFoundError(package)
        return release

    monkeypatch.setattr(_peer, "version", version)


def test_a_missing_library_is_an_import_error_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, None)
    with pytest.raises(MissingExtra, match=r"'mcp' is not installed.*pip install 'toolrun\[mcp\]'") as caught:
        _peer.require("mcp", "mcp", since="2.3", before="3")
    assert isinstance(caught.value, ImportError)


@pytest.mark.parametrize("release", ["1.27.1", "2.2", "2.2.9", "3.0", "3.0.0rc1"])
def test_a_release_outside_the_bounds_is_refused_with_them(release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, release)
    with pytest.raises(UnsupportedRelease, match=f"mcp {release} is installed.*from 2.3 on, before 3"):
        _peer.require("mcp", "mcp", since="2.3", before="3")


@pytest.mark.parametrize("release", ["2.3", "2.3.0", "2.10.1", "2.99.0b1"])
def test_releases_within_the_bounds_will_do(release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, release)
    _peer.require("mcp", "mcp", since="2.3", before="3")
