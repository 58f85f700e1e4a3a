"""Every bound that the domain puts on itself, with its reason. Units last in the name."""

# A hold of an instant booking, and how far open payment attempts may stretch it (DESIGN §5).
INSTANT_HOLD_SECONDS = 15 * 60
INSTANT_HOLD_MAX_SECONDS = 30 * 60
# A hold that ends while a prompt is open is looked at again so much later.
HOLD_STRETCH_SECONDS = 60
# What M-Pesa cannot carry at once is paid in parts, so many at most are asked for; by hand people
# may send smaller ones. Each part that comes leaves time for the next: an hour, or a day when the
# account's limit for today may be used up.
PARTS_ASKED_MAX = 8
PARTS_TAKEN_MAX = 20
PART_HOLD_SECONDS = 3600
PART_NEXT_DAY_SECONDS = 24 * 3600
# Deposits: how much may be asked for at first, in basis points, and until how many days before the
# start the rest may wait. Who books nearer to that day than this pays all at once. The rest is
# reminded of so long before it is due.
DEPOSIT_MIN_BASIS_POINTS = 500
DEPOSIT_MAX_BASIS_POINTS = 9_500
REST_DAYS_MAX = 90
REST_LEAD_SECONDS = 48 * 3600
REST_REMINDER_SECONDS = (72 * 3600, 24 * 3600)
# Whoever is confirmed late still has so long for the rest.
REST_LEAST_SECONDS = 24 * 3600
# After a vendor accepts, the customer has until then to pay (DESIGN §5).
ACCEPTED_HOLD_SECONDS = 12 * 3600
# A vendor answers within a day, and never later than 6 h before the start (DESIGN §5).
ANSWER_SECONDS = 24 * 3600
ANSWER_BEFORE_START_SECONDS = 6 * 3600
# A service counts as done a day after its end; money is released two days later (seed 000).
COMPLETE_AFTER_SECONDS = 24 * 3600
RELEASE_AFTER_SECONDS = 48 * 3600
# Bookings start at least a day ahead, at most this far.
LEAD_HOURS_MIN = 24
BOOK_AHEAD_DAYS_MAX = 365
STAY_NIGHTS_MAX = 30
PEOPLE_MAX = 5_000
UNITS_MAX = 5_000
OPEN_BOOKINGS_PER_CUSTOMER_MAX = 10

# A vendor by phone. Each number that is added costs an SMS; whoever adds and removes all day long
# has something else in mind.
STAFF_MAX = 5
STAFF_ADDED_A_DAY_MAX = 10
LISTINGS_PER_VENDOR_MAX = 20
# A vendor's own PIN guards the way to their money: three tries, then a day's rest or our help.
VENDOR_PIN_DIGITS = 4
VENDOR_PIN_TRIES_MAX = 3
VENDOR_PIN_LOCK_SECONDS = 24 * 3600
# Photos of a vendor's papers, sent through a link of an SMS.
PAPER_LINK_SECONDS = 7 * 24 * 3600
PAPER_LINKS_A_DAY_MAX = 3
PAPERS_PER_LINK_MAX = 6
PAPER_MAX_BYTES = 4 * 1024 * 1024
# Photos of a listing. What is sent may be as large as phones make it; what is kept suits a slow
# network: the first picture is as wide as a phone, the others are squares, and all that a page of
# six shows is under 100 kB.
PHOTO_LINK_SECONDS = 7 * 24 * 3600
PHOTO_LINKS_A_DAY_MAX = 5
PHOTOS_PER_LINK_MAX = 30
PHOTOS_PER_LISTING_MAX = 6
PHOTO_MAX_BYTES = 8 * 1024 * 1024
PHOTO_MAX_PIXELS = 50_000_000
PHOTO_WIDTH_MAX_PIXELS = 640
PHOTO_HEIGHT_MAX_PIXELS = 960
PHOTO_LARGE_MAX_BYTES = 60_000
PHOTO_SMALL_PIXELS = 160
PHOTO_SMALL_MAX_BYTES = 8_000
# Why we took one down: with the sentence around it, it fits two SMS whatever its letters are.
PHOTO_REASON_MAX = 80
# Decoding takes memory and a core: so many at once in one process, others are asked to wait.
PHOTOS_AT_ONCE_MAX = 2
# Until when the number that was paid before may freeze payouts after a change.
FREEZE_WITHIN_SECONDS = 7 * 24 * 3600

