-- Whether two answers disagree: as numbers by more than `tolerance` where both are numbers, else as text.
CREATE OR REPLACE MACRO labels_differ(one, other, tolerance) AS
    CASE
        WHEN TRY_CAST(one AS DOUBLE) IS NOT NULL AND TRY_CAST(other AS DOUBLE) IS NOT NULL
        THEN abs(TRY_CAST(one AS DOUBLE) - TRY_CAST(other AS DOUBLE)) > tolerance
        ELSE one <> other
    END;
