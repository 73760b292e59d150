-- Who is at a destination need not be counted where the plan says that it is who is in the snapshot.

-- Nothing waits, is skipped, set aside or out of scope: once all of the plan is accepted, the destination has the
-- memberships of the snapshot and no others.
ALTER TABLE run_destination ADD COLUMN mirrors boolean NOT NULL DEFAULT false;
