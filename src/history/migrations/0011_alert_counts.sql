-- What became of the messages of each route, ever: old messages are removed, counts never go back.
CREATE TABLE alert_counts (
    route    TEXT    NOT NULL PRIMARY KEY,
    sent     INTEGER NOT NULL,
    failed   INTEGER NOT NULL,     -- tries
    given_up INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO alert_counts (route, sent, failed, given_up)
SELECT route, sum(sent), sum(tries), sum(ended IS NOT NULL AND sent = 0) FROM outbox GROUP BY route;
