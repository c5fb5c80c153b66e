-- The time before which nothing changes any more; where nothing was removed yet, one before all others.
CREATE OR REPLACE MACRO frozen_before() AS
    (SELECT coalesce(max(gone_before), TIMESTAMP '1900-01-01') FROM retained WHERE kind = 'frozen');
