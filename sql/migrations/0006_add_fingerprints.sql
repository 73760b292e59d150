-- Audiences that did not move need no comparison: see `syncer/unmoved.py`.

-- Of the snapshot's rows of this audience, where nothing of them differed from the state; null: something did, or
-- nobody added them up.
ALTER TABLE run_count ADD COLUMN fingerprint text;
