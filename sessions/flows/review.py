"""What guests say: read at a listing, written at a booking, answered by the vendor."""

from collections.abc import Mapping
from uuid import UUID

from core.booking.model import Booking
from core.booking.queries import booking_by_code
from core.catalog.model import Listing
from core.catalog.queries import Details, listing_by_number
from core.clock import nairobi_date
from core.db.tx import Tx
from core.people.deeds import Deed
from core.people.usecases import ensure_user
from core.reviews.queries import shown_review, shown_reviews
from core.reviews.rules import may_review
from core.reviews.usecases import answer_review, leave_review, review_of
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.roles import is_staff, owns
from sessions.texts import T, cut, t

review = Part()

SHOWN_MAX = 20
# Key 5 gives five stars.
STARS: Mapping[int, T] = {
    1: t("Bad"),
    2: t("Poor"),
    3: t("Fair"),
    4: t("Good"),
    5: t("Very good"),
}


def read_options(shown: Details | Listing) -> list[Option]:
    """Return what a listing's screen offers about its reviews."""
    if not shown.rating_count:
        return []
    label = words.rated(shown.rating_count, shown.rating_sum)
    return [Option(label, to="reviews", set={"number": shown.number})]


def write_options(tx: Tx, booking: Booking) -> list[Option]:
    """Return what a booking's screen offers about its review."""
    written = review_of(tx, booking.id)
    if not may_review(booking, written, tx.now):
        return []
    return [Option(t("Say how it was") if written is None else t("Change my review"), to="rate")]


@review.screen("reviews", core=True)
def reviews(talk: Talk) -> Menu:
    """What guests of a listing say, the newest first."""
    with talk.reading() as tx:
        listing = listing_by_number(tx, talk.draft["number"])
        found = shown_reviews(tx, listing.id, SHOWN_MAX)
    return Menu(
        t("{name}:", name=cut(listing.title)),
        [
            Option(
                t("{stars}* {words}", stars=each.stars, words=cut(each.words))
                if each.words
                else t("{stars}*", stars=each.stars),
                to="review",
                set={"review": str(each.id)},
            )
            for each in found
        ],
        empty=t("Nobody has said anything yet."),
    )


@review.screen("review", core=True)
def one(talk: Talk) -> Menu:
    """One review in full."""
    with talk.reading() as tx:
        shown = shown_review(tx, UUID(talk.draft["review"]))
        listing = tx.db.get_one(Listing, shown.listing_id)
    options = []
    if shown.answer is not None:
        options.append(Option(t("The vendor's answer"), to="vendor_says"))
    elif talk.person.vendor_id == str(listing.vendor_id) and not is_staff(talk):
        options.append(Option(t("Answer it"), to="answer_words"))
    return Menu(
        [
            t("{stars}*, {day}", stars=shown.stars, day=nairobi_date(shown.written_at)),
            t("{words}", words=cut(shown.words)) if shown.words else STARS[shown.stars],
        ],
        options,
    )


@review.screen("vendor_says", core=True)
def vendor_says(talk: Talk) -> Menu:
    """What the vendor says to it: both would not fit one screen."""
    with talk.reading() as tx:
        shown = shown_review(tx, UUID(talk.draft["review"]))
    return Menu([t("The vendor says:"), t("{words}", words=cut(shown.answer or ""))], [])


@review.screen("answer_words")
def answer_words(_talk: Talk) -> Ask:
    """What a vendor wants everybody to know about it."""
    return Ask(
        t("Your answer? Everybody can read it, and you can answer once."),
        key="said",
        do="answer_review",
        free_text=True,
    )


@review.effect("answer_review", refused={"answered_already": "review", "no_review": "home"})
def answer(talk: Talk, tx: Tx) -> Go:
    """Keep the vendor's answer."""
    review_id = UUID(talk.draft["review"])
    number = tx.db.get_one(Listing, shown_review(tx, review_id).listing_id).number
    vendor_id = owns(talk, tx, Deed.ANSWERED_REVIEW, str(number))
    answer_review(tx, review_id, vendor_id, talk.draft.pop("said"))
    return Go("review", why=t("It stands under the review now."))


@review.screen("rate", core=True)
def rate(talk: Talk) -> Menu:
    """How many stars."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
    return Menu(
        t("How was {name}?", name=cut(view.listing.title)),
        [Option(name, to="rate_words", set={"stars": stars}) for stars, name in STARS.items()],
    )


@review.screen("rate_words")
def in_words(_talk: Talk) -> Ask:
    """What others should know."""
    return Ask(
        t("What should others know? Type a few words. Everybody can read them."),
        key="said",
        do="rate",
        options=[Option(t("Send without words"), do="rate", set={"said": None})],
        free_text=True,
    )


@review.effect("rate", refused={"too_early": "booking", "review_late": "booking"})
def say(talk: Talk, tx: Tx) -> Go:
    """Keep the review, or correct it."""
    view = booking_by_code(tx, talk.draft["code"])
    customer = ensure_user(tx, talk.person.msisdn)
    said = talk.draft.pop("said")
    leave_review(tx, view.booking.id, customer.id, talk.draft["stars"], said)
    return Go("booking", why=t("Thank you. You can change it for 2 days."))
