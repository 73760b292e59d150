-- Purpose: the day on which the story begins: always the same, so that a seed tells always the same story.
INSERT INTO shop.calendar (today) VALUES ('2026-03-02')
