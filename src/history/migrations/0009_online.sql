-- Whether we were online ourselves in a round; null: nobody was asked.
ALTER TABLE rounds ADD COLUMN online INTEGER;
