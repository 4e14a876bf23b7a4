-- Times are RFC 3339 text; order is always that of ids, so that a clock set back changes nothing.
-- Records are the JSON of the program's own types; columns that queries need are generated from it, never stored twice.

CREATE TABLE runs (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind      TEXT    NOT NULL,
    release   TEXT,
    version   INTEGER NOT NULL,
    started   TEXT    NOT NULL,
    wanted    INTEGER NOT NULL,
    finished  TEXT,               -- null: still going on, or interrupted
    quorum    TEXT,
    level     TEXT,
    cancelled INTEGER
) STRICT;

CREATE TABLE outcomes (
    run      INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    target   TEXT    NOT NULL,
    position INTEGER NOT NULL,
    record   TEXT    NOT NULL,
    PRIMARY KEY (run, target)
) STRICT, WITHOUT ROWID;

CREATE INDEX outcomes_of_target ON outcomes (target, run);

CREATE TABLE rounds (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    depth    TEXT    NOT NULL,
    release  TEXT,
    version  INTEGER NOT NULL,
    started  TEXT    NOT NULL,
    finished TEXT    NOT NULL,
    wanted   INTEGER NOT NULL,
    quorum   TEXT    NOT NULL
) STRICT;

CREATE TABLE checks (
    round    INTEGER NOT NULL REFERENCES rounds (id) ON DELETE CASCADE,
    target   TEXT    NOT NULL,
    position INTEGER NOT NULL,
    since    TEXT    NOT NULL,    -- start of the first of the unbroken series of rounds with this verdict
    record   TEXT    NOT NULL,
    verdict  TEXT    GENERATED ALWAYS AS (json_extract(record, '$.verdict')) VIRTUAL,
    level    TEXT    GENERATED ALWAYS AS (json_extract(record, '$.level')) VIRTUAL,
    PRIMARY KEY (round, target)
) STRICT, WITHOUT ROWID;

CREATE INDEX checks_of_target ON checks (target, round);
CREATE INDEX verified_checks ON checks (target, round) WHERE level = 'verified';

CREATE TABLE profiles (
    target       TEXT PRIMARY KEY,
    capabilities TEXT NOT NULL,
    server       TEXT,
    probed_at    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trusted (
    whose     TEXT    PRIMARY KEY,  -- 'project', or 'mirror:' and the target's name
    root      INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    snapshot  INTEGER NOT NULL,
    targets   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE breakers (
    target    TEXT    PRIMARY KEY,
    failures  INTEGER NOT NULL,
    opened_at TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    target  TEXT    NOT NULL,
    path    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    sha256  BLOB    NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (target, path)
) STRICT, WITHOUT ROWID;
