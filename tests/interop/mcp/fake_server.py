"""An MCP server by hand, without an SDK, so that it can do what no SDK lets a server do.

    python fake_server.py TOOLS.json [FOLDER]

TOOLS.json is the list of its tools. What a call does is in the arguments: `send` are messages, or lines as they
stand, that go out before the answer, `result` or `error` is the answer, without either there is none; `do` is one of
the functions below. Beside `FOLDER`/starts, to which each start adds a line, it keeps nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CANCELLED: list[Any] = []
REVISION = "2025-11-25"


def send(message: Any) -> None:
    line = message if isinstance(message, str) else json.dumps(message)
    sys.stdout.buffer.write(line.encode("latin-1") + b"\n")
    sys.stdout.buffer.flush()


def text(said: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}]}


def progress(token: Any, step: int, message: str = "") -> dict[str, Any]:
    params = {"progressToken": token, "progress": step, "total": 3, "message": message}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


# --- what a call may do; what it returns is the result, and None is no answer ---


def die(token: Any, arguments: dict[str, Any]) -> Any:
    sys.stderr.write("I cannot go on\n")
    sys.stderr.flush()
    os._exit(3)


def stall(token: Any, arguments: dict[str, Any]) -> Any:
    return None


def begin(token: Any, arguments: dict[str, Any]) -> Any:
    """Say that the request is there, and no more."""
    send(progress(token, 1))


def deaf(token: Any, arguments: dict[str, Any]) -> Any:
    """Read no more."""
    time.sleep(3600)


def cancelled(token: Any, arguments: dict[str, Any]) -> Any:
    return text(json.dumps(CANCELLED))


def pids(token: Any, arguments: dict[str, Any]) -> Any:
    child = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL)
    return text(f"{os.getpid()} {child.pid}")


def meta(token: Any, arguments: dict[str, Any]) -> Any:
    return text(json.dumps(arguments["meta"]))


def environment(token: Any, arguments: dict[str, Any]) -> Any:
    return text(json.dumps(dict(os.environ)))


def steps(token: Any, arguments: dict[str, Any]) -> Any:
    for step in range(1, 1 + arguments["steps"]):
        time.sleep(arguments["pause"])
        send(progress(token, step, f"step {step}"))
    return text("done")


def flood(token: Any, arguments: dict[str, Any]) -> Any:
    for step in range(arguments["times"]):
        send(progress(token, step))
        send({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "debug", "data": step}})
        send("rubbish")
    return text("done")


def endless(token: Any, arguments: dict[str, Any]) -> Any:
    while True:
        sys.stdout.buffer.write(b"x" * 65536)


def stubborn(token: Any, arguments: dict[str, Any]) -> Any:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    globals()["ends_with_its_input"] = False
    return text(str(os.getpid()))


ends_with_its_input = True


def answer_call(message: dict[str, Any]) -> None:
    arguments = message["params"].get("arguments") or {}
    meta = message["params"].get("_meta", {})
    arguments["meta"], token = meta, meta.get("progressToken")
    for each in arguments.get("send", ()):
        send(each)
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": arguments.get("id", message["id"])}
    if "error" in arguments:
        send(answer | {"error": arguments["error"]})
        return
    result = globals()[arguments["do"]](token, arguments) if "do" in arguments else arguments.get("result")
    if result is not None:
        send(answer | {"result": result})


def answer(message: dict[str, Any], tools: list[Any]) -> None:
    match message.get("method"):
        case "initialize":
            info = {"name": "fake", "version": "1"}
            result: Any = {"protocolVersion": REVISION, "capabilities": {"tools": {}}, "serverInfo": info}
            send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        case "tools/list":
            page = int(message.get("params", {}).get("cursor", 0))
            listed = {"tools": tools[page : page + 1], "nextCursor": str(page + 1)}
            if page + 1 == len(tools):
                del listed["nextCursor"]
            send({"jsonrpc": "2.0", "id": message["id"], "result": listed})
        case "tools/call":
            answer_call(message)
        case "notifications/cancelled":
            CANCELLED.append(message["params"]["requestId"])
        case _ if "id" in message:
            send({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}})


def main(tools: str, folder: str | None = None) -> None:
    if folder is not None:
        with Path(folder, "starts").open("a") as starts:
            starts.write("started\n")
        if Path(folder, "broken").exists():
            sys.exit("broken since")
    for line in sys.stdin:
        answer(json.loads(line), json.loads(tools))
    while not ends_with_its_input:
        time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
