"""Where a process may die: the one list of crash points, and who decides that it happens.

A step is a transaction or a call to a provider; a process may die before it takes effect (before
the commit, before the request leaves) and after it (before anybody in the process has noticed).
Production knows nothing of this: the simulator's database and network ask.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Step(StrEnum):
    """What a process was doing."""

    # A person's turn: one transaction in the web process.
    BOOK = "turn.book"
    ACCEPT = "turn.accept"
    DECLINE = "turn.decline"
    WITHDRAW = "turn.withdraw"
    PAY = "turn.pay"
    ASK_CARD = "turn.ask_card"
    START_CARD = "turn.start_card"
    CANCEL = "turn.cancel"
    CHECK_IN = "turn.check_in"
    COMPLETE = "turn.complete"
    BLOCK = "turn.block"
    VENDOR_CANCEL = "turn.vendor_cancel"
    CHANGE = "turn.change"
    ACCEPT_CHANGE = "turn.accept_change"
    DECLINE_CHANGE = "turn.decline_change"
    KEEP_AS_WAS = "turn.keep_as_was"
    JOIN_LINE = "turn.join_line"
    TAKE_OFFER = "turn.take_offer"
    LEAVE_LINE = "turn.leave_line"
    REVIEW = "turn.review"
    DISPUTE = "turn.dispute"
    DISPUTE_NOTE = "turn.dispute_note"
    WITHDRAW_DISPUTE = "turn.withdraw_dispute"
    CHANGE_PAYEE = "turn.change_payee"
    ADMIN_CANCEL = "admin.cancel"
    ADMIN_SEND_BACK = "admin.send_back"
    ADMIN_MATCH = "admin.match"
    ADMIN_CLOSE = "admin.close_case"
    ADMIN_RETRY = "admin.retry_refund"
    ADMIN_VERIFY = "admin.verify_vendor"
    ADMIN_PAY_AGAIN = "admin.retry_payout"
    ADMIN_REVERSAL = "admin.book_reversal"
    ADMIN_RESUME = "admin.resume_payouts"
    ADMIN_INVOICE = "admin.retry_invoice"
    ADMIN_TAX = "admin.pay_tax"
    RESOLVE = "admin.resolve_dispute"
    STATEMENT = "admin.statement"
    KEEP_CALLBACK = "web.keep_callback"

    # A worker's transaction.
    BEGIN_ATTEMPT = "attempts.begin"
    PUSH_TAKEN = "attempts.push_taken"
    PAY_TAKEN = "attempts.pay_taken"
    TAKING_BACK = "attempts.taking_back"
    CALL_REFUSED = "attempts.refused"
    PUSH_LEARNED = "attempts.push_learned"
    PAY_LEARNED = "attempts.pay_learned"
    APPLY_CALLBACK = "inbox.apply"
    POSTPONE_CALLBACK = "inbox.postpone"
    LEASE_NOTICES = "notices.lease"
    BEGIN_NOTICE = "notices.begin"
    NOTICE_SENT = "notices.sent"
    NOTICE_FAILED = "notices.failed"
    FIRE_TIMER = "timers.fire"
    RELEASE_MONEY = "timers.release"
    FIRE_DISPUTE = "disputes.fire"
    END_WAIT = "waits.end"
    OFFER_FREED = "waits.offer"
    HALT = "attempts.halt"
    OPEN_RUN = "payouts.open_run"
    MAKE_PAYOUT = "payouts.make"
    CLOSE_RUN = "payouts.close_run"
    CONTINUE_PAYOUT = "payouts.continue"
    BEGIN_BALANCES = "balances.begin"
    BALANCE_TOLD = "balances.told"
    BALANCE_REFUSED = "balances.refused"
    ISSUE_DOCUMENTS = "documents.issue"
    BEGIN_INVOICE = "invoices.begin"
    INVOICE_REGISTERED = "invoices.registered"
    INVOICE_FAILED = "invoices.failed"
    ROLL_UP = "ledger.roll_up"
    SWEEP_CASES = "cases.sweep"
    LOOK_AT_FLOAT = "cases.float"
    LOOK_AT_TAXES = "taxes.look"
    PURGE_NOTICES = "housekeeping.notices"
    PURGE_TURNS = "housekeeping.turns"
    PURGE_CALLBACKS = "housekeeping.callbacks"
    PURGE_LINKS = "housekeeping.links"
    PURGE_WORDS = "housekeeping.words"

    # A worker's call to a provider.
    SMS = "call.sms"
    TOKEN = "call.token"  # noqa: S105 -- the name of a step.
    PUSH = "call.push"
    OPEN_PAGE = "call.open_page"
    ASK = "call.ask"
    PAY_OUT = "call.pay_out"
    REFUND_CARD = "call.refund_card"
    TAKE_BACK = "call.take_back"
    ASK_PAYOUT = "call.ask_payout"
    ASK_BALANCE = "call.ask_balance"
    REGISTER = "call.register"


class When(StrEnum):
    """On which side of its effect a step is left."""

    BEFORE = "before"
    AFTER = "after"


Point = tuple[Step, When]
POINTS: tuple[Point, ...] = tuple((step, when) for step in Step for when in When)

# A point that was rarely passed is died at soon, so that each year sees most of them; later on a
# process dies once in so many steps.
RARE_SHARE = 0.4
COMMON_SHARE = 0.002

WORKER_STEPS = {
    ("_handle", "_begin"): Step.BEGIN_ATTEMPT,
    ("_open", "accepted"): Step.PUSH_TAKEN,
    ("_pay", "accepted"): Step.PAY_TAKEN,
    ("_note_refusal", "refused"): Step.CALL_REFUSED,
    ("_ask", "_learn"): Step.PUSH_LEARNED,
    ("_take_back", "accepted"): Step.TAKING_BACK,
    ("_ask_out", "_learn"): Step.PAY_LEARNED,
    ("_apply", "apply"): Step.APPLY_CALLBACK,
    ("_postpone", "postpone"): Step.POSTPONE_CALLBACK,
    ("run_notices", "_lease"): Step.LEASE_NOTICES,
    ("_send_notice", "_begin"): Step.BEGIN_NOTICE,
    ("_note_sent", "sent"): Step.NOTICE_SENT,
    ("_failed", "failed"): Step.NOTICE_FAILED,
    ("_fire", "fire_one"): Step.FIRE_TIMER,
    ("_fire", "fire"): Step.FIRE_DISPUTE,
    ("_do", "_end"): Step.END_WAIT,
    ("_do", "_offer"): Step.OFFER_FREED,
    ("_release_all", "release_many"): Step.RELEASE_MONEY,
    ("_halt_on_stop", "halt_on_stop"): Step.HALT,
    ("run_payouts", "open_run"): Step.OPEN_RUN,
    ("_make", "make_payouts"): Step.MAKE_PAYOUT,
    ("_make_all", "close_run"): Step.CLOSE_RUN,
    ("_continue", "continue_payout"): Step.CONTINUE_PAYOUT,
    ("run_balances", "begin_round"): Step.BEGIN_BALANCES,
    ("_ask", "note_answer"): Step.BALANCE_TOLD,
    ("_ask", "note_refusal"): Step.BALANCE_REFUSED,
    ("run_documents", "issue_due"): Step.ISSUE_DOCUMENTS,
    ("run_invoices", "begin"): Step.BEGIN_INVOICE,
    ("_register", "registered"): Step.INVOICE_REGISTERED,
    ("_register", "failed"): Step.INVOICE_FAILED,
    ("run_ledger", "roll_up"): Step.ROLL_UP,
    ("run_cases", "sweep"): Step.SWEEP_CASES,
    ("run_float", "look_daily"): Step.LOOK_AT_FLOAT,
    ("run_float", "look_for_unpaid"): Step.LOOK_AT_TAXES,
    ("run_housekeeping", "purge_notices"): Step.PURGE_NOTICES,
    ("run_housekeeping", "purge_turns"): Step.PURGE_TURNS,
    ("run_housekeeping", "purge_callbacks"): Step.PURGE_CALLBACKS,
    ("run_housekeeping", "purge_links"): Step.PURGE_LINKS,
    ("run_housekeeping", "purge_listing_links"): Step.PURGE_LINKS,
    ("run_housekeeping", "purge_admin_sessions"): Step.PURGE_LINKS,
    ("run_housekeeping", "purge_messages"): Step.PURGE_WORDS,
    ("run_housekeeping", "purge_relays"): Step.PURGE_WORDS,
    ("run_housekeeping", "purge_talks"): Step.PURGE_WORDS,
    ("run_housekeeping", "purge_tickets"): Step.PURGE_WORDS,
    ("run_housekeeping", "purge_sessions"): Step.PURGE_WORDS,
}
"""A worker's transactions, by the function that opens one and the use case that it runs."""


class Died(BaseException):
    """The process is gone at this very moment: nothing catches this, nothing is tidied up."""

    def __init__(self, step: Step, when: When) -> None:
        super().__init__(f"{when} {step}")


@dataclass
class Crashes:
    """Decides who dies where, and remembers it.

    Attributes:
        chance: where the decision comes from.
        armed: whether anybody dies at all.
        passed: how often each point was passed.
        died: how often somebody died there.
        unlisted: worker transactions that the list does not know; nobody dies in them.
    """

    chance: random.Random
    armed: bool = True
    passed: Counter[Point] = field(default_factory=Counter)
    died: Counter[Point] = field(default_factory=Counter)
    unlisted: Counter[str] = field(default_factory=Counter)

    def reach(self, step: Step, when: When) -> None:
        """Pass a point, or die there.

        Raises:
            Died: as chance will have it.
        """
        point = (step, when)
        self.passed[point] += 1
        if not self.armed:
            return
        share = COMMON_SHARE + RARE_SHARE / self.passed[point]
        if self.chance.random() < share:
            self.died[point] += 1
            raise Died(step, when)
