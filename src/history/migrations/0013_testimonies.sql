-- The newest testimony of each vantage: it counts until it ends, and its number tells an old one from a new one for ever.
CREATE TABLE testimonies (
    vantage  TEXT    PRIMARY KEY,
    key      TEXT    NOT NULL,     -- whose signature it carried: another key has numbers of its own
    sequence INTEGER NOT NULL,
    sha256   TEXT    NOT NULL,     -- of the file: the same one once more is no replay
    looked   INTEGER NOT NULL,     -- 1: what it says of wrong bytes was looked at again from here
    record   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
