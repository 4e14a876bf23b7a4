-- Who answers for the domains of mirrors, as it was last asked.

CREATE TABLE name_servers (
    domain   TEXT PRIMARY KEY,
    asked    TEXT NOT NULL,       -- when, whatever came of it
    resolver TEXT NOT NULL,       -- who was asked, as in targets.yaml
    answered TEXT,                -- when an answer last came
    hosts    TEXT,                -- that answer: a JSON list of domains
    trouble  TEXT                 -- why none came when it was last asked
) STRICT, WITHOUT ROWID;
