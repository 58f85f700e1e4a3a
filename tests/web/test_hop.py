"""The USSD hop over HTTP, as Africa's Talking calls it."""

from tests.web.rig import CALLER, SECRET, Web

HOP = "africastalking/ussd"
FORM = {
    "sessionId": "ATUid_1",
    "phoneNumber": CALLER,
    "networkCode": "63902",
    "serviceCode": "*384*7781#",
    "text": "",
}
MUST = ("sessionId", "phoneNumber", "serviceCode", "text")


def sessions_in(web: Web) -> list[str]:
    return [key for key in web.store.scan_iter() if key != "ussd:epoch"]


def test_the_first_hop_shows_a_menu(web: Web) -> None:
    answer = web.http.post(web.hook(HOP), data=FORM)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("CON ")
    assert "\n1. " in answer.text
    assert len(answer.text) - len("CON ") <= 160


def test_the_next_key_goes_on_where_the_caller_is(web: Web) -> None:
    menu = web.http.post(web.hook(HOP), data=FORM).text

    next_screen = web.http.post(web.hook(HOP), data=FORM | {"text": "1"}).text

    assert next_screen.startswith("CON ")
    assert next_screen != menu


def test_the_same_hop_again_gets_the_same_bytes(web: Web) -> None:
    web.http.post(web.hook(HOP), data=FORM)
    first = web.http.post(web.hook(HOP), data=FORM | {"text": "1"}).content

    again = web.http.post(web.hook(HOP), data=FORM | {"text": "1"}).content

    assert again == first
    assert web.metric('nafasi_ussd_hops_total{final="false",kind="repeated"}') == 1


MALFORMED = [
    {},
    *({key: value for key, value in FORM.items() if key != gone} for gone in MUST),
    FORM | {"sessionId": ""},
    FORM | {"sessionId": "x" * 101},
    FORM | {"phoneNumber": "somebody"},
    FORM | {"serviceCode": ""},
    FORM | {"text": "1" * 2_001},
    FORM | {"text": "\x00"},
]


def test_a_malformed_hop_is_refused_and_leaves_nothing(web: Web) -> None:
    for form in MALFORMED:
        assert web.http.post(web.hook(HOP), data=form).status_code == 400, form

    assert sessions_in(web) == []
    assert web.inbox() == []
    refused = 'nafasi_callbacks_total{kind="ussd",provider="africastalking",result="refused"}'
    assert web.metric(refused) == len(MALFORMED)


def test_a_body_that_is_no_form_is_refused(web: Web) -> None:
    assert web.http.post(web.hook(HOP), json=FORM).status_code == 400
    assert web.http.post(web.hook(HOP), content=b"text=\xff\xfe").status_code == 400


def test_an_endless_body_is_not_read_to_its_end(web: Web) -> None:
    assert web.http.post(web.hook(HOP), content=b"x" * 70_000).status_code == 413


def test_a_wrong_secret_is_an_address_that_does_not_exist(web: Web) -> None:
    for secret in ("", "wrong", SECRET[:-1], f"{SECRET}x", SECRET.upper(), "%00", "\u00e4"):
        for method in ("GET", "POST"):
            answer = web.http.request(method, web.hook(HOP, secret), data=FORM)
            assert answer.status_code == 404, secret

    assert sessions_in(web) == []


def test_only_a_post_is_a_hop(web: Web) -> None:
    answer = web.http.get(web.hook(HOP))

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_a_foreign_number_is_served(web: Web) -> None:
    answer = web.http.post(web.hook(HOP), data=FORM | {"phoneNumber": "+255700000001"})

    assert answer.status_code == 200


def test_hops_are_counted_and_timed(web: Web) -> None:
    web.http.post(web.hook(HOP), data=FORM)

    assert web.metric('nafasi_ussd_hops_total{final="false",kind="begun"}') == 1
    assert web.metric("nafasi_ussd_hop_seconds_count") == 1
