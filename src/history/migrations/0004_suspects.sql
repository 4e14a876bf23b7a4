-- What checks proved to be missing or wrong and what neither a repair nor a check as deep has cleared since.

CREATE TABLE suspects (
    target TEXT    NOT NULL,
    path   TEXT    NOT NULL,
    depth  INTEGER NOT NULL,    -- of the check that found it: 0 metadata, 1 files, 2 full
    PRIMARY KEY (target, path)
) STRICT, WITHOUT ROWID;
