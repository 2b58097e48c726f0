"""A streaming replica of a test's cluster: the project itself runs none."""

from reco.db.cluster import Cluster


class Replica(Cluster):
    """A hot standby, made from `primary` by pg_basebackup at its first `up`."""

    def __init__(self, home, primary):
        super().__init__(home, is_durable=False)
        self._primary = primary

    def _make(self, programs, owner):
        if (self._data / "PG_VERSION").exists():
            return
        copy = [programs.path("pg_basebackup"), "-D", str(self._data), "-R", "-X", "stream"]
        copy += ["-c", "fast", "-d", self._primary.conninfo("postgres")]
        self._run(copy, owner, "be copied")
