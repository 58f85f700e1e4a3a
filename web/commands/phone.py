"""``nafasi phone``: a phone in the terminal, over the simulators."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import fail, load_settings

if TYPE_CHECKING:
    import httpx

ANSWER_SECONDS = 20.0
SMS_SHOWN_MAX = 20
HELP = """\
dial [CODE]     dial our code, or another such as *384*7781*4507#
1, 25/12, ...   answer the screen; anything that is no command is an answer
say TEXT        answer the screen with TEXT, even if it looks like a command
hangup          end the conversation
sms TEXT        send an SMS to our short code
inbox           read the messages
pay             approve the M-Pesa prompt   (pay wrong_pin | cancelled | insufficient | timeout)
paybill ACCOUNT AMOUNT   pay by hand
quit\
"""


def phone(
    number: Annotated[str, typer.Argument(help="Whose phone it is.")] = "+254700000001",
    operator: Annotated[
        str | None,
        typer.Option(help="Over whom its calls come to us: africastalking, safaricom, ..."),
    ] = None,
) -> None:
    """Use a phone in the terminal: dial, answer, read SMS, pay."""
    import httpx

    settings = load_settings()
    if not settings.simulator_url:
        fail("There are no simulators to phone with. Is `nafasi up` running?")
    with httpx.Client(
        base_url=f"{settings.simulator_url}/simulator/api",
        timeout=ANSWER_SECONDS,
        trust_env=False,
    ) as client:
        handset = Handset(client, number, settings.ussd_code, typer.echo)
        if operator is not None and not handset.use(operator):
            raise typer.Exit(1)
        typer.echo(f"{number}. `dial` begins, `help` lists the rest, `quit` ends.")
        while handset.do(_typed(handset.prompt)):
            pass


def _typed(prompt: str) -> str:
    try:
        return input(prompt)
    except (EOFError, KeyboardInterrupt):
        return "quit"


class Handset:
    """A phone: reads what a person types and shows what comes back.

    Args:
        client: the simulators' control JSON.
        number: whose phone it is.
        code: what is dialled when nothing else is said.
        show: writes a line.
    """

    def __init__(
        self, client: "httpx.Client", number: str, code: str, show: Callable[[str], None]
    ) -> None:
        self._client = client
        self._number = number
        self._code = code
        self._show = show
        self._open = False

    def use(self, operator: str) -> bool:
        """Have calls come over an operator or aggregator; False when there is none such."""
        return self._ask("POST", "/phones", phone=self._number, operator=operator) is not None

    @property
    def prompt(self) -> str:
        """What stands before the cursor: whether a conversation is open."""
        return "answer> " if self._open else "phone> "

    def do(self, typed: str) -> bool:
        """Do what was typed; False when the person is done."""
        word, _, rest = typed.strip().partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "dial": lambda code: self._screen("dial", code=code or self._code),
            "say": lambda text: self._screen("answer", input=text),
            "hangup": self._hang_up,
            "sms": self._send_sms,
            "inbox": self._read_sms,
            "pay": self._pay,
            "paybill": self._paybill,
            "help": lambda _rest: self._show(HELP),
        }
        if word in {"quit", "exit"}:
            return False
        if word in commands:
            commands[word](rest.strip())
        elif self._open:
            self._screen("answer", input=typed.strip())
        elif word:
            self._show("There is no open conversation: `dial` begins one, `help` lists the rest.")
        return True

    def _ask(self, method: str, path: str, **values: Any) -> dict[str, Any] | None:
        """Call the simulators; says why and returns None when they refuse."""
        import httpx

        more = {"params": values} if method == "GET" else {"json": values}
        try:
            answer = self._client.request(method, path, **more)  # type: ignore[arg-type]
            said: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError):
            self._show("The simulators do not answer.")
            return None
        if answer.is_success:
            return said
        self._show(str(said.get("error", {}).get("message", "That was refused.")))
        return None

    def _screen(self, path: str, **values: str) -> None:
        shown = self._ask("POST", f"/{path}", phone=self._number, **values)
        if shown is None:
            return
        self._open = not shown["final"]
        width = max((len(line) for line in shown["text"].splitlines()), default=0)
        frame = "-" * min(width, 60)
        state = "open" if self._open else "over"
        self._show(f"{frame}\n{shown['text']}\n{frame} {shown['septets']} septets, {state}")

    def _hang_up(self, _rest: str) -> None:
        self._ask("POST", "/hangup", phone=self._number)
        self._open = False

    def _send_sms(self, text: str) -> None:
        if self._ask("POST", "/sms", **{"from": self._number, "text": text}) is not None:
            self._show("sent")

    def _read_sms(self, _rest: str) -> None:
        found = self._ask("GET", "/sms", phone=self._number)
        for sms in (found or {}).get("sms", [])[-SMS_SHOWN_MAX:]:
            arrow = "<-" if sms["direction"] == "to_phone" else "->"
            self._show(f"{arrow} {sms['text']}   ({sms['status']}, {sms['segments']} segment(s))")

    def _pay(self, outcome: str) -> None:
        found = self._ask("GET", "/stk", phone=self._number)
        if not found or not found["stk"]:
            self._show("No M-Pesa prompt is open on this phone.")
            return
        prompt = found["stk"][-1]
        self._show(
            f"Pay KES {prompt['amount']:,} to {prompt['business_name']}, "
            f"account {prompt['account_reference']}"
        )
        done = self._ask("POST", f"/stk/{prompt['id']}", outcome=outcome or "paid")
        if done is not None:
            self._show(done["result_text"] or done["status"])

    def _paybill(self, rest: str) -> None:
        account, _, amount = rest.rpartition(" ")
        if not amount.isdigit() or not account:
            self._show("paybill ACCOUNT AMOUNT, for example: paybill K7P4Q 66700")
            return
        done = self._ask(
            "POST", "/paybill", phone=self._number, account=account, amount=int(amount)
        )
        if done is not None:
            self._show(", ".join(f"{name}: {value}" for name, value in done.items()))
