"""Toolkits: tools that belong together."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pydantic import BaseModel

from toolrun.tools.base import BaseTool


class BaseToolkit(BaseModel, ABC):
    """A set of tools that work with one system, with what they share as fields."""

    @abstractmethod
    def get_tools(self) -> list[BaseTool]:
        """The tools."""
