"""A mart that was refreshed again and again is what one refresh of everything makes."""

from small_worlds import NOW, SmallWorld, at, feeds_read_until

from cdp_pipelines.database import publish_mart
from cdp_pipelines.metrics.computing import Scene
from cdp_pipelines.metrics.declarations import METRICS
from cdp_pipelines.metrics.dimension import dim_rows
from cdp_pipelines.metrics.refreshing import compute
from cdp_pipelines.metrics.rows import Stamp

VOLUME = [m for m in METRICS if m.id == "support_ticket_volume"]


def test_a_period_whose_facts_are_gone_goes(home, tmp_path):
    world = SmallWorld(tmp_path)
    for p in range(12):
        world.person(str(p))
        moment = at("2026-01-05") if p < 6 else at("2026-03-02")
        world.add("ticket", f"t{p}", requester_id=str(p), created_at=moment, status="open", channel="email")

    def publish(stores):
        made = compute(VOLUME, world.inputs(feeds_read_until(NOW)), Scene(NOW, "UTC", 5, Stamp("run", NOW)))
        publish_mart(stores, made.rows, dim_rows(VOLUME), whole=made.whole)
        query = (
            "select period_start, value from metric_value where grain = 'month' and channel || slice_name = 'allall'"
        )
        with stores.mart.connect() as mart:
            return sorted(tuple(row) for row in mart.exec_driver_sql(query))

    with home.opened() as opened:
        before = publish(opened.stores)
        for row in world.rows["ticket"]:  # the source deleted January's tickets, or their persons were erased
            row["deleted"] = row["created_at"] < at("2026-02-01")
        after = publish(opened.stores)
    assert before[0] == ("2026-01-01", 6.0)
    assert after == [("2026-03-01", 6.0)]
