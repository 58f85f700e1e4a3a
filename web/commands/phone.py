"""``nafasi phone``: a phone in the terminal, over the simulators."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import fail, load_settings, open_database

if TYPE_CHECKING:
    import httpx

    from core.settings import Settings
    from web.commands.recording import Recorder

ANSWER_SECONDS = 20.0
SMS_SHOWN_MAX = 20
SMS_LOG_MAX = 1_000
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
    record: Annotated[
        Path | None, typer.Option(help="Write what is done as a story of tests/transcripts.")
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
        recorder = _recorder(settings, number) if record is not None else None
        handset = Handset(client, number, settings.ussd_code, typer.echo, recorder)
        if operator is not None and not handset.use(operator):
            raise typer.Exit(1)
        typer.echo(f"{number}. `dial` begins, `help` lists the rest, `quit` ends.")
        while handset.do(_typed(handset.prompt)):
            pass
        if record is not None and recorder is not None:
            handset.finish()
            record.write_text(recorder.story())
            typer.echo(f"{record}: put it into tests/transcripts, and it is a test.")


def _recorder(settings: "Settings", number: str) -> "Recorder":
    """Begin a story at the trial's time and in the language that the person has chosen."""
    from core.people.usecases import find_person
    from web.commands.recording import Recorder

    with open_database(settings) as database:
        clock = database.clock
        language = database.run(lambda tx: find_person(tx, number)).language.value
    return Recorder(number, clock.now, language)


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
        recorder: writes down what is done, when somebody wants a story of it.
    """

    def __init__(
        self,
        client: "httpx.Client",
        number: str,
        code: str,
        show: Callable[[str], None],
        recorder: "Recorder | None" = None,
    ) -> None:
        self._client = client
        self._number = number
        self._code = code
        self._show = show
        self._open = False
        self._recorder = recorder
        # A story begins with what is read from then on.
        self._read = {phone: len(texts) for phone, texts in self._inboxes().items()}

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
        if self._recorder is not None:
            step = f"dial {values['code']}" if path == "dial" else f"> {values['input']}"
            self._recorder.screen(step, shown["text"], final=shown["final"])
        width = max((len(line) for line in shown["text"].splitlines()), default=0)
        frame = "-" * min(width, 60)
        state = "open" if self._open else "over"
        self._show(f"{frame}\n{shown['text']}\n{frame} {shown['septets']} septets, {state}")

    def _hang_up(self, _rest: str) -> None:
        self._ask("POST", "/hangup", phone=self._number)
        if self._recorder is not None and self._open:
            self._recorder.hung_up()
        self._open = False

    def _send_sms(self, text: str) -> None:
        if self._ask("POST", "/sms", **{"from": self._number, "text": text}) is not None:
            self._show("sent")
            if self._recorder is not None:
                self._recorder.sent(text)

    def _read_sms(self, _rest: str) -> None:
        found = self._ask("GET", "/sms", phone=self._number)
        for sms in (found or {}).get("sms", [])[-SMS_SHOWN_MAX:]:
            arrow = "<-" if sms["direction"] == "to_phone" else "->"
            self._show(f"{arrow} {sms['text']}   ({sms['status']}, {sms['segments']} segment(s))")
        self._note_read(self._number)

    def finish(self) -> None:
        """Close a recording: hang up, and read what anybody was sent on the way."""
        if self._open:
            self._hang_up("")
        for phone, texts in sorted(self._inboxes().items()):
            if len(texts) > self._read.get(phone, 0):
                self._note_read(phone)

    def _note_read(self, phone: str) -> None:
        if self._recorder is None:
            return
        texts = self._inboxes().get(phone, [])
        self._recorder.read(phone, texts[self._read.get(phone, 0) :])
        self._read[phone] = len(texts)

    def _inboxes(self) -> dict[str, list[str]]:
        """What each phone was sent so far, oldest first; only looked at for a recording."""
        inboxes: dict[str, list[str]] = {}
        if self._recorder is not None:
            found = self._ask("GET", "/sms", limit=SMS_LOG_MAX) or {}
            for sms in found.get("sms", []):
                if sms["direction"] == "to_phone":
                    inboxes.setdefault(sms["to"], []).append(sms["text"])
        return inboxes

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
            if self._recorder is not None:
                self._recorder.paid(outcome or "paid")

    def _paybill(self, rest: str) -> None:
        account, _, amount = rest.rpartition(" ")
        if not amount.isdigit() or not account:
            self._show("paybill ACCOUNT AMOUNT, for example: paybill K7P4Q 66700")
            return
        done = self._ask(
            "POST", "/paybill", phone=self._number, account=account, amount=int(amount)
        )
        if done is not None:
            if self._recorder is not None:
                self._recorder.paid_by_hand(account, amount, str(done["status"]))
            self._show(", ".join(f"{name}: {value}" for name, value in done.items()))
