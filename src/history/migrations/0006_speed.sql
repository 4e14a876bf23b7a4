-- How soon mirrors answer: the fastest family of each look, kept for a little more than a day.
CREATE TABLE first_bytes (
    target TEXT    NOT NULL,
    at     INTEGER NOT NULL,      -- Unix seconds: when the round began
    ms     INTEGER,               -- from the request to the first byte; null: none came
    PRIMARY KEY (target, at)
) STRICT, WITHOUT ROWID;

-- The worst condition in a stretch of a day, as its word; null: written before that was kept.
ALTER TABLE stretches ADD COLUMN worst TEXT;
