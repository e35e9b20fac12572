"""Checks that the table matches the plain model, and that neither breaks the basic promises."""

from configsvc.model.snapshot import Entry
from configsvc.service.engine.ports import Repository
from tests.support.machines import recount
from tests.support.machines.worlds import Space, World


class Witness:
    """Remembers what was there: a version never changes, a revision never goes down, one ETag is one answer."""

    def __init__(self) -> None:
        self._revisions: dict[str, tuple[int, int]] = {}
        self._versions: dict[tuple[str, str, int], Entry] = {}
        self._answers: dict[tuple[str, str], str] = {}
        self._etags: dict[tuple[str, str], str] = {}

    def check(self, repository: Repository, world: World, ns: str) -> None:
        """Checks the records of one namespace."""
        found = recount.read_stored(repository, ns)
        space = world.space(ns)
        if found is None:
            assert space.revision == 0
            return
        recount.check(found, pruned=True)
        _check_equal(found, space)
        self._never_back(found, ns)

    def saw(self, ns: str, etag: str, body: str) -> None:
        """Records an answer with its ETag: the ETag changes when and only when the answer does."""
        assert self._answers.setdefault((ns, etag), body) == body, "one ETag, two answers"
        assert self._etags.setdefault((ns, body), etag) == etag, "one answer, two ETags"

    def _never_back(self, found: recount.StoredNamespace, ns: str) -> None:
        head = found.head
        before = self._revisions.get(ns, (0, 0))
        assert head.revision >= before[0]
        assert head.served >= before[1]
        self._revisions[ns] = (head.revision, head.served)
        for (key, number), version in found.versions.items():
            known = self._versions.setdefault((ns, key, number), version.entry)
            assert version.destroyed or known == version.entry, "a version changed"


def _check_equal(found: recount.StoredNamespace, space: Space) -> None:
    head = found.head
    state = "live" if space.live else "deleted"
    assert (head.revision, head.served, head.floor, head.state) == (space.revision, space.served, space.floor, state)
    if found.settings:
        settings = found.settings
        assert settings._asdict() | {"namespace": 0, "revision": 0} == space.settings._asdict() | {
            "namespace": 0,
            "revision": 0,
        }
    assert [each.revision for each in found.log] == sorted(space.log)
    assert {kid: count.seals for kid, count in head.kids.items()} == {
        kid: each.seals for kid, each in space.data_keys.items() if each.live
    }
    keys = {
        key: (each.latest, each.latest_form, each.active, each.revision, each.rotate_by, bool(each.deleted_at))
        for key, each in found.keys.items()
    }
    assert keys == {
        key: (each.latest, each.form, each.active, each.touched, each.rotate_by, each.deleted)
        for key, each in space.keys.items()
    }
    versions = {
        at: (each.entry.form, each.entry.content_type, each.entry.value, each.revision, each.destroyed)
        for at, each in found.versions.items()
    }
    assert versions == {
        (key, number): (each.form, each.content_type, each.text, each.at, each.destroyed)
        for key, known in space.keys.items()
        for number, each in known.versions.items()
    }
    wrapped = {
        kid: (each.data_key.wrapped, each.revision, each.state == "live") for kid, each in found.data_keys.items()
    }
    assert wrapped == {kid: (each.wrapped, each.touched, each.live) for kid, each in space.data_keys.items()}
