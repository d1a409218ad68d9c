"""LangChain and LangGraph: their tools here, ours there, and one tree of runs (`pip install 'toolrun[langchain]'`).

    from_langchain(tool)   a LangChain tool as one of ours
    to_langchain(tool)     one of ours as a LangChain tool
    for_langchain(handler) a handler of ours for LangChain's callbacks; only one with a background lane, or one whose
                           methods give coroutines, needs it: all others may be given to LangChain as they are
    install()              every LangChain tool and callback of this process runs on toolrun; uninstall() undoes it

Importing this package is enough for runs to nest both ways. Handlers of either library may be given to the other.

    _supported   is LangChain here, in a release that is known?
    _heard       a handler of ours, as LangChain calls handlers
    _scopes      from their callback managers to our scopes, and back
    _nesting     their account of which run the code is in, and ours
    _road        a call that came in their form, on our road
    _filling     what LangChain fills in for a tool's function
    _incoming    from_langchain
    _outgoing    to_langchain
    _events      LangChain's delivery of events, on ours
    _known       our tools around those of LangChain's that are called
    _installed   install, uninstall
"""

from __future__ import annotations

from toolrun.callbacks.context import live_beside
from toolrun.interop.langchain import _supported as _supported  # first: it says what is missing
from toolrun.interop.langchain._heard import for_langchain
from toolrun.interop.langchain._incoming import from_langchain
from toolrun.interop.langchain._installed import AlreadyRunning, install, is_installed, uninstall
from toolrun.interop.langchain._nesting import LANGCHAIN
from toolrun.interop.langchain._outgoing import to_langchain

__all__ = ["AlreadyRunning", "for_langchain", "from_langchain", "install", "is_installed", "to_langchain", "uninstall"]

live_beside(LANGCHAIN)
