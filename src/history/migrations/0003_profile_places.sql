-- A profile is of a server, not of a name: the SHA-256 of where it was made. Null: made before that was written down,
-- so nobody knows of which server it is.
ALTER TABLE profiles ADD COLUMN place BLOB CHECK (place IS NULL OR length(place) = 32);
