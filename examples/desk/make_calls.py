"""Prints the desk's calls, always the same: 40 conversations of about ten calls, three of them wrong."""

import json
import random

CONVERSATIONS = 40
NAMES = ["Ada", "Bo", "Carla", "Dmitri", "Eun-ji", "Farid"]
MAKERS = {
    "find_customer": lambda dice: {"name": dice.choice(NAMES)},
    "get_invoice": lambda dice: {"number": dice.randint(1, 900)},
    "track_parcel": lambda dice: {"code": f"{dice.choice('AKXZ')}{dice.randint(100, 999)}"},
    "convert": lambda dice: {"amount": dice.randint(1, 900), "to": dice.choice(["USD", "JPY", "CHF"])},
    "fraud_score": lambda dice: {"order": f"O-{dice.randint(1, 999)}"},
    "export_tickets": lambda dice: {"count": dice.randint(1, 9)},
    "draft_reply": lambda dice: {"question": "where is my parcel?"},
    "refund": lambda dice: {"invoice": dice.randint(1, 60), "amount": dice.randint(5, 400)},
    "add_item": lambda dice: {"item": dice.choice(["lamp", "chair", "desk"]), "quantity": dice.randint(1, 3)},
    "checkout": lambda dice: {},
}
WRONG = [
    ("find_costumer", {"name": "Ada"}),  # no such tool
    ("convert", {"amount": "ten", "to": "JPY"}),  # not a number
    ("refund", {"invoice": 7, "amount": 9000}),  # more than is allowed
]


def main() -> None:
    """One native line a call, the conversations mixed as they would be in a log."""
    dice = random.Random(11)
    calls = [(f"talk-{talk}", "add_item", MAKERS["add_item"](dice)) for talk in range(CONVERSATIONS)]
    calls += [(f"talk-{talk}", *_call(dice)) for _ in range(9) for talk in range(CONVERSATIONS)]
    calls += [("talk-0", name, arguments) for name, arguments in WRONG]
    for number, (session, name, arguments) in enumerate(calls, 1):
        print(json.dumps({"id": f"call-{number}", "session": session, "name": name, "arguments": arguments}))


def _call(dice: random.Random) -> tuple[str, dict[str, object]]:
    name = dice.choices(list(MAKERS), [1 if name == "checkout" else 3 for name in MAKERS])[0]
    return name, MAKERS[name](dice)


if __name__ == "__main__":
    main()
