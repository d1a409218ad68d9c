"""Toolkits: tools that belong together."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pydantic import BaseModel, ConfigDict

from toolrun.tools.base import BaseTool


class BaseToolkit(BaseModel, ABC):
    """A set of tools that work with one system, with what they share as fields."""

    model_config = ConfigDict(defer_build=True)

    @abstractmethod
    def get_tools(self) -> list[BaseTool]:
        """The tools."""
