-- What a target was last known to hold: all that `holds` expected of it at timestamp version `version`.

CREATE TABLE settled (
    target  TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    holds   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
