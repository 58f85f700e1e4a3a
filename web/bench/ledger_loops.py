"""The loops that are measured: procedures that post, commit and post again until time is up.

They run inside PostgreSQL, one a connection, so that what is compared is the posting and its
durable commit and not the client. Each returns how often it came round and how long each round
took, as counts by twentieths of a millisecond.
"""

from web.bench.ledger_claims import claims

SLOTS = 20_000
SLOT_MS = 0.05

SETUP = f"""
CREATE SCHEMA bench;
-- One account in a thousand different ways is what a market has; fifty is where it hurts.
CREATE FUNCTION bench.any_of(prefix text, many integer) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT prefix || (1 + floor(random() * many))::integer
$$;
CREATE FUNCTION bench.slot(since timestamptz) RETURNS integer LANGUAGE sql VOLATILE AS $$
    SELECT least({SLOTS}, 1 + floor(
        extract(epoch FROM clock_timestamp() - since) * 1000 / {SLOT_MS})::integer)
$$;
"""  # noqa: S608 -- our own numbers.

# The body sees ``place`` (which connection) and ``done`` (how often it came round).
LOOP = """
CREATE PROCEDURE bench.{name}(
    seconds double precision, place integer, INOUT done bigint, INOUT slots bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz = clock_timestamp() + make_interval(secs => seconds);
    since timestamptz;
    at integer;
    one text;
    two text;
    pick integer;
    day date;
    listing uuid;
    booking bookings;
    digest bytea = decode(repeat('ab', 32), 'hex');
BEGIN
    SELECT * INTO booking FROM bookings LIMIT 1;
    done = 0;
    slots = array_fill(0::bigint, ARRAY[{slots}]);
    LOOP
        since = clock_timestamp();
        EXIT WHEN since >= until;
        {body}
        COMMIT;
        done = done + 1;
        at = bench.slot(since);
        slots[at] = slots[at] + 1;
    END LOOP;
END
$$
"""

ACCOUNTS = 50
BOOKINGS = 2_000
VENDORS = 200
# More than any run takes out of one account.
PLENTY = 10**15

FUND = f"""
SELECT ledger_post(gen_random_uuid(), 'fund:' || path, '\\x00', 'paid', NULL, now(),
    ARRAY['float:bench', path], ARRAY['KES', 'KES'], ARRAY[{PLENTY}, -{PLENTY}])
FROM (
    SELECT 'payable:' || n AS path FROM generate_series(1, {VENDORS}) AS n
    UNION ALL SELECT 'escrow:B' || n FROM generate_series(1, {BOOKINGS}) AS n
) AS paths
"""  # noqa: S608 -- our own numbers.
FUND_PAIRS = f"""
INSERT INTO pairs.accounts
    (id, name, currency, balance, allow_negative_balance, allow_positive_balance)
SELECT 'payable:' || n, 'payable', 'KES', {PLENTY}, false, true
FROM generate_series(1, {ACCOUNTS}) AS n
UNION ALL
SELECT 'escrow:B' || n, 'escrow', 'KES', 0, false, true FROM generate_series(1, {BOOKINGS}) AS n
UNION ALL SELECT 'float:bench', 'float', 'KES', 0, true, true
"""  # noqa: S608 -- our own numbers.

_PAIR = f"""
        one = bench.any_of('payable:', {ACCOUNTS});
        LOOP
            two = bench.any_of('payable:', {ACCOUNTS});
            EXIT WHEN two <> one;
        END LOOP;
"""
_POST = """
        PERFORM {schema}.ledger_post(gen_random_uuid(), concat('{kind}:', place, ':', done, since),
            digest, '{kind}', NULL, since, {legs});
"""


def _post(schema: str, kind: str, *legs: tuple[str, int]) -> str:
    paths = ", ".join(path for path, _ in legs)
    currencies = ", ".join(["'KES'"] * len(legs))
    amounts = ", ".join(str(cents) for _, cents in legs)
    arrays = f"ARRAY[{paths}], ARRAY[{currencies}], ARRAY[{amounts}]::bigint[]"
    return _POST.format(schema=schema, kind=kind, legs=arrays)


def _release(schema: str) -> str:
    """The golden example: what a finished booking of 50,000 is shared out into."""
    return _post(
        schema,
        "released",
        (f"bench.any_of('escrow:B', {BOOKINGS})", 6_670_000),
        (f"bench.any_of('payable:', {VENDORS})", -4_000_000),
        ("'revenue:service_fee'", -750_000),
        ("'revenue:commission'", -750_000),
        ("'tax:vat'", -920_000),
        ("'tax:withholding'", -250_000),
    )


_PAYMENT = (
    ("'float:bench'", 6_670_000),
    (f"bench.any_of('escrow:B', {BOOKINGS})", -6_670_000),
)

_PAYMENT_OF_PAIRS = f"""
        PERFORM pairs.transfer(
            'float:bench', bench.any_of('escrow:B', {BOOKINGS}), 6670000, since, NULL);
"""


def loops() -> dict[str, str]:
    """Return the procedures by name."""
    bodies = {
        "pairs_ours": _PAIR + _post("public", "paid", ("one", 100), ("two", -100)),
        "pairs_peer": _PAIR + "PERFORM pairs.transfer(one, two, 100, since, NULL);",
        "payments_ours": _post("public", "paid", *_PAYMENT),
        "payments_peer": _PAYMENT_OF_PAIRS,
        "releases_ours": _release("public"),
        "releases_peer": _release("locked"),
        **claims(),
    }
    return {name: LOOP.format(name=name, body=body, slots=SLOTS) for name, body in bodies.items()}
