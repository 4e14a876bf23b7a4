-- How mirrors are over time. Times of events are RFC 3339 text; stretches begin at Unix seconds, so that they can be cut.

CREATE TABLE standings (
    target   TEXT PRIMARY KEY,
    standing TEXT NOT NULL,       -- what the rules remember: JSON
    seen     TEXT                 -- the last observation with a result: JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT    NOT NULL,
    target TEXT,                  -- null: about all, or ourselves
    record TEXT    NOT NULL
) STRICT;

CREATE INDEX events_of_target ON events (target, id);

-- Looks added up over a minute, an hour and a day.
CREATE TABLE stretches (
    target  TEXT    NOT NULL,
    width   INTEGER NOT NULL,     -- 60, 3600 or 86400 seconds
    start   INTEGER NOT NULL,
    up      INTEGER NOT NULL,
    down    INTEGER NOT NULL,
    no_data INTEGER NOT NULL,
    PRIMARY KEY (target, width, start)
) STRICT, WITHOUT ROWID;
