-- Repairs that nobody started by hand: how often a mirror was tried, so that it is not tried over and over.
CREATE TABLE repairs (
    target TEXT PRIMARY KEY,
    tries  INTEGER NOT NULL,
    last   TEXT NOT NULL
) STRICT;

-- When each job of the schedule was last begun, and how often in a row it failed.
CREATE TABLE jobs (
    job      TEXT PRIMARY KEY,
    began    TEXT NOT NULL,
    failures INTEGER NOT NULL
) STRICT;