EMAIL_MAX = 120
TITLE_MAX = 40
NAME_MAX = 40
DESCRIPTION_MAX = 500
SEARCH_WORDS_MAX = 60
SEARCH_RESULTS_MAX = 50
LIST_MAX = 100
ALTERNATIVES_MAX = 3

# M-Pesa: whole shillings from 1 to 250,000 a transaction (provider-facts §2.10).
MPESA_MIN_CENTS = 100
MPESA_MAX_CENTS = 25_000_000
# An account holds and moves so much a day (provider-facts §2.10): who pays more goes on tomorrow.
MPESA_DAY_MAX_CENTS = 50_000_000
B2C_MIN_CENTS = 1_000
PRICE_IN_PARTS_MAX_CENTS = PARTS_ASKED_MAX * MPESA_MAX_CENTS
PRICE_MAX_CENTS = 100_000_000_00

# Payouts (DESIGN §6).
PAYOUT_MIN_CENTS = 100_000
# Three tries over 24 h (issue 3): at once, after half a day and after a day.
PAYOUT_TRIES_MAX = 3
PAYOUT_RETRY_SECONDS = 12 * 3600
# A try that failed on our side does not count; the next one waits for the way to be open again.
PAYOUT_OUR_RETRY_SECONDS = 600
# Whoever steals a phone wants the money to go elsewhere at once.
PAYOUT_CHANGED_SECONDS = 72 * 3600
PAYOUT_HOLD_WHY_MAX = 200
# Whoever ends a hold looks again at once; whatever else ends one is seen a day later.
PAYOUT_HELD_AGAIN_SECONDS = 24 * 3600
VENDOR_NOTE_MAX = 500
BANK_CODE_MAX = 6
BANK_ACCOUNT_MAX = 20

# What providers hold for us is asked each day before payouts are made, again when an answer does
# not come, and more often while payouts wait for money.
BALANCE_AGAIN_SECONDS = 900
BALANCE_SHORT_SECONDS = 600
# A balance that is older says nothing about what can be sent now.
BALANCE_FRESH_SECONDS = 3600

# STK attempts: wait before the push so that the USSD session is over (a push during one fails
# with 1037), then when to ask about a silent attempt, counted from the push (provider-facts §2.5).
STK_DELAY_SECONDS = 3
STK_QUERY_AFTER_SECONDS = (30, 60, 120, 300, 900)
STK_GIVE_UP_SECONDS = 900
# A push whose answer was lost cannot be asked about; a prompt lives about a minute on the phone.
STK_LOST_SECONDS = 120
# The same amount to the same number is refused within two minutes (provider-facts §2.3, code 17).
STK_REPEAT_SECONDS = 125
ATTEMPTS_PER_BOOKING_MAX = 20
B2C_QUERY_AFTER_SECONDS = (60, 300, 900, 3600)
# A page for a card is open as long as a hold lasts at first, and is asked about a little longer.
CARD_PAGE_SECONDS = 900
CARD_QUERY_AFTER_SECONDS = (60, 180, 420, 960)
CARD_GIVE_UP_SECONDS = 1080
# A refund to a card that its provider does not know a day later is for a person: sent again by
# itself it could go twice.
CARD_REFUND_GIVE_UP_SECONDS = 24 * 3600
# A link to pay is good for as long as an accepted request waits at most; each costs an SMS.
PAY_LINK_SECONDS = 12 * 3600
PAY_LINKS_A_DAY_MAX = 5
# A provider that is down: seconds before the n-th new try, the last one repeated.
ATTEMPT_BACKOFF_SECONDS = (5, 15, 60, 120, 300)
COLLECTION_TRIES_MAX = 6
PAYOUT_SEND_TRIES_MAX = 50
# A payment that stands although its provider was told so often to take it back will stand: then
# the money is sent.
TAKE_BACK_TRIES_MAX = 3
ATTEMPT_LEASE_SECONDS = 60
ATTEMPTS_BATCH_MAX = 50
# An attempt that was given up is asked about so often when its provider says that it moved.
LATE_QUESTIONS_MAX = 8
RETURN_TRIES_MAX = 3
RETURN_RETRY_SECONDS = 3600
# A wallet that may receive no more today may tomorrow (provider-facts §2.7, code 4). Of a refund
# or a return it is no try on a day on which other money of its booking arrived there.
LIMIT_RETRY_SECONDS = 24 * 3600

