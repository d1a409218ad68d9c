"""The tools, and the helpers of the peer's that its tests call directly."""

from typing import Any

from alias import peers_own
from toolrun.tools import *  # noqa: F403
from toolrun.tools import DirectlyInjectedToolArg as _DirectlyInjectedToolArg  # noqa: F401
from toolrun.tools._output import TOOL_MESSAGE_BLOCK_TYPES  # noqa: F401
from toolrun.tools._output import format_output as _format_output  # noqa: F401
from toolrun.tools._output import is_message_content_block as _is_message_content_block  # noqa: F401
from toolrun.tools._output import normalize_message_content as _normalize_message_content  # noqa: F401


def get_all_basemodel_annotations(*args: Any, **kwargs: Any) -> Any:
    """The peer's own: toolrun needs nothing like it."""
    return peers_own("tools.base").get_all_basemodel_annotations(*args, **kwargs)
