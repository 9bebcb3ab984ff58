"""Being told: one message about what failed or is overdue, to a real mail server and a real endpoint, and no flood."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from installations import Home
from listeners import Endpoint, MailServer, listening

from cdp_pipelines import database
from cdp_pipelines.alerts import Memory, failed_run, overdue_sources, send
from cdp_pipelines.cli.main import execute
from cdp_pipelines.config import AlertSettings, load_settings
from cdp_pipelines.defs.alerts import sensors
from cdp_pipelines.defs.alerts.sensors import alert_sensors, alerts
from cdp_pipelines.defs.resource import InstallationResource
from cdp_pipelines.installation import clock
from connectors.registry import source

CANARY = "Erika Mustermann, erika@example.org"


@dg.op
def sync_crm() -> None:
    raise dg.Failure(CANARY)


@dg.job(executor_def=dg.in_process_executor)
def nightly() -> None:
    sync_crm()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with listening(MailServer()) as server:
        yield server


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening(Endpoint()) as server:
        yield server


@pytest.fixture
def told(home: Home, mail: MailServer, endpoint: Endpoint) -> Home:
    """An installation in which somebody is told both ways."""
    home.config.write_text(
        home.config.read_text() + "\n[alerts]\n"
        'email_to = ["it@shop.example", "boss@shop.example"]\nsmtp_host = "127.0.0.1"\n'
        f'smtp_port = {mail.port}\nwebhook_url = "{endpoint.url}"\n'
    )
    return Home(load_settings(home.config, {}))


class Watch:
    """The sensor, looking again and again; the clock can be moved on."""

    def __init__(self, home: Home, instance: dg.DagsterInstance) -> None:
        self._home, self._instance = home, instance
        self.cursor: str | None = None
        self.now = clock()

    def fail(self) -> None:
        assert not nightly.execute_in_process(instance=self._instance, raise_on_error=False).success

    def look(self) -> str:
        context = dg.build_sensor_context(
            instance=self._instance,
            cursor=self.cursor,
            resources={"installation": InstallationResource(config_path=str(self._home.config))},
        )
        skipped = alerts(context)
        self.cursor = context.cursor
        assert isinstance(skipped, dg.SkipReason)
        return str(skipped.skip_message)


@pytest.fixture
def watch(told: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch(told, instance)
    monkeypatch.setattr(sensors, "clock", lambda: watch.now)
    return watch


def test_a_failed_run_is_told_once_with_names_and_counts(watch: Watch, mail: MailServer, endpoint: Endpoint) -> None:
    watch.look()
    watch.fail()
    watch.fail()

    said = watch.look()
    watch.look()

    (message,), (body,) = mail.messages, endpoint.bodies
    text = str(message.get_payload(decode=True))
    assert message["Subject"] == "cdp: 1 failing"
    assert "The job nightly failed 2 times (sync_crm)." in text
    assert len(mail.recipients) == 2
    assert body["troubles"] == [{"kind": "failed", "name": "nightly", "count": 2, "parts": ["sync_crm"]}]
    assert "Told 1 troubles by e-mail, webhook" in said
    assert "Erika" not in text + repr(body) + said


def about_the_job(mail: MailServer) -> list[str]:
    texts = [str(message.get_payload(decode=True)) for message in mail.messages]
    return [text for text in texts if "The job nightly" in text]


def test_the_same_trouble_is_told_again_after_a_day_and_not_before(watch: Watch, mail: MailServer) -> None:
    watch.look()
    watch.fail()
    watch.look()
    watch.now += timedelta(hours=23)
    watch.fail()
    watch.look()
    assert len(about_the_job(mail)) == 1

    watch.now += timedelta(hours=2)
    watch.look()

    assert "failed once" in about_the_job(mail)[1]


def test_what_failed_before_the_first_look_long_ago_is_not_told(watch: Watch, mail: MailServer) -> None:
    watch.fail()
    watch.now += timedelta(hours=1)

    watch.look()

    assert mail.messages == []


def test_a_message_that_does_not_get_through_is_sent_later(watch: Watch, mail: MailServer, endpoint: Endpoint) -> None:
    watch.look()
    watch.fail()
    mail.refuses, endpoint.status = 550, 500

    said = watch.look()

    assert "Could not tell." in said
    assert "answered with 550" in said
    assert "status 500" in said
    assert [word for word in ("Erika", "secret-path", "it@shop") if word in said] == []
    mail.refuses = None
    assert "by e-mail" in watch.look()
    assert len(mail.messages) == 1


def test_one_way_that_works_is_enough(watch: Watch, mail: MailServer, endpoint: Endpoint) -> None:
    watch.look()
    watch.fail()
    endpoint.status = 404

    assert "webhook: it answered with status 404" in watch.look()
    watch.look()

    assert len(mail.messages) == 1


def test_an_installation_that_does_not_open_is_told(watch: Watch, told: Home, mail: MailServer) -> None:
    watch.look()
    told.settings.root_key_file.rename(told.settings.root_key_file.with_suffix(".away"))

    watch.look()

    assert "cannot be opened (RootKeyError)" in str(mail.messages[0].get_payload(decode=True))


def test_an_unread_source_is_told(watch: Watch, mail: MailServer) -> None:
    watch.look()
    watch.now += timedelta(hours=3)  # two intervals of an hour, and one more

    watch.look()

    text = str(mail.messages[0].get_payload(decode=True))
    assert "The source hubspot has not been read to its end for 3 hours" in text
    assert "The source zendesk" in text
    assert mail.messages[0]["Subject"] == "cdp: 2 not running"


def read(home: Home, name: str, *, streams: Callable[[list[str]], list[str]]) -> None:
    """Note a sync that read these streams to their end."""
    with home.opened() as opened:
        run_id = database.start_run(opened.stores.control, f"sync/{name}", source=name)
        done = streams([stream.name for stream in source(name).streams])
        database.finish_run(opened.stores.control, run_id, "success", counts={"read_to_end": done})


def overdue(home: Home, known: dict[str, datetime], *, hours: float) -> list[str]:
    with home.opened() as opened:
        found = overdue_sources(opened.stores.control, home.settings, known, now=clock() + timedelta(hours=hours))
        return [trouble.name for trouble in found]


def test_a_source_is_overdue_after_two_intervals_without_all_of_its_streams(home: Home) -> None:
    known: dict[str, datetime] = {}
    assert overdue(home, known, hours=0) == []
    read(home, "hubspot", streams=lambda names: names)

    assert overdue(home, known, hours=1.9) == []
    assert overdue(home, known, hours=2.1) == ["hubspot", "zendesk"]
    read(home, "zendesk", streams=lambda names: names[1:])
    assert set(known) == {"hubspot", "zendesk"}
    known["zendesk"] -= timedelta(hours=3)
    assert overdue(home, known, hours=0) == ["zendesk"]


def test_a_source_that_is_switched_off_is_not_waited_for(home: Home) -> None:
    off = {name: settings.model_copy(update={"enabled": False}) for name, settings in home.settings.sources.items()}
    quiet = Home(home.settings.model_copy(update={"sources": off}))

    assert overdue(quiet, {"hubspot": clock() - timedelta(days=9)}, hours=0) == []


def test_a_memory_is_what_its_text_says() -> None:
    now = clock()
    memory = Memory.from_text(None, now=now)
    memory.add([failed_run("a", ["x", "x"]), failed_run("a", ["y"])])
    memory.runs, memory.known_since = {"r"}, {"hubspot": now}
    memory.note_told([failed_run("b", [])], now=now)

    assert Memory.from_text(memory.to_text(), now=now + timedelta(days=1)) == memory


def test_the_sensor_is_there_when_somebody_is_to_be_told(told: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_CONFIG", str(told.config))
    assert [sensor.default_status for sensor in alert_sensors()] == [dg.DefaultSensorStatus.RUNNING]
    monkeypatch.setenv("CDP_CONFIG", "/nowhere/cdp.toml")
    assert alert_sensors() == []


class Cdp:
    def __init__(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self._home, self._capsys, self.said = home, capsys, ""

    def __call__(self, *arguments: Any) -> int:
        code = execute(["--config", str(self._home.config), *arguments])
        captured = self._capsys.readouterr()
        self.said = captured.out + captured.err
        return code


def test_a_test_message_goes_out(told: Home, mail: MailServer, capsys: pytest.CaptureFixture[str]) -> None:
    cdp = Cdp(told, capsys)

    assert cdp("alerts", "test") == 0

    assert mail.messages[0]["Subject"] == "cdp: a test"
    assert "e-mail, webhook" in cdp.said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CDP_ALERTS__SMTP_SECURITY", "starttls", "SMTPNotSupportedError"),
        ("CDP_ALERTS__SMTP_SECURITY", "tls", "SSLError"),
        ("CDP_ALERTS__SMTP_USER", "cdp", "not sent over a connection in clear"),
        ("CDP_ALERTS__SMTP_PORT", "1", "ConnectionRefusedError"),
        ("CDP_ALERTS__WEBHOOK_URL", "http://127.0.0.1:1/secret-path", "ConnectError"),
    ],
)
def test_a_way_that_cannot_work_is_named(
    told: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    cdp = Cdp(told, capsys)

    assert cdp("alerts", "test") == 21
    assert said in cdp.said
    assert "secret-path" not in cdp.said


def test_nobody_to_tell_is_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    cdp = Cdp(home, capsys)

    assert cdp("alerts", "test") == 10
    assert "names nobody" in cdp.said


@pytest.mark.parametrize("address", ["http://hooks.example.com/x", "ftp://a/b", "hooks"])
def test_a_webhook_in_clear_is_refused(home: Home, address: str) -> None:
    with pytest.raises(ValueError, match="must begin with https://"):
        load_settings(home.config, {"CDP_ALERTS__WEBHOOK_URL": address})


def test_a_webhook_whose_host_cannot_be_is_a_problem_and_no_crash() -> None:
    delivery = send(AlertSettings(webhook_url=f"https://{'a' * 70}.example/"), [])
    assert delivery.problems == ("webhook: UnicodeError while posting. Check webhook_url and the network.",)
