"""What each refusal means to a person of ours; its data fills the blanks."""

from core.limits import DEPOSIT_MAX_BASIS_POINTS, DEPOSIT_MIN_BASIS_POINTS, REST_DAYS_MAX

TICKETS = {
    "no_ticket": "There is no such ticket.",
    "illegal_move": "That ticket is closed.",
    "empty": "An answer has words.",
    "note_too_long": "An answer has at most {most} letters: it goes out as one message.",
}
CASES = {
    "not_found": "There is no such case, receipt or booking.",
    "case_closed": "That case is closed.",
    "bad_input": "That {field} cannot be used.",
    "bad_note": "Say why, in at most {most} letters: it is kept with the case.",
    "bad_phone": "That is no phone number.",
    "not_suspense": "That case is not about money in suspense.",
    "not_in_suspense": "That money is no longer in suspense.",
    "return_open": "That money is already on its way back.",
    "wrong_amount": "The booking lacks {due} cents, and {came} came.",
    "odd_cents": "Bookings are paid in whole shillings, and {came} cents came.",
    "already_used": "A booking has used that money, or gave it back: it can only be sent back.",
    "not_payable": "That booking cannot be paid any more ({state}).",
    "no_payer": "The provider did not say who paid: give --to NUMBER.",
    "other_payer": "The provider says that somebody else paid.",
    "not_sendable": "M-Pesa does not send {came} cents.",
    "not_unknown": "That case is not about money of which nothing is heard.",
    "outcome_known": "What became of that money is known by now: the case closes by itself.",
    "being_sent": "That money is being sent once more right now: look again in five minutes.",
    "number_seen": "That receipt is another payment's.",
    "taken_back_before": "Another try has taken that payment back: that one is the receipt's.",
}
RATES = {
    "bad_rate": "A rate is from 0 to 100 percent, with two decimals at the most.",
    "rate_too_early": "A rate begins tomorrow at the earliest: prices of today, {today}, are out.",
    "bad_base": "That rate can be of {wanted}.",
    "rates_too_high": "Commission and withholding together would leave the vendor nothing.",
    "rate_set": "There is a rate for just that already; rates are added, never changed.",
}
BOOKINGS = {
    "no_booking": "There is no such booking.",
    "no_reason": "Say why: it is kept with the booking.",
    "illegal_move": (
        "Nothing was cancelled: only a confirmed booking can be, and this one is {state}. One that"
        " nobody has paid for ends by itself; of a disputed one decide `nafasi disputes resolve`."
    ),
}
LISTINGS = {
    "no_listing": "Nothing was changed: no listing {number} is on offer.",
    "no_policy": "Nothing was changed: there is no such policy. There are {known}.",
    "bad_deposit": (
        "Nothing was changed: a deposit is"
        f" {DEPOSIT_MIN_BASIS_POINTS // 100} to {DEPOSIT_MAX_BASIS_POINTS // 100} percent of the"
        f" price, or 100 for none, and the rest is due 1 to {REST_DAYS_MAX} days before the start."
    ),
}
PHOTOS = {
    "no_listing": "There is no such listing.",
    "no_photo": "There is no such photo of that listing: perhaps its vendor has removed it.",
    "bad_reason": "Say why, in at most {most} letters: the vendor is told it in a message.",
}
REFUNDS = {
    "no_refund": "There is no such refund.",
    "illegal_move": "That refund has neither failed nor come back: it is {state}.",
    "bad_phone": "That is no Kenyan mobile number.",
    "too_small": "That is too little to send: find another way.",
}
DISPUTES = {
    "no_booking": "There is no such booking.",
    "no_dispute": "No problem with that booking is open.",
    "illegal_move": "The vendor may still answer: nobody is judged unheard.",
    "bad_percent": "The customer's part is a percentage from 0 to 100.",
    "bad_why": "Say why, in at most 500 letters.",
    "empty": "There is nothing to note.",
    "note_too_long": "A note has at most {most} letters.",
    "too_many_notes": "There are {limit} notes of ours already.",
}
ADMINS = {
    "no_admin": "Nobody of ours has that address.",
    "email_taken": "Somebody of ours has that address already.",
    "too_many_admins": "There are {limit} admins already.",
    "bad_email": "That is no e-mail address.",
    "password_short": "A password has at least {least} letters.",
    "password_long": "A password has at most {most} letters.",
    "password_email": "The address is no password.",
}
