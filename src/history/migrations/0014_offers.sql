-- What volunteers offered, and what became of it. What is private in an offer is sealed in its file.
CREATE TABLE offers (
    ticket       TEXT    PRIMARY KEY,
    name         TEXT    NOT NULL,     -- as the volunteer would like it to be called
    state        TEXT    NOT NULL,
    sequence     INTEGER NOT NULL,     -- of the newest message that was taken: older ones are not taken again
    received     TEXT    NOT NULL,     -- when the first message came
    changed      TEXT    NOT NULL,     -- when the state last changed
    expires      TEXT    NOT NULL,     -- of what was agreed last
    agreed       TEXT,                 -- the file that was accepted
    file         TEXT    NOT NULL,     -- the newest offer or update; differs from what was agreed while that waits
    target       TEXT,                 -- what it became
    entry        TEXT,                 -- the digest of that target's place: an entry of the same name that leads elsewhere is another's
    since        TEXT,                 -- when probation began, or when it was accepted while its first copy is made
    paused_until TEXT,
    words        TEXT,                 -- why, where somebody said so
    erase        INTEGER NOT NULL,     -- 1: withdrawn, and our files are still to be removed
    sealed       INTEGER NOT NULL,     -- 1: secrets of it lie sealed in the project
    examined     TEXT,                 -- when `file` was last examined
    good         INTEGER NOT NULL,     -- 1: and nothing failed
    examination  TEXT                  -- what was found, as JSON
) STRICT, WITHOUT ROWID;
