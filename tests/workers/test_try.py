def test_x(database):
    from tests.support import factories as f
    with database.transaction() as tx:
        v=f.make_vendor(tx); l=f.make_listing(tx,v); b=f.make_paid(tx,l)
        print(b.state,b.total_cents,b.vendor_net_cents)
        assert b.state=="confirmed"
