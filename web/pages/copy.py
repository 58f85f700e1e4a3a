"""What the pages say. English sentences are the keys of the catalogs, as on the phone."""

from sessions.texts import t

PAGE = {
    "tagline": t("Find a place, book it, pay by M-Pesa. From any phone."),
    "what": t(
        "Nafasi books venues, catering and places to stay in Kenya. No app and no internet "
        "needed: everything works by dialling a code and by SMS."
    ),
    "dial": t("Dial"),
    "dial_hint": t("It works on every network and every phone."),
    "how": t("How it works"),
    "step_find": t("Dial and choose what you need, where, when and for how many people."),
    "step_book": t("See the full price before you agree. The vendor confirms by SMS."),
    "step_pay": t("Pay by M-Pesa. We hold your money until the service has been given."),
    "step_done": t("The vendor is paid afterwards. If it does not happen, you are refunded."),
    "vendors": t("Do you offer a venue, catering or rooms?"),
    "vendors_text": t(
        "Requests come to you by SMS; answer 1 to accept and 2 to decline. You are paid every "
        "Monday to your M-Pesa."
    ),
    "help": t("Help"),
    "simulator": t("Try it here with simulated phones"),
    "skip": t("Skip to content"),
    "not_found": t("There is no such page."),
    "not_found_text": t("Check the address, or start from the first page."),
    "broken": t("Something went wrong on our side."),
    "broken_text": t("Nothing was changed. Please try again in a minute."),
    "home": t("To the first page"),
}
