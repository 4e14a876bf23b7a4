-- What probes saw last, when each is due again, and what they may still read.

CREATE TABLE probes (
    target TEXT NOT NULL,
    probe  TEXT NOT NULL,         -- sample, throughput or write
    at     TEXT NOT NULL,         -- when it was made; without a record: since when it could have been
    record TEXT,                  -- what it saw: JSON
    PRIMARY KEY (target, probe)
) STRICT, WITHOUT ROWID;

-- Bytes that samples and throughput have read, by the hour in which their round began (hours since 1970).
CREATE TABLE probe_bytes (
    target TEXT    NOT NULL,
    hour   INTEGER NOT NULL,
    bytes  INTEGER NOT NULL,
    PRIMARY KEY (target, hour)
) STRICT, WITHOUT ROWID;

-- Pieces that were sampled since ever.
CREATE TABLE pieces (
    target TEXT PRIMARY KEY,
    good   INTEGER NOT NULL,
    bad    INTEGER NOT NULL,
    unread INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
