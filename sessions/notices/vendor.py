"""The words to the people behind a vendor: welcome, PIN, staff, papers."""

from collections.abc import Mapping
from datetime import date, datetime

from core.msisdn import local_form
from core.people.notices import VendorTopic
from sessions.notices.context import NoticeContext, Params, Words, as_said
from sessions.texts import T, cut, t


def papers_link(token: str, context: NoticeContext) -> str:
    """Return where a vendor sends photos of their papers."""
    return f"{context.public_url}/v/{token}"


def _joined(params: Params, context: NoticeContext) -> T:
    return t(
        "Welcome, {business}! Send a photo of your ID and KRA PIN within 7 days: {link} "
        "Then we check you and your listings are on offer.",
        business=cut(params["business"]),
        link=papers_link(params["token"], context),
    )


def _papers(params: Params, context: NoticeContext) -> T:
    return t(
        "Send us photos of your papers until {day}: {link}",
        day=date.fromisoformat(params["until"]),
        link=papers_link(params["token"], context),
    )


def _photos(params: Params, context: NoticeContext) -> T:
    return t(
        "Send us photos of {listing} until {day}: {link}",
        listing=cut(params["listing"]),
        day=date.fromisoformat(params["until"]),
        link=f"{context.public_url}/g/{params['token']}",
    )


def _photo_taken_down(params: Params, context: NoticeContext) -> T:
    return t(
        'We took down a photo of {listing}: "{reason}" For another one dial {dial}: My listings, '
        "Photos. Not right? Call {help}.",
        listing=cut(params["listing"]),
        reason=as_said(params["reason"]),
        dial=context.ussd_code,
        help=local_form(context.help_phone),
    )


def _verified(params: Params, context: NoticeContext) -> T:
    return t(
        "{business} is checked: your listings are on offer now. Requests come by SMS. Dial {dial} "
        "for prices, days and money.",
        business=cut(params["business"]),
        dial=context.ussd_code,
    )


def _pin_chosen(_params: Params, context: NoticeContext) -> T:
    return t(
        "Your Nafasi PIN was set. Tell it to nobody, not to us either. Not you? Call {help} now.",
        help=local_form(context.help_phone),
    )


def _pin_locked(params: Params, context: NoticeContext) -> T:
    return t(
        "Your Nafasi PIN was typed wrong 3 times. It is locked until {until}. Forgotten, or not "
        "you? Call {help}.",
        until=datetime.fromisoformat(params["until"]),
        help=local_form(context.help_phone),
    )


def _pin_reset(_params: Params, context: NoticeContext) -> T:
    return t(
        "Your Nafasi PIN was reset. Dial {dial} to choose a new one. Not you? Call {help} now.",
        dial=context.ussd_code,
        help=local_form(context.help_phone),
    )


def _staff_added(params: Params, context: NoticeContext) -> T:
    return t(
        "You may now answer for {business}: dial {dial} for requests, guests and days. "
        "Not right? Call {help}.",
        business=cut(params["business"]),
        dial=context.ussd_code,
        help=local_form(context.help_phone),
    )


def _staff_removed(params: Params, _context: NoticeContext) -> T:
    return t("You no longer answer for {business}.", business=cut(params["business"]))


def _staff_owner(params: Params, context: NoticeContext) -> T:
    return t(
        "{name} (..{ending}) may now answer for {business}. Not you? Call {help} now.",
        name=cut(params["name"]),
        ending=params["ending"],
        business=cut(params["business"]),
        help=local_form(context.help_phone),
    )


WORDS: Mapping[str, Words] = {
    VendorTopic.JOINED: _joined,
    VendorTopic.PAPERS: _papers,
    VendorTopic.PHOTOS: _photos,
    VendorTopic.PHOTO_TAKEN_DOWN: _photo_taken_down,
    VendorTopic.VERIFIED: _verified,
    VendorTopic.PIN_CHOSEN: _pin_chosen,
    VendorTopic.PIN_LOCKED: _pin_locked,
    VendorTopic.PIN_RESET: _pin_reset,
    VendorTopic.STAFF_ADDED: _staff_added,
    VendorTopic.STAFF_REMOVED: _staff_removed,
    VendorTopic.STAFF_OWNER: _staff_owner,
}
