"""What providers still owe us: the callbacks that follow from what was asked of them."""

from collections import Counter
from typing import Any

OK, CREATED = 200, 201


def at_rest(ours: Counter[str], log: list[dict[str, Any]], prompts: list[dict[str, Any]]) -> bool:
    """Tell whether all that the providers have to tell has been told, and was taken.

    Args:
        ours: the callbacks that follow from what was done by hand, by service.
        log: the simulators' journal, which says what follows from the rest.
        prompts: those on phones, ended ones too.
    """
    owed, told = Counter(ours), Counter[str]()
    for entry in log:
        if entry["direction"] == "request":
            owed.update(callbacks_of(entry))
        elif entry["status"] is None and not entry["note"]:
            return False
        elif entry["status"] is not None:
            assert entry["status"] == OK, f"refused: {entry['url']} {entry['answer']}"
            told[entry["service"]] += 1
    if any(prompt["status"] == "sending" for prompt in prompts):
        return False
    for prompt in prompts:
        owed[callback_of(prompt)] += prompt["status"] in {"paid", "failed"}
    return all(told[service] >= count for service, count in owed.items())


def callback_of(prompt: dict[str, Any]) -> str:
    """The service that tells of a prompt's outcome."""
    return "flutterwave_charge" if "provider" in prompt else "stk"


def callbacks_of(entry: dict[str, Any]) -> Counter[str]:
    """How many callbacks follow from one request of ours, by service."""
    match entry["service"]:
        case "sms" if entry["status"] == CREATED:
            return Counter(sms=2 * entry["answer"].count('"messageId":"ATXid'))
        case "b2c" | "status" | "flutterwave_transfer" if entry["status"] == OK:
            return Counter({entry["service"]: 1})
    return Counter()
