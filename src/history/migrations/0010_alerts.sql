-- Who was told of what. Times are RFC 3339 text. No address and no secret is in here.

-- What each route knows of each trouble, so that a restart forgets and repeats nothing.
CREATE TABLE incidents (
    route     TEXT NOT NULL,
    mirror    TEXT NOT NULL,      -- empty: about all, or ourselves
    condition TEXT NOT NULL,
    record    TEXT NOT NULL,
    PRIMARY KEY (route, mirror, condition)
) STRICT, WITHOUT ROWID;

-- Decided, written down here, sent, marked: a kill in between sends a message twice at worst.
CREATE TABLE outbox (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    route   TEXT    NOT NULL,
    mirror  TEXT,                 -- whose volunteer gets it; null: the route's own recipients
    title   TEXT    NOT NULL,
    letter  TEXT    NOT NULL,
    decided TEXT    NOT NULL,
    tries   INTEGER NOT NULL,     -- failed ones
    due     TEXT    NOT NULL,     -- not before this
    error   TEXT,                 -- of the last try that failed
    failing TEXT,                 -- since the first one
    ended   TEXT,                 -- when it was sent, or given up
    sent    INTEGER NOT NULL      -- 1: it was
) STRICT;

CREATE INDEX outbox_waiting ON outbox (ended, id);