# Cancellations. A refund that failed for certain is tried three times more, then it is a case.
POLICY_TIERS_MAX = 10
REFUND_TRIES_MAX = 4
REFUNDS_PER_BOOKING_MAX = 50
PENALTY_DAYS = 90
PENALTIES_REVIEWED_MIN = 3

# Disputes. The vendor has two days to answer, is reminded half a day before they are over, and we
# decide three days later: nobody waits a week for money.
DISPUTE_ANSWER_SECONDS = 48 * 3600
DISPUTE_REMINDER_SECONDS = 12 * 3600
DISPUTE_DECIDE_SECONDS = 72 * 3600
# A note goes to the other side in two SMS, with the words around it.
DISPUTE_NOTE_MAX = 200
DISPUTE_NOTES_MAX = 10
DISPUTE_WHY_MAX = 500
# Taken back and reported again: the money cannot be frozen for ever.
DISPUTES_PER_BOOKING_MAX = 3
# Changes of days or people that may be asked for one booking, whatever becomes of each.
CHANGES_PER_BOOKING_MAX = 5
# A check-in PIN has four digits: who guesses waits after so many wrong ones.
PIN_TRIES_MAX = 5
PIN_LOCK_SECONDS = 15 * 60

# Admins. A password has twelve letters at least (OWASP ASVS 2.1.1), and so many at the most that
# hashing it costs nothing to speak of. Five wrong tries, then a quarter of an hour's rest.
ADMIN_PASSWORD_MIN = 12
ADMIN_PASSWORD_MAX = 128
ADMIN_TRIES_MAX = 5
ADMIN_LOCK_SECONDS = 15 * 60
# Tokens of the API (DESIGN §8); after a month everybody signs in anew.
ADMIN_ACCESS_SECONDS = 15 * 60
ADMIN_REFRESH_SECONDS = 7 * 24 * 3600
ADMIN_SESSION_SECONDS = 30 * 24 * 3600
# For so long the refresh token that was just used leads to its successor once more: another tab
# asks at the same moment, or the answer was lost. Elsewhere between nothing and a minute.
ADMIN_REFRESH_LEEWAY_SECONDS = 10

# A call that was cut off is offered by SMS when nobody has dialled again by then, so often a day.
DROP_QUIET_SECONDS = 60
DROPS_A_DAY_MAX = 2

# Tickets. Words fill three messages, an answer two with what stands around it. One that was
# answered so long ago is about something else than what is asked now.
TICKET_WORDS_MAX = 480
TICKET_ANSWER_MAX = 200
TICKET_NOTES_A_DAY_MAX = 10
TICKET_QUIET_SECONDS = 7 * 24 * 3600

# Reviews. A guest may say how it was for two months and correct it for two days; words fit a
# screen.
STARS_MAX = 5
REVIEW_WORDS_MAX = 120
REVIEW_WHY_MAX = 200
REVIEW_WITHIN_SECONDS = 60 * 24 * 3600
REVIEW_EDIT_SECONDS = 48 * 3600
# A listing's standing counts as if it had so many reviews of so many hundredths of a star beside
# its own (a Bayesian average): one five does not beat ninety of them, and none is not the worst.
RATING_PRIOR_COUNT = 5
RATING_PRIOR_HUNDREDTHS = 350

# The line for a full day: an offer stands for an hour, then it goes to the next.
WAIT_OFFER_SECONDS = 3600
WAITS_PER_CUSTOMER_MAX = 5
WAIT_LINE_MAX = 50
WAIT_LISTINGS_MAX = 100

# Questions to vendors: a line goes to the other side in two SMS with the words around it. A relay
# is open for a week after its last line; lines are kept for a month (issue 4).
RELAY_WORDS_MAX = 140
RELAY_SECONDS = 7 * 24 * 3600
RELAY_NUMBER_MAX = 999
RELAYS_A_DAY_MAX = 5
RELAY_LINES_A_DAY_MAX = 20
RELAY_KEPT_SECONDS = 30 * 24 * 3600

# Links to a listing's page: 60 bits, as what they open is public anyway.
LISTING_LINK_LENGTH = 10
LISTING_LINK_SECONDS = 7 * 24 * 3600
LISTING_LINKS_A_DAY_MAX = 5

