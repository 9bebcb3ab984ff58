import json
import socket
import subprocess
import sys

import httpx


def test_serves_until_it_is_stopped():
    command = [sys.executable, "-m", "sandbox", "--customers", "20", "--seed", "3", "--rate-scale", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = json.loads(process.stdout.readline())
            headers = {"authorization": f"Bearer {ready['hubspot']['token']}"}
            contacts = httpx.get(ready["hubspot"]["url"] + "/crm/v3/objects/contacts", headers=headers)
            credentials = (ready["zendesk"]["user"], ready["zendesk"]["token"])
            me = httpx.get(ready["zendesk"]["url"] + "/api/v2/users/me.json", auth=credentials)
            truth = httpx.get(ready["control"]["url"] + "/_sandbox/truth")
        finally:
            process.terminate()
    assert contacts.headers["x-hubspot-ratelimit-max"] == "3800"
    assert me.json()["user"]["role"] == "admin"
    assert len(truth.json()["people"]) == 22  # two more are known to the shop alone


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "sandbox", "--customers", "2", "--hubspot-port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"on port {port}: Address already in use. Name other ports" in done.stderr
