-- What the processes that work on a project share with the one that answers the web, and nothing else.
CREATE TABLE shown (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL,   -- grows with each publication: who remembers it knows whether to read again
    written    TEXT    NOT NULL,
    about      TEXT    NOT NULL,   -- JSON
    metrics    TEXT    NOT NULL    -- of the fleet, for the listener of metrics alone
) STRICT;

CREATE TABLE pages (
    path  TEXT PRIMARY KEY,        -- below the root of the web, without a slash at its beginning
    kind  TEXT NOT NULL,           -- its content type
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages of volunteers that nobody of the project has taken yet. What is secret in them is sealed.
CREATE TABLE offers (
    ticket   TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    received TEXT    NOT NULL,
    bytes    BLOB    NOT NULL,
    PRIMARY KEY (ticket, sequence)
) STRICT;

-- What the project tells volunteers, who ask by ticket.
CREATE TABLE tickets (
    ticket    TEXT    PRIMARY KEY,
    state     TEXT    NOT NULL,
    words     TEXT    NOT NULL,
    changed   TEXT    NOT NULL,
    taken     INTEGER NOT NULL,    -- sequence of the newest message that was taken; 0: none
    is_mirror INTEGER NOT NULL,    -- 1: its volunteer has a place with us, and must be able to leave
    refused   TEXT                 -- why the last message of it was not taken
) STRICT, WITHOUT ROWID;