# Outbox and inbox.
# With pauses doubling up to the longest, a provider may be away for some three hours.
OUTBOX_TRIES_MAX = 20
OUTBOX_PAUSE_MAX_SECONDS = 900
OUTBOX_LEASE_SECONDS = 60
INBOX_TRIES_MAX = 8
INBOX_BATCH_MAX = 50
TIMERS_BATCH_MAX = 100
# Bookings whose money is released in one transaction; their rows are locked for as long as it is.
RELEASES_BATCH_MAX = 200
CALLBACK_BODY_MAX_BYTES = 64 * 1024
API_BODY_MAX_BYTES = 16 * 1024
# A callback that fails by a fault of ours holds back its person's later ones so many times: some
# fourteen seconds.
INBOX_HOLDS_BACK_TRIES_MAX = 3
# A long message in parts; no handset sends more. The rest is waited for so long after the last
# part that came, about what gateways wait themselves, and the person's other messages so long
# after the first. A worker that looks so much too late was away; others may have been, too, and
# have what is missing on their disk: it waits again. A part is known so long for one that came
# before. Nobody sends more parts under one reference in that time than are looked at together.
SMS_PARTS_MAX = 10
SMS_PARTS_TOGETHER_MAX = 100
SMS_PART_LETTERS_MAX = 160
SMS_PARTS_WAIT_SECONDS = 120
SMS_PARTS_LATE_SECONDS = 10
SMS_PARTS_AGAIN_SECONDS = 30
SMS_PARTS_KNOWN_SECONDS = 600
# Callbacks on disk while the database is away: some 500,000 messages, and so many are stored in
# one transaction when it is back.
JOURNAL_MAX_BYTES = 256 * 1024 * 1024
JOURNAL_BATCH_MAX = 200
# Who asks not to be written to does it in a word or two; no more of a message is kept as proof.
OPT_OUT_WORDS_MAX = 40
# Dead letters that one command shows or takes up again.
DEAD_LETTERS_MAX = 1_000
DEAD_LETTER_WHY_MAX = 200
COST_GROUPS_MAX = 200

# Cases, and how late somebody may look into them.
CASES_SHOWN_MAX = 1_000
CASES_BATCH_MAX = 500
CASE_NOTE_MAX = 500
# What was sent is asked about each hour; a day later it is for a person to ask. A refund to a card
# takes three working days at least (developer.flutterwave.com, Refunds).
ATTEMPT_UNKNOWN_SECONDS = 24 * 3600
CARD_REFUND_UNKNOWN_SECONDS = 5 * 24 * 3600
# A message whose fate is unknown is looked at together with the others of its day.
NOTICE_UNKNOWN_SECONDS = 24 * 3600

# Statements. A callback may come three days late (core-anchors R3); clocks differ by minutes.
STATEMENT_LATE_SECONDS = 72 * 3600
STATEMENT_EARLY_SECONDS = 600
STATEMENT_LINES_MAX = 1_000_000
STATEMENT_BATCH_MAX = 1_000
# So many differences are no differences: it is the wrong file.
STATEMENT_DIFFERENCES_MAX = 1_000
# What a provider may take for one payment without anybody looking: B2C costs up to 13 shillings
# (2023), a charge of Flutterwave some 3 %.
PROVIDER_CHARGE_MAX_CENTS = 10_000
PROVIDER_CHARGE_MAX_BASIS_POINTS = 500
# A month's statement can be had in the first days of the next.
STATEMENT_DUE_DAYS = 10

# Documents. A batch is one transaction; its numbers are held for as long as its rows take.
DOCUMENTS_BATCH_MAX = 50
# Letters of a token in a link: 132 bits, short enough for an SMS.
DOCUMENT_TOKEN_LENGTH = 22
# A link to a vendor's statement, sent by SMS; it opens once.
STATEMENT_LINK_SECONDS = 24 * 3600
STATEMENT_LINKS_A_DAY_MAX = 5
STATEMENT_ENTRIES_MAX = 10_000
TAX_ROWS_MAX = 200_000
TAX_REFERENCE_MAX = 40
# An invoice whose registering failed without fault of its own: seconds before the n-th new try.
INVOICE_BACKOFF_SECONDS = (30, 120, 600, 3600)
INVOICE_LEASE_SECONDS = 120
INVOICES_BATCH_MAX = 50

# Conversations. An end that is told waits for its hops, which come by the minute.
SESSION_TOLD_SECONDS = 180
# So many last days are counted anew each minute: until then money comes for what was booked.
FUNNEL_DAYS_RECOUNTED = 3
FUNNEL_CLOSED_MAX = 5_000
FUNNEL_DAYS_SHOWN_MAX = 400
