"""Two threads that publish: the one that was slow never puts back what is older."""

import threading

from configsvc_client._freshness import Window
from configsvc_client._opening.snapshot import Snapshot
from configsvc_client._refresh.flight import Callbacks
from configsvc_client._refresh.keeper import Keeper
from configsvc_client._settings import Given, parse_settings
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values


def test_what_is_shown_last_is_the_newest() -> None:
    stage = Stage(seal_values({"a": "1"}))
    found = parse_settings(Given(), stage.environ)
    shown: list[str] = []
    slow, inside, newer = threading.Event(), threading.Event(), threading.Event()

    def publish(snapshot: Snapshot, window: Window) -> None:
        del window
        if slow.is_set() and not inside.is_set():
            inside.set()
            newer.wait(0.3)  # long enough for another to come between, if it may
        shown.append(str(snapshot["a"]))
        if snapshot["a"] == "2":
            newer.set()

    keeper = Keeper(found, stage.world(found), Callbacks(stage.warnings.append), publish)
    keeper.read_current()
    slow.set()
    looking = threading.Thread(target=keeper.read_current)
    looking.start()
    assert inside.wait(30)
    stage.serve(seal_values({"a": "2"}, revision=2))
    assert keeper.refresh() is True
    looking.join(30)
    assert shown[-1] == "2"
