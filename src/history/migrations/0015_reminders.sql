-- How far each route has been reminded of the end of what is agreed, so that nobody hears of a step twice.
CREATE TABLE reminders (
    route   TEXT    NOT NULL,
    ticket  TEXT    NOT NULL,
    expires TEXT    NOT NULL,     -- the end that it was about: with another one, all begins anew
    days    INTEGER NOT NULL,     -- the last step that was told
    PRIMARY KEY (route, ticket)
) STRICT, WITHOUT ROWID;
