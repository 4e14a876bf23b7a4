-- Since when the entry of an accepted offer is not in the list of targets: an hour in which it is commented out is no end.
ALTER TABLE offers ADD COLUMN missing_since TEXT;
